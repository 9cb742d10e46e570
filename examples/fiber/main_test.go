package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// serve runs the application on a free port, as fiber runs it, and returns its URL.
func serve(t *testing.T, f *fiber.App) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- f.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := f.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// Over the network: who is signed in is known inside fiber's handlers, by cookie, token and key.
func TestApp(t *testing.T) {
	const ann = "ann@example.com"
	auth := oneauthtest.New(t, oneauth.WithScopes("read", "write"))
	url := serve(t, app(auth.Auth))
	cookie := oneauthtest.Cookie(auth.SignIn(t, ann))
	hello := "hello " + auth.User(t, ann).ID
	for _, c := range []struct {
		name, path string
		edits      []oneauthtest.Edit
		want       int
		body       string
	}{
		{"people", "/app/", []oneauthtest.Edit{cookie}, 200, hello},
		{"people without a cookie", "/app/", nil, 401, "unauthenticated"},
		{"programs", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(auth.Token(t, ann, "read"))}, 200, hello},
		{"a key", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(auth.Key(t, ann, "read"))}, 200, hello},
		{"without the scope", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(auth.Token(t, ann, "write"))}, 403, "insufficient_scope"},
		{"two credentials", "/api/hello", []oneauthtest.Edit{cookie, oneauthtest.Bearer(auth.Token(t, ann))}, 400, "invalid_request"},
		{"an endpoint", "/auth/session", []oneauthtest.Edit{cookie}, 200, ann},
		{"keys", "/auth/jwks.json", nil, 200, "keys"},
		{"metadata", "/.well-known/oauth-authorization-server", nil, 200, "issuer"},
		{"nothing", "/auth/nowhere", nil, 404, "not_found"},
	} {
		code, body := send(t, "GET", url+c.path, "", c.edits...)
		if code != c.want || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s", c.name, code, body)
		}
	}
}

// A foreign page's request is refused through the adaptor as well, and a person's own is not.
func TestCrossOrigin(t *testing.T) {
	auth := oneauthtest.New(t)
	url := serve(t, app(auth.Auth))
	cookie := oneauthtest.Cookie(auth.SignIn(t, "ann@example.com"))
	if code, body := send(t, "POST", url+"/auth/logout", "{}", cookie, oneauthtest.Header("Sec-Fetch-Site", "cross-site")); code != 403 {
		t.Errorf("a foreign page: %d %s", code, body)
	}
	if code, body := send(t, "POST", url+"/auth/logout", "{}", cookie, oneauthtest.Header("Sec-Fetch-Site", "same-origin")); code != 204 {
		t.Errorf("our own: %d %s", code, body)
	}
}

func send(t *testing.T, method, url, body string, edits ...oneauthtest.Edit) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, edit := range edits {
		edit(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// What one request said is not overwritten by the next, whose text is as long and comes on the same connection: neither the
// device that a session remembers, nor the tenant of a token.
func TestNothingIsSharedBetweenRequests(t *testing.T) {
	const ann = "ann@example.com"
	auth := oneauthtest.New(t, oneauth.WithScopes("read"), oneauth.WithTenants(func(r *http.Request) (string, error) {
		tenant, _, _ := strings.Cut(r.Host, ".")
		return tenant, nil
	}), oneauth.WithBaseURLOf(func(tenant string) string { return "https://" + tenant + ".example" }))
	url := serve(t, app(auth.Auth))
	at := func(tenant string) oneauthtest.Edit {
		return func(r *http.Request) { r.Host = tenant + ".example" }
	}
	agent := func(name string) oneauthtest.Edit { return oneauthtest.Header("User-Agent", name) }
	const body = `{"email":"` + ann + `","identifier":"` + ann + `","password":"purple otters sing at dawn"}`
	if code, text := send(t, "POST", url+"/auth/signup", body, at("alfa"), agent("first")); code != 201 {
		t.Fatalf("sign-up: %d %s", code, text)
	}
	code, text := send(t, "POST", url+"/auth/api/login", body, at("alfa"), agent("first"))
	var in struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil || code != 200 {
		t.Fatalf("sign-in: %d %s", code, text)
	}
	token := oneauthtest.Bearer(in.Token)
	for range 3 {
		if code, text := send(t, "GET", url+"/api/hello", "", at("alfa"), token, agent("third")); code != 200 {
			t.Errorf("at home: %d %s", code, text)
		}
		if code, text := send(t, "GET", url+"/api/hello", "", at("beta"), token, agent("other")); code != 401 {
			t.Errorf("at another tenant: %d %s", code, text)
		}
	}
	if code, text := send(t, "GET", url+"/auth/sessions", "", at("alfa"), token, agent("other")); code != 200 || strings.Count(text, `"first"`) != 2 {
		t.Errorf("devices: %d %s", code, text)
	}
}
