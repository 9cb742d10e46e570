package oneauth_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// Somebody whom the application's own table knows signs in with the password of old, under the id of old; new people get
// ids as that table draws them.
func TestAdoptedAndNewUsers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(annPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	app := oneauthtest.New(t,
		oneauth.WithNewUserID(func(context.Context) (string, error) { return "18", nil }),
		oneauth.WithAdopt(func(_ context.Context, id identifier.Identifier) (*core.Seed, error) {
			if asked++; id.Value != annMail {
				return nil, nil
			}
			return &core.Seed{
				ID: "17", Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: annMail, Verified: true}}, PasswordHash: string(hash),
			}, nil
		}))
	me := app.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, oneauth.From(r.Context()).Subject)
	}))
	who := func(path, body string, status int) string {
		t.Helper()
		w := app.Request(t, app, "POST", path, body)
		if w.Code != status {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		cookie := w.Result().Cookies()[0]
		return app.Request(t, me, "GET", "/", "", func(r *http.Request) { r.AddCookie(cookie) }).Body.String()
	}
	credentials := func(email, password string) string {
		return fmt.Sprintf(`{"identifier":%q,"password":%q}`, email, password)
	}
	if w := app.Request(t, app, "POST", "/auth/login", credentials("nobody@example.com", annPassword)); w.Code != http.StatusUnauthorized {
		t.Errorf("whom nobody knows: %d", w.Code)
	}
	if w := app.Request(t, app, "POST", "/auth/login", credentials(annMail, "not the password of old")); w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", w.Code)
	}
	for range 2 {
		if id := who("/auth/login", credentials(annMail, annPassword), http.StatusOK); id != "17" {
			t.Errorf("Ann is %q", id)
		}
	}
	if asked != 2 {
		t.Errorf("the application was asked %d times: once for each whom nobody knows is enough", asked)
	}
	if id := who("/auth/signup", signUpBody("bob@example.com"), http.StatusCreated); id != "18" {
		t.Errorf("Bob is %q", id)
	}
}
