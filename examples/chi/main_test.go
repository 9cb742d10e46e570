package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func newAuth(t *testing.T) *oneauth.Auth {
	t.Helper()
	auth, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithScopes("read"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func send(h http.Handler, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4321"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const ann = `{"email":"ann@example.com","password":"purple otters sing at dawn"}`

// TestRouter: endpoints, well-known documents, a group behind the cookie and one behind a scope.
func TestRouter(t *testing.T) {
	h := router(newAuth(t))
	w := send(h, "POST", "/auth/signup", ann)
	if w.Code != 201 {
		t.Fatalf("sign-up: %d %s", w.Code, w.Body)
	}
	cookie := w.Result().Cookies()[0]
	if w := send(h, "GET", "/app", ""); w.Code != 401 {
		t.Errorf("/app without the cookie: %d", w.Code)
	}
	if w := send(h, "GET", "/app", "", func(r *http.Request) { r.AddCookie(cookie) }); w.Code != 200 {
		t.Errorf("/app with the cookie: %d", w.Code)
	}
	login := send(h, "POST", "/auth/api/login", strings.Replace(ann, "email", "identifier", 1))
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(login.Body.Bytes(), &token); err != nil || token.Access == "" {
		t.Fatalf("login: %d %s", login.Code, login.Body)
	}
	if w := send(h, "GET", "/api/hello", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Access) }); w.Code != 200 {
		t.Errorf("/api with a token: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/auth/jwks.json"} {
		if w := send(h, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestMountedBelow: chi's own Mount and Route work as well.
func TestMountedBelow(t *testing.T) {
	auth := newAuth(t)
	r := chi.NewRouter()
	r.Mount("/auth", auth)
	if w := send(r, "POST", "/auth/signup", ann); w.Code != 201 {
		t.Errorf("sign-up: %d %s", w.Code, w.Body)
	}
}
