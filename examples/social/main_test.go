package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// serve starts the provider and the application.
func serve(t *testing.T) *oneauthtest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	provider, err := idp.New("http://"+server.Listener.Addr().String(), "our-app", "our-secret")
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = provider.Handler()
	server.Start()
	t.Cleanup(server.Close)
	site := oneauthtest.Serve(t, func(auth *oneauth.Auth) http.Handler { return app(auth) }, options(provider.Issuer)...)
	provider.Now = site.Now
	return site
}

// A person opens the application, chooses Example ID on the login page, says who she is there, and is back, signed in.
func TestSignInWithAProvider(t *testing.T) {
	app := serve(t)
	browser := app.Browser(t)
	browser.CheckRedirect = nil
	get := func(address string) (*url.URL, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Request.URL, string(body)
	}
	at, text := get(app.URL + "/")
	if at.Path != "/auth/login" || !strings.Contains(text, "Continue with Example ID") {
		t.Fatalf("at %s: %s", at, text)
	}
	at, text = get(app.URL + "/auth/oauth/example?return_to=/")
	if at.Path != "/authorize" || !strings.Contains(text, "Ada Lovelace") {
		t.Fatalf("at %s: %s", at, text)
	}
	q := at.Query()
	q.Set("person", "1001")
	at.RawQuery = q.Encode()
	at, text = get(at.String())
	if at.Path != "/" || !strings.Contains(text, "Hello, Ada Lovelace") || !strings.Contains(text, "you are <b>Ada Lovelace</b>") {
		t.Errorf("at %s: %s", at, text)
	}
	if _, text = get(app.URL + "/auth/account"); !strings.Contains(text, "ada@id.example") {
		t.Errorf("the account page: %s", text)
	}
}
