package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/client"
)

// revokeAccess makes the client's access token invalid, and leaves its session alone.
func (w *world) revokeAccess(c *client.Client) {
	w.t.Helper()
	token := must(c.TokenSource(w.t.Context()).Token())(w.t)
	r := must(http.NewRequest("POST", w.URL+"/auth/revoke", strings.NewReader("token="+token.AccessToken)))(w.t)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := send(w.t, &http.Client{Transport: w.base()}, r); status != 200 {
		w.t.Fatalf("revoke: %d %s", status, body)
	}
}

// A token that the server calls invalid is renewed, and the request is sent once more with its body.
func TestRetryAfterInvalidToken(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	w.revokeAccess(c)
	r := must(http.NewRequest("POST", w.URL+"/api/echo", strings.NewReader("hello")))(t)
	if status, body := send(t, w.http(c), r); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if len(w.bodies) != 1 || w.bodies[0] != "hello" {
		t.Errorf("the server has got %q", w.bodies)
	}
	w.wantRefreshes(1)
}

// A body that cannot be read again is not sent again; the next request has a new token.
func TestBodyThatCannotBeReplayed(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	w.revokeAccess(c)
	r := must(http.NewRequest("POST", w.URL+"/api/echo", io.MultiReader(strings.NewReader("hello"))))(t)
	if status, _ := send(t, w.http(c), r); status != 401 || len(w.bodies) != 0 {
		t.Fatalf("%d, bodies %q", status, w.bodies)
	}
	w.wantRefreshes(0)
	w.wantMe(c)
	w.wantRefreshes(1)
}

// Only a 401 that says invalid_token is about the token.
func TestAnswersThatDoNotRefresh(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	if status, _ := w.get(c, "/api/admin"); status != 403 {
		t.Errorf("without the scope: %d", status)
	}
	for _, challenge := range []string{"", "Bearer", `Bearer realm="x"`, `Basic realm="x", error="invalid_token"`, `Bearer error="expired"`} {
		base := roundTrip(func(*http.Request) (*http.Response, error) {
			h := http.Header{}
			if challenge != "" {
				h.Set("WWW-Authenticate", challenge)
			}
			return &http.Response{StatusCode: 401, Header: h, Body: http.NoBody}, nil
		})
		answer := must(c.Transport(base).RoundTrip(httptest.NewRequest("GET", w.URL+"/x", nil)))(t)
		if answer.StatusCode != 401 {
			t.Errorf("%q: %d", challenge, answer.StatusCode)
		}
	}
	w.wantRefreshes(0)
}

// A server that accepts no token at all does not make the client refresh with every request.
func TestServerThatRefusesEveryToken(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	sent := 0
	h := &http.Client{Transport: c.Transport(roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{
			StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Body: http.NoBody,
		}, nil
	}))}
	for range 10 {
		answer := must(h.Get(w.URL + "/x"))(t)
		if answer.Body.Close(); answer.StatusCode != 401 {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	w.wantRefreshes(1)
	if sent != 11 {
		t.Errorf("%d requests, want 10 and one repetition", sent)
	}
}

// The token goes to the server's origin alone, whatever leads elsewhere.
func TestTokenStaysAtItsOrigin(t *testing.T) {
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atHome := strings.HasPrefix(r.Host, "127.0.0.1")
		if has := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "); has != atHome {
			t.Errorf("as %s: with the token: %v", r.Host, has)
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer home.Close()
	c := must(client.New(home.URL))(t)
	must(c.LoginWithAPIKey(t.Context(), "oak_1_2"))(t)
	port := home.URL[strings.LastIndex(home.URL, ":"):]
	for _, url := range []string{home.URL, other.URL, "http://localhost" + port, "http://ann@localhost" + port} {
		must(c.HTTPClient().Get(url))(t).Body.Close()
	}
	if len(got) != 4 {
		t.Errorf("%d requests came elsewhere, want 4", len(got))
	}
	for _, header := range got {
		if header != "" {
			t.Errorf("another origin has got %q", header)
		}
	}
}

func TestOrigins(t *testing.T) {
	c := must(client.New("https://app.example", client.WithOrigins("https://api.example:8443")))(t)
	must(c.LoginWithAPIKey(t.Context(), "oak_1_2"))(t)
	for url, want := range map[string]bool{
		"https://app.example/x": true, "https://APP.example:443/x": true, "https://api.example:8443/": true,
		"http://app.example/x": false, "https://api.example/": false, "https://app.example:8443/": false,
		"https://app.example.evil/": false, "https://evil/app.example": false, "https://app.example@evil/": false,
		"https://sub.app.example/": false, "https://app.example:80/": false, "wss://app.example/": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = must(r.URL.Parse(url))(t)
		var has bool
		base := roundTrip(func(r *http.Request) (*http.Response, error) {
			has = r.Header.Get("Authorization") == "Bearer oak_1_2"
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		if must(c.Transport(base).RoundTrip(r))(t); has != want {
			t.Errorf("%s: with the token: %v", url, has)
		}
	}
}

// A caller's own Authorization is the caller's affair.
func TestOwnAuthorization(t *testing.T) {
	w := newWorld(t)
	r := must(http.NewRequest("GET", w.URL+"/api/me", nil))(t)
	r.Header.Set("Authorization", "Bearer other")
	if status, _ := send(t, w.http(w.login()), r); status != 401 {
		t.Errorf("status %d", status)
	}
	w.wantRefreshes(0)
}

// closer is a body that knows whether it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

// The caller's request is not changed, and its body is closed even when nothing is sent.
func TestRequestIsNotChanged(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	w.revokeAccess(c)
	body := &closer{Reader: strings.NewReader("hello")}
	r := must(http.NewRequest("POST", w.URL+"/api/echo", body))(t)
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }
	r.Header.Set("X-Mine", "1")
	before := r.Header.Clone()
	answer := must(c.Transport(w.base()).RoundTrip(r))(t)
	answer.Body.Close()
	if answer.StatusCode != 200 || !reflect.DeepEqual(r.Header, before) || r.Body != io.ReadCloser(body) || !body.closed {
		t.Errorf("%d, header %v, closed %v", answer.StatusCode, r.Header, body.closed)
	}
	body.closed = false
	if err := c.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Transport(nil).RoundTrip(r); !errors.Is(err, client.ErrSignedOut) || !body.closed {
		t.Errorf("signed out: %v, closed %v", err, body.closed)
	}
}

// What a transport below adds to the copy does not reach the caller's header.
func TestCopyIsNotShared(t *testing.T) {
	c := must(client.New("https://app.example"))(t)
	must(c.LoginWithAPIKey(t.Context(), "oak_1_2"))(t)
	r := must(http.NewRequest("GET", "https://app.example", bytes.NewReader(nil)))(t)
	r.Header["X-Many"] = append(make([]string, 0, 4), "mine")
	answer := must(c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Add("X-Many", "below")
		r.Header.Add("Authorization", "below")
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})).RoundTrip(r))(t)
	answer.Body.Close()
	if many := r.Header["X-Many"]; len(many) != 1 || many[:4:4][1] != "" || r.Header.Get("Authorization") != "" {
		t.Errorf("header %v", r.Header)
	}
}
