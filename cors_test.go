package oneauth_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// tlsApp is an application over TLS that trusts one origin beside its own, with an API of its own behind CORS.
func tlsApp(t *testing.T, trusted string) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	app := oneauthtest.New(t, oneauth.WithBaseURL("https://"+server.Listener.Addr().String()),
		oneauth.WithTrustedOrigins(trusted), oneauth.WithScopes("read", "write"))
	mux := http.NewServeMux()
	app.Mount(mux)
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, oneauth.From(r.Context()).Via) })
	mux.Handle("/api/notes", app.CORS(app.RequireScopes("write")(api)))
	server.Config.Handler = mux
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// page is a page of an origin, open in a browser: it sends what scripts of that page would.
type page struct {
	t      *testing.T
	origin string
	client *http.Client
}

func open(t *testing.T, origin string) page {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the server of the test has its own certificate
	t.Cleanup(transport.CloseIdleConnections)
	return page{t, origin, &http.Client{Jar: jar, Transport: transport}}
}

func (p page) send(method, url, body string, headers ...string) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", p.origin)
	r.Header.Set("Sec-Fetch-Site", "same-site")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, string(text)
}

// mayRead reports whether the page's browser would show it the answer to a request with credentials.
func (p page) mayRead(answer *http.Response) bool {
	h := answer.Header
	return len(h["Access-Control-Allow-Origin"]) == 1 && h.Get("Access-Control-Allow-Origin") == p.origin &&
		h.Get("Access-Control-Allow-Credentials") == "true" && strings.Contains(strings.Join(h["Vary"], ","), "Origin")
}

// A page of a trusted origin signs somebody in and uses the application's API, each time after a preflight request, and
// can read what goes wrong. A page of any other origin can do and read nothing.
func TestCORSOverTLS(t *testing.T) {
	const spa = "https://spa.example"
	server := tlsApp(t, spa)
	trusted := open(t, spa)
	notes := server.URL + "/api/notes"

	for path, methods := range map[string]string{"/auth/signup": "POST", "/auth/session": "GET", "/auth/account": "PATCH", "/api/notes": "PUT"} {
		answer, _ := trusted.send("OPTIONS", server.URL+path, "",
			"Access-Control-Request-Method", methods, "Access-Control-Request-Headers", "content-type")
		if answer.StatusCode != 204 || !trusted.mayRead(answer) || answer.Header.Get("Access-Control-Max-Age") == "" ||
			!strings.Contains(answer.Header.Get("Access-Control-Allow-Methods"), methods) ||
			!strings.Contains(strings.ToLower(answer.Header.Get("Access-Control-Allow-Headers")), "content-type") {
			t.Errorf("preflight of %s: %d %v", path, answer.StatusCode, answer.Header)
		}
	}
	answer, body := trusted.send("PUT", notes, "{}")
	if answer.StatusCode != 401 || !trusted.mayRead(answer) ||
		!strings.Contains(answer.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
		t.Errorf("before signing in: %d %v %s", answer.StatusCode, answer.Header, body)
	}
	if answer, body = trusted.send("POST", server.URL+"/auth/signup", signUpBody("not an address")); answer.StatusCode != 422 ||
		!trusted.mayRead(answer) || !strings.Contains(body, "invalid_email") {
		t.Errorf("an error: %d %v %s", answer.StatusCode, answer.Header, body)
	}
	if answer, body = trusted.send("POST", server.URL+"/auth/signup", signUpBody(annMail)); answer.StatusCode != 201 || !trusted.mayRead(answer) {
		t.Fatalf("sign-up: %d %v %s", answer.StatusCode, answer.Header, body)
	}
	if answer, body = trusted.send("PUT", notes, "{}"); answer.StatusCode != 200 || body != "session" || !trusted.mayRead(answer) {
		t.Errorf("signed in: %d %v %s", answer.StatusCode, answer.Header, body)
	}

	for _, origin := range []string{"https://evil.example", "null", "http://spa.example", "https://spa.example.evil.example"} {
		evil := open(t, origin)
		evil.client.Jar = trusted.client.Jar // the victim's browser
		for _, path := range []string{"/auth/session", "/auth/logout", "/api/notes"} {
			answer, body := evil.send("OPTIONS", server.URL+path, "", "Access-Control-Request-Method", "POST")
			if hasCORS(answer) {
				t.Errorf("%s: preflight of %s: %d %v %s", origin, path, answer.StatusCode, answer.Header, body)
			}
		}
		if answer, body := evil.send("GET", server.URL+"/auth/session", ""); hasCORS(answer) {
			t.Errorf("%s reads the session: %d %v %s", origin, answer.StatusCode, answer.Header, body)
		}
		for _, target := range []string{server.URL + "/auth/logout", notes} {
			if answer, body := evil.send("POST", target, "{}"); answer.StatusCode != 403 || hasCORS(answer) || !strings.Contains(body, "csrf") {
				t.Errorf("%s posts to %s: %d %v %s", origin, target, answer.StatusCode, answer.Header, body)
			}
		}
	}
	if answer, _ := trusted.send("GET", server.URL+"/auth/session", ""); answer.StatusCode != 200 {
		t.Errorf("the session is gone: %d", answer.StatusCode)
	}
}

// Keys and metadata are for everybody, and for nobody in particular.
func TestPublicDocumentsOverTLS(t *testing.T) {
	server := tlsApp(t, "https://spa.example")
	for _, path := range []string{"/auth/jwks.json", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		answer, body := open(t, "https://anybody.example").send("GET", server.URL+path, "")
		if answer.StatusCode != 200 || answer.Header.Get("Access-Control-Allow-Origin") != "*" ||
			answer.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v %s", path, answer.StatusCode, answer.Header, body)
		}
	}
}

// No word of CORS is in an answer.
func hasCORS(answer *http.Response) bool {
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			return true
		}
	}
	return false
}

// An origin is scheme, host and port; a wildcard or a "null" is none.
func TestTrustedOriginsAreOrigins(t *testing.T) {
	for _, origin := range []string{"*", "null", "spa.example", "https://*.example", "https://spa.example/app", "https://u@spa.example"} {
		_, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithTrustedOrigins(origin))
		if err == nil || !strings.Contains(err.Error(), "trusted origin") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
