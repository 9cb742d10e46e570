package webauth_test

import (
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// sharing is a store that keeps users in the application's own table.
type sharing struct{ record.Backend }

func (sharing) Shares(kind string) bool { return kind == "user" }

// Whose row the application has removed is nobody to the account endpoints from then on, by cookie and by access token,
// and may still sign out.
func TestRemovedRowHasNoAccount(t *testing.T) {
	a := newAppOn(t, sharing{mem.New()}, withPages)
	value, id := a.signUp(ann)
	token := a.apiSession(ann)
	endpoints := []string{"/session", "/sessions", "/keys"}
	for _, path := range endpoints {
		a.do(call{method: "GET", path: path, cookies: with(value)}).want(200)
		a.do(call{method: "GET", path: path, header: header("Authorization", "Bearer "+token)}).want(200)
	}
	if err := a.auth.Update(t.Context(), func(tx *core.Tx) error { return tx.Users().Delete(id) }); err != nil {
		t.Fatal(err)
	}
	for _, path := range endpoints {
		a.do(call{method: "GET", path: path, cookies: with(value)}).wantProblem(401, "unauthenticated", "")
		a.do(call{method: "GET", path: path, header: header("Authorization", "Bearer "+token)}).wantProblem(401, "unauthenticated", "")
	}
	a.page("/login", with(value)).want(200)
	if to := a.page("/account", with(value)).want(303).Header().Get("Location"); !strings.HasPrefix(to, "/auth/login?") {
		t.Errorf("the account page leads to %s", to)
	}
	a.do(call{method: "POST", path: "/verify/request", cookies: with(value), json: obj{}}, sameOrigin).want(400)
	a.do(call{method: "POST", path: "/logout", header: header("Authorization", "Bearer "+token)}).want(204)
	a.do(call{method: "POST", path: "/logout", cookies: with(value)}, sameOrigin).want(204)
}
