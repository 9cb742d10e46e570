package main

import (
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	m.Run()
}

// Endpoints, well-known documents, a group behind the cookie and one behind a scope.
func TestRouter(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithScopes("read", "write"))
	h := router(app.Auth)
	const ann = "ann@example.com"
	cookie := oneauthtest.Cookie(app.SignIn(t, ann))
	for _, c := range []struct {
		name, path string
		edits      []oneauthtest.Edit
		want       int
	}{
		{"people", "/app/", []oneauthtest.Edit{cookie}, 200},
		{"people without a cookie", "/app/", nil, 401},
		{"programs", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Token(t, ann, "read"))}, 200},
		{"a key", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Key(t, ann, "read"))}, 200},
		{"without the scope", "/api/hello", []oneauthtest.Edit{oneauthtest.Bearer(app.Token(t, ann, "write"))}, 403},
		{"an endpoint", "/auth/session", []oneauthtest.Edit{cookie}, 200},
		{"keys", "/auth/jwks.json", nil, 200},
		{"metadata", "/.well-known/oauth-authorization-server", nil, 200},
		{"nothing", "/auth/nowhere", nil, 404},
	} {
		w := app.Request(t, h, "GET", c.path, "", c.edits...)
		if w.Code != c.want {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if want := "hello " + app.User(t, ann).ID; c.want == 200 && (c.path == "/app/" || c.path == "/api/hello") && w.Body.String() != want {
			t.Errorf("%s: %s, not %s", c.name, w.Body, want)
		}
	}
	signUp := `{"email":"bob@example.com","password":"` + oneauthtest.Password + `"}`
	if w := app.Request(t, h, "POST", "/auth/signup", signUp); w.Code != 201 {
		t.Errorf("sign-up: %d %s", w.Code, w.Body)
	}
}
