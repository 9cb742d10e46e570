package oneauthtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

// User returns the user with a verified e-mail address, whom it makes with Password if there is none. No mail is sent and
// no hook is asked.
func (a *App) User(t testing.TB, email string) *core.User {
	t.Helper()
	user, _, err := a.Users().Ensure(a.context(t), core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}}, Password: Password,
	})
	if err != nil {
		t.Fatalf("oneauthtest: user %s: %v", email, err)
	}
	return user
}

// SignIn signs somebody in at the login endpoint, after User, and returns the session cookie.
func (a *App) SignIn(t testing.TB, email string) *http.Cookie {
	t.Helper()
	a.User(t, email)
	w := a.endpoint(t, "/login", map[string]string{"identifier": email, "password": Password})
	for _, c := range w.Cookies() {
		if c.Value != "" {
			return c
		}
	}
	t.Fatalf("oneauthtest: %s has signed in and got no cookie", email)
	return nil
}

// Token signs somebody in at the API, after User, and returns an access token with the scopes; without any, with all that
// the user may have. It fails when one of the scopes is not granted.
func (a *App) Token(t testing.TB, email string, scopes ...string) string {
	t.Helper()
	a.User(t, email)
	w := a.endpoint(t, "/api/login", map[string]string{
		"identifier": email, "password": Password, "scope": strings.Join(scopes, " "),
	})
	var answer struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil {
		t.Fatalf("oneauthtest: login of %s: %v", email, err)
	}
	granted := strings.Fields(answer.Scope)
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			t.Fatalf("oneauthtest: %s may have the scopes %q, not %q: see oneauth.WithScopes", email, granted, scope)
		}
	}
	return answer.AccessToken
}

// Key makes an API key of a user, after User, with scopes that the user may have.
func (a *App) Key(t testing.TB, email string, scopes ...string) string {
	t.Helper()
	user := a.User(t, email)
	_, key, err := a.Core().CreateKey(a.context(t), user.ID, core.NewKey{Name: "test", Scopes: scopes})
	if err != nil {
		t.Fatalf("oneauthtest: key of %s: %v", email, err)
	}
	return key
}

// endpoint posts to one of OneAuth's endpoints, which must accept.
func (a *App) endpoint(t testing.TB, path string, in any) *http.Response {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	w := a.Request(t, a.Auth, http.MethodPost, a.Core().Config().Prefix+path, string(body))
	if w.Code/100 != 2 {
		t.Fatalf("oneauthtest: POST %s: %d %s", path, w.Code, w.Body)
	}
	return w.Result()
}
