package flow

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
)

// Person is a browser or a program that talks to a process.
type Person struct {
	t      *testing.T
	P      *Process // may be replaced when the program starts again
	HTTP   *http.Client
	bearer string
}

// Browser returns somebody with a cookie jar.
func (p *Process) Browser() *Person {
	jar, _ := cookiejar.New(nil)
	return &Person{t: p.t, P: p, HTTP: &http.Client{Jar: jar}}
}

// Program returns somebody with an access token or an API key, or with none.
func (p *Process) Program(token string) *Person {
	return &Person{t: p.t, P: p, HTTP: &http.Client{}, bearer: token}
}

// Do sends a request and returns the decoded answer, after checking its status.
func (c *Person) Do(method, path string, body any, status int) map[string]any {
	c.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, c.P.URL+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if method != http.MethodGet {
		r.Header.Set("Origin", c.P.URL)
	}
	res, err := c.HTTP.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode != status {
		c.t.Fatalf("%s %s answered %d, not %d: %s", method, path, res.StatusCode, status, text)
	}
	out := map[string]any{}
	if len(text) > 0 && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		if err := json.Unmarshal(text, &out); err != nil {
			c.t.Fatal(err)
		}
	} else if len(text) > 0 {
		out["text"] = string(text)
	}
	return out
}
