package client_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

// provider is the server's side of the authorisation code grant with PKCE, as the wire contract has it.
type provider struct {
	*httptest.Server
	t         *testing.T
	started   url.Values // of the authorisation request
	redeemed  atomic.Int64
	challenge string
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/oauth/google", func(w http.ResponseWriter, r *http.Request) {
		p.started = r.URL.Query()
		p.challenge = p.started.Get("code_challenge")
		http.Redirect(w, r, p.back("code", "the-code", "state", p.started.Get("state")), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /auth/token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if r.FormValue("grant_type") != "authorization_code" || r.FormValue("code") != "the-code" ||
			r.FormValue("client_id") != "cli" || r.FormValue("redirect_uri") != p.started.Get("redirect_uri") ||
			base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"The code is not valid."}`)
			return
		}
		p.redeemed.Add(1)
		fmt.Fprint(w, `{"access_token":"at","token_type":"Bearer","expires_in":600,"refresh_token":"rt","session_id":"ses_1"}`)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// back is the redirect URI with parameters.
func (p *provider) back(pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Add(pairs[i], pairs[i+1])
	}
	return p.started.Get("redirect_uri") + "?" + query.Encode()
}

// login signs in with something that acts as the browser.
func (p *provider) login(browse func(start string)) (client.Session, error) {
	c := must(client.New(p.URL, client.WithClient("cli", "")))(p.t)
	return c.LoginWithBrowser(p.t.Context(), client.Browser{
		Provider: "google", Timeout: time.Minute,
		Open: func(_ context.Context, start string) error { go browse(start); return nil },
	})
}

// visit opens a URL as a browser does, and returns the page that it ends on.
func visit(t *testing.T, method, url string) (int, string, http.Header) {
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Error(err)
		return 0, "", nil
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, "", nil
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), answer.Header
}

func TestLoginWithBrowser(t *testing.T) {
	p := newProvider(t)
	page := make(chan string, 1)
	session, err := p.login(func(start string) {
		status, body, h := visit(t, "GET", start)
		page <- fmt.Sprint(status, h.Get("Referrer-Policy"), h.Get("Content-Security-Policy"), body)
	})
	if err != nil || session.ID != "ses_1" {
		t.Fatalf("%+v, %v", session, err)
	}
	if got := <-page; !strings.HasPrefix(got, "200no-referrerdefault-src 'none'") || !strings.Contains(got, "You are signed in") {
		t.Errorf("the last page: %s", got)
	}
	s := p.started
	redirect := must(url.Parse(s.Get("redirect_uri")))(t)
	if s.Get("mode") != "api" || s.Get("client_id") != "cli" || s.Get("code_challenge_method") != "S256" || len(s.Get("state")) != 43 ||
		redirect.Hostname() != "127.0.0.1" || redirect.Path != "/callback" || redirect.Scheme != "http" {
		t.Errorf("the start was %v", s)
	}
	if _, err := http.Get(redirect.String()); err == nil {
		t.Error("the port is still open")
	}
}

// Whatever else comes to the port neither signs in nor ends the sign-in that was begun.
func TestStrangersAtTheRedirect(t *testing.T) {
	p := newProvider(t)
	_, err := p.login(func(start string) {
		p.started = must(url.Parse(start))(t).Query()
		p.challenge = p.started.Get("code_challenge")
		state, uri := p.started.Get("state"), p.started.Get("redirect_uri")
		for name, c := range map[string]struct {
			method, url string
			want        int
		}{
			"no state":        {"GET", p.back("code", "evil"), 400},
			"wrong state":     {"GET", p.back("code", "evil", "state", state+"x"), 400},
			"an error":        {"GET", p.back("error", "access_denied"), 400},
			"two states":      {"GET", p.back("code", "evil", "state", state, "state", "x"), 400},
			"two codes":       {"GET", p.back("code", "evil", "code", "the-code", "state", state), 400},
			"another issuer":  {"GET", p.back("code", "evil", "state", state, "iss", "https://evil.example"), 400},
			"a form":          {"POST", p.back("code", "evil", "state", state), 405},
			"only a look":     {"HEAD", p.back("code", "evil", "state", state), 405},
			"a longer path":   {"GET", strings.Replace(p.back("code", "evil", "state", state), "/callback", "/callback/", 1), 404},
			"an encoded path": {"GET", strings.Replace(p.back("code", "evil", "state", state), "/callback", "/%63allback", 1), 404},
			"the root":        {"GET", strings.TrimSuffix(uri, "/callback"), 404},
			"another name":    {"GET", strings.Replace(p.back("code", "evil", "state", state), "127.0.0.1", "localhost", 1), 404},
		} {
			status, body, _ := visit(t, c.method, c.url)
			if status != c.want || strings.Contains(body, "evil") {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		if status, body, _ := visit(t, "GET", p.back("code", "the-code", "state", state, "iss", p.URL)); status != 200 {
			t.Errorf("the right one: %d %s", status, body)
		}
	})
	if err != nil || p.redeemed.Load() != 1 {
		t.Errorf("%v, redeemed %d times", err, p.redeemed.Load())
	}
}

// The redirect counts once.
func TestRedirectIsTakenOnce(t *testing.T) {
	p := newProvider(t)
	const twice = 4
	outcomes := make(chan int, twice)
	_, err := p.login(func(start string) {
		p.started = must(url.Parse(start))(t).Query()
		p.challenge = p.started.Get("code_challenge")
		for range twice {
			go func() {
				answer, err := http.Get(p.back("code", "the-code", "state", p.started.Get("state")))
				if err != nil {
					outcomes <- 0 // the port was closed already
					return
				}
				answer.Body.Close()
				outcomes <- answer.StatusCode
			}()
		}
	})
	good := 0
	for range twice {
		if <-outcomes == 200 {
			good++
		}
	}
	if err != nil || p.redeemed.Load() != 1 || good != 1 {
		t.Errorf("%v, redeemed %d times, %d good pages", err, p.redeemed.Load(), good)
	}
}

// When it fails both the page and the error say so, and nothing of the request stands in the page.
func TestRefusedInTheBrowser(t *testing.T) {
	for name, c := range map[string]struct {
		params []string
		want   string
	}{
		"declined":  {[]string{"error", "access_denied", "error_description", "<b>No\x1b[2J</b>"}, "access_denied: <b>No[2J</b>"},
		"bad code":  {[]string{"code", "another"}, "invalid_grant"},
		"neither":   {nil, "neither code nor error"},
		"both":      {[]string{"code", "the-code", "error", "server_error"}, "server_error"},
		"odd error": {[]string{"error", "a b\nc"}, "refused"},
	} {
		p := newProvider(t)
		page := make(chan string, 1)
		_, err := p.login(func(start string) {
			p.started = must(url.Parse(start))(t).Query()
			p.challenge = p.started.Get("code_challenge")
			_, body, _ := visit(t, "GET", p.back(append(c.params, "state", p.started.Get("state"))...))
			page <- body
		})
		if err == nil || !strings.Contains(err.Error(), c.want) || p.redeemed.Load() != 0 {
			t.Errorf("%s: %v", name, err)
		}
		if body := <-page; !strings.Contains(body, "You are not signed in") || strings.Contains(body, "<b>") {
			t.Errorf("%s: the page says %s", name, body)
		}
	}
}

func TestBrowserThatNeverComesBack(t *testing.T) {
	p := newProvider(t)
	c := must(client.New(p.URL))(t)
	nothing := func(context.Context, string) error { return nil }
	_, err := c.LoginWithBrowser(t.Context(), client.Browser{Provider: "google", Open: nothing, Timeout: time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a timeout: %v", err)
	}
	broken := func(context.Context, string) error { return errors.New("no display") }
	if _, err = c.LoginWithBrowser(t.Context(), client.Browser{Provider: "google", Open: broken}); !strings.Contains(fmt.Sprint(err), "no display") {
		t.Errorf("no browser: %v", err)
	}
}

func TestBadBrowser(t *testing.T) {
	c := must(client.New("https://app.example"))(t)
	for name, b := range map[string]client.Browser{
		"nothing": {}, "both": {Provider: "google", AuthorizeURL: "https://app.example/authorize"},
		"plain http": {AuthorizeURL: "http://app.example/authorize"}, "a script": {AuthorizeURL: "javascript:alert(1)"},
		"a user": {AuthorizeURL: "https://ann@app.example/"}, "a path": {Provider: "google", Path: "callback?x"},
	} {
		b.Open = func(context.Context, string) error { t.Errorf("%s: opened", name); return errors.New("opened") }
		if _, err := c.LoginWithBrowser(t.Context(), b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := client.OpenBrowser(t.Context(), "file:///etc/passwd"); err == nil {
		t.Error("a file was opened")
	}
}

// The authorisation endpoint may be elsewhere, with parameters of its own.
func TestAuthorizeURL(t *testing.T) {
	p := newProvider(t)
	c := must(client.New(p.URL, client.WithClient("cli", ""), client.WithScopes("read")))(t)
	_, err := c.LoginWithBrowser(t.Context(), client.Browser{
		AuthorizeURL: p.URL + "/authorize?tenant=acme", Path: "/done",
		Open: func(_ context.Context, start string) error {
			u := must(url.Parse(start))(t)
			p.started, p.challenge = u.Query(), u.Query().Get("code_challenge")
			if u.Path != "/authorize" || p.started.Get("tenant") != "acme" || p.started.Get("scope") != "read" ||
				p.started.Get("response_type") != "code" || !strings.HasSuffix(p.started.Get("redirect_uri"), "/done") {
				t.Errorf("the start was %s", start)
			}
			go visit(t, "GET", p.back("code", "the-code", "state", p.started.Get("state")))
			return nil
		},
	})
	if err != nil {
		t.Error(err)
	}
}
