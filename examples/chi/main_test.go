package main

import (
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// Endpoints, well-known documents, a group behind the cookie and one behind a scope.
func TestRouter(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithScopes("read", "write"))
	h := router(app.Auth)
	cookie := oneauthtest.Cookie(app.SignIn(t, ann))
	for _, c := range []struct {
		name, path string
		edits      []oneauthtest.Edit
		want       int
	}{
		{"people", "/app", []oneauthtest.Edit{cookie}, 200},
		{"people without a cookie", "/app", nil, 401},
		{"programs", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Token(t, ann, "read"))}, 200},
		{"a key", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Key(t, ann, "read"))}, 200},
		{"without the scope", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Token(t, ann, "write"))}, 403},
		{"an endpoint", "/auth/session", []oneauthtest.Edit{cookie}, 200},
		{"keys", "/auth/jwks.json", nil, 200},
		{"keys at the root", "/.well-known/jwks.json", nil, 200},
		{"metadata", "/.well-known/oauth-authorization-server", nil, 200},
	} {
		if w := app.Request(t, h, "GET", c.path, "", c.edits...); w.Code != c.want {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// chi's own Mount and Route work as well.
func TestMountedBelow(t *testing.T) {
	app := oneauthtest.New(t)
	r := chi.NewRouter()
	r.Mount("/auth", app)
	if w := app.Request(t, r, "GET", "/auth/session", "", oneauthtest.Cookie(app.SignIn(t, ann))); w.Code != 200 {
		t.Errorf("session: %d %s", w.Code, w.Body)
	}
}
