package webauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth"
)

func TestSession(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	v := a.do(call{method: "GET", path: "/session", cookies: with(value)}).want(200).json()
	if at(v, "user", "id") != id || at(v, "session", "kind") != "browser" || at(v, "session", "current") != true {
		t.Errorf("%v", v)
	}
	api := a.apiSession(ann)
	v = a.do(call{method: "GET", path: "/session", header: token(api)}).want(200).json()
	if at(v, "session", "id") != api || at(v, "session", "kind") != "api" || at(v, "session", "current") != true ||
		at(v, "session", "client_id") != "first-party" || at(v, "session", "device", "name") != "Phone" {
		t.Errorf("%v", v)
	}
	r := a.do(call{method: "GET", path: "/session"}).wantProblem(401, "unauthenticated", "")
	if got := r.Header().Get("WWW-Authenticate"); got != `Bearer realm="oneauth"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
	r = a.do(call{method: "GET", path: "/session", header: token("ses_x")}).wantProblem(401, "invalid_token", "")
	if got := r.Header().Get("WWW-Authenticate"); got != `Bearer realm="oneauth", error="invalid_token"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
	a.do(call{method: "POST", path: "/session"}).wantProblem(405, "method_not_allowed", "")
}

// Every account endpoint takes one good credential, and refuses the rest in the same way.
func TestAccountEndpointsNeedOneGoodCredential(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	api := a.apiSession(ann)
	_, key, err := a.auth.CreateKey(t.Context(), id, core.NewKey{Name: "CI", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	program, err := a.auth.Services().Create(t.Context(), "robot", []string{"read"})
	if err != nil {
		t.Fatal(err)
	}
	_, robotKey, err := a.auth.CreateKey(t.Context(), program.ID, core.NewKey{Name: "CI", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range accountPaths {
		t.Run(path[0]+" "+path[1], func(t *testing.T) {
			a := *a
			a.t = t
			c := call{method: path[0], path: path[1]}
			a.do(c).wantProblem(401, "unauthenticated", "")
			for name, k := range map[string]string{"X-API-Key": key, "Authorization": "Bearer " + key} {
				c.header = header(name, k)
				a.do(c).wantProblem(403, "forbidden", "")
			}
			c.header = header("Authorization", "Bearer "+robotKey)
			a.do(c).wantProblem(403, "forbidden", "")
			c.header, c.cookies = token(api), with(value)
			a.do(c, sameOrigin).wantProblem(400, "invalid_request", "")
			for _, bad := range []string{"Basic YTpi", "Bearer session.ses_x", "Bearer", "Bearer a b", ""} {
				c.header = header("Authorization", bad)
				a.do(c, sameOrigin).want(400) // never the cookie
			}
			c.header, c.cookies = header("Authorization", "Basic YTpi"), nil
			a.do(c).wantProblem(401, "unauthenticated", "")
			c.header = header("Authorization", "Bearer session."+api, "X-API-Key", key)
			a.do(c).wantProblem(400, "invalid_request", "")
		})
	}
	if !a.alive(value) {
		t.Error("one of the refused requests ended the session")
	}
}

var accountPaths = [][2]string{
	{"GET", "/session"}, {"GET", "/sessions"}, {"DELETE", "/sessions"}, {"DELETE", "/sessions/x"},
	{"POST", "/sessions/x/end"}, {"POST", "/sessions/end-others"}, {"PATCH", "/account"}, {"POST", "/password/change"},
	{"POST", "/keys"}, {"GET", "/keys"}, {"DELETE", "/keys/x"}, {"POST", "/keys/x/revoke"},
}

// An access token outlives its session until it expires; at the account endpoints it does not.
func TestAccessTokenOfAnEndedSession(t *testing.T) {
	a := newApp(t)
	_, id := a.signUp(ann)
	api := a.apiSession(ann)
	a.do(call{method: "GET", path: "/session", header: token(api)}).want(200)
	if err := a.auth.EndSession(t.Context(), id, api, "test"); err != nil {
		t.Fatal(err)
	}
	for _, path := range accountPaths {
		a.do(call{method: path[0], path: path[1], header: token(api)}).wantProblem(401, "invalid_token", "")
	}
}

// An access token stands for an API session of its own subject, and programs have no account.
func TestAccessTokensOfTheWrongKind(t *testing.T) {
	a := newApp(t)
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}}).want(201)
	id, browser := at(r.json(), "user", "id").(string), at(r.json(), "session", "id").(string)
	api := a.apiSession(ann)
	for name, c := range map[string]struct {
		p      core.Principal
		status int
		code   string
	}{
		"good":                {core.Principal{Subject: id, Kind: core.UserAccount, SessionID: api}, 200, ""},
		"a browser's session": {core.Principal{Subject: id, Kind: core.UserAccount, SessionID: browser}, 401, "invalid_token"},
		"another's session":   {core.Principal{Subject: "usr_x", Kind: core.UserAccount, SessionID: api}, 401, "invalid_token"},
		"no session":          {core.Principal{Subject: id, Kind: core.UserAccount}, 401, "invalid_token"},
		"a program":           {core.Principal{Subject: id, Kind: core.ServiceAccount, SessionID: api}, 403, "forbidden"},
	} {
		c.p.Via = core.ViaJWT
		b := *a
		web, err := webauth.New(a.auth, webauth.Options{
			Bearer: func(context.Context, *http.Request) (*core.Principal, bool, error) { return &c.p, true, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		b.h = wire.NewRouter("/auth", &wire.Entry{}, wire.ErrorWriter{}, web.Routes())
		r := b.do(call{method: "GET", path: "/session", header: header("Authorization", "Bearer x")})
		if code, _ := r.json()["code"].(string); r.Code != c.status || code != c.code {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
	}
}

// Without an API edge no credential but the cookie is good.
func TestWithoutBearer(t *testing.T) {
	a := newApp(t)
	web, err := webauth.New(a.auth, webauth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.h = wire.NewRouter("/auth", &wire.Entry{}, wire.ErrorWriter{}, web.Routes())
	a.do(call{method: "GET", path: "/session", header: header("Authorization", "Bearer x")}).wantProblem(401, "invalid_token", "")
	value, _ := a.signUp(ann)
	a.do(call{method: "GET", path: "/session", cookies: with(value)}).want(200)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	a := newApp(t)
	first, _ := a.signUp(ann)
	a.clock.Advance(time.Second)
	second := a.login(ann, goodPass).signedIn()
	a.clock.Advance(time.Second)
	api := a.apiSession(ann)
	list := func(c call) []any {
		t.Helper()
		c.method, c.path = "GET", "/sessions"
		return a.do(c).want(200).json()["sessions"].([]any)
	}
	all := list(call{cookies: with(first)})
	if len(all) != 3 || at(all, 0, "id") != api || at(all, 0, "kind") != "api" || at(all, 1, "current") != false ||
		at(all, 2, "current") != true {
		t.Fatalf("not newest first, or not the current one: %v", all)
	}
	if all := list(call{header: token(api)}); at(all, 0, "current") != true || at(all, 2, "current") != false {
		t.Errorf("an access token's own session is not the current one: %v", all)
	}
	secondID := at(all, 1, "id").(string)
	r := a.do(call{method: "DELETE", path: "/sessions/" + secondID, cookies: with(first)}, sameOrigin).want(204)
	if r.cookie(cookie) != nil {
		t.Error("ending another session touched the cookie")
	}
	if a.alive(second) || !a.alive(first) {
		t.Error("the wrong session was ended")
	}
	a.do(call{method: "DELETE", path: "/sessions/" + secondID, cookies: with(first)}, sameOrigin).wantProblem(404, "not_found", "")
	second = a.login(ann, goodPass).signedIn()
	a.do(call{method: "POST", path: "/sessions/end-others", cookies: with(first)}, sameOrigin).want(204)
	if a.alive(second) || !a.alive(first) || len(list(call{cookies: with(first)})) != 1 {
		t.Error("not all others, or this one too, were ended")
	}
	a.login(ann, goodPass)
	a.do(call{method: "DELETE", path: "/sessions", cookies: with(first)}, sameOrigin).want(204)
	all = list(call{cookies: with(first)})
	if len(all) != 1 {
		t.Fatalf("%v", all)
	}
	own := at(all, 0, "id").(string)
	r = a.do(call{method: "POST", path: "/sessions/" + own + "/end", cookies: with(first)}, sameOrigin).want(204)
	if c := r.cookie(cookie); c == nil || c.MaxAge >= 0 {
		t.Errorf("ending the current session leaves its cookie: %v", c)
	}
	if a.alive(first) {
		t.Error("the current session was not ended")
	}
}

func TestPostToASessionIsNotAllowed(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	r := a.do(call{method: "POST", path: "/sessions/ses_x", cookies: with(value)}, sameOrigin)
	r.wantProblem(405, "method_not_allowed", "")
	if r.Header().Get("Allow") != "DELETE" {
		t.Errorf("Allow %q", r.Header().Get("Allow"))
	}
}

func TestChangeAccount(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	patch := func(body obj) reply {
		t.Helper()
		return a.do(call{method: "PATCH", path: "/account", json: body, cookies: with(value)}, sameOrigin)
	}
	v := patch(obj{"name": "Ann", "data": obj{"city": "Ghent", "age": 41}}).want(200).json()
	if at(v, "user", "name") != "Ann" || at(v, "user", "data", "age") != 41.0 {
		t.Errorf("%v", v)
	}
	v = patch(obj{"data": obj{"city": nil}}).want(200).json()
	if at(v, "user", "name") != "Ann" || len(at(v, "user", "data").(obj)) != 1 {
		t.Errorf("null does not remove, or what is absent does not stay: %v", v)
	}
	patch(obj{"name": "x\ny"}).wantProblem(422, "invalid_field", "name")
	patch(obj{"data": obj{"plan": "gold"}}).wantProblem(422, "invalid_field", "data.plan")
	r := patch(obj{"name": "Bob", "data": obj{"age": "41", "nope": 1}})
	r.wantProblem(422, "invalid_field", "data.age")
	if at(r.json(), "errors", 1, "field") != "data.nope" {
		t.Errorf("%s", r.Body)
	}
	patch(obj{"name": 7}).wantProblem(400, "invalid_request", "name")
	v = a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "user", "name") != "Ann" {
		t.Error("a refused change was made in part")
	}
	form := url.Values{"name": {""}, "data.age": {"42"}}
	v = a.do(call{method: "PATCH", path: "/account", form: form, cookies: with(value)}, sameOrigin).want(200).json()
	if at(v, "user", "name") != "" || at(v, "user", "data", "age") != 42.0 {
		t.Errorf("%v", v)
	}
}

func TestChangePassword(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	other, api := a.login(ann, goodPass).signedIn(), a.apiSession(ann)
	change := func(body obj) reply {
		t.Helper()
		return a.do(call{method: "POST", path: "/password/change", json: body, cookies: with(value)}, sameOrigin)
	}
	change(obj{"password": newPass}).wantProblem(400, "invalid_request", "current")
	change(obj{"current": "wrong", "password": newPass}).wantProblem(422, "invalid_field", "current")
	change(obj{"current": goodPass, "password": "kitten"}).wantProblem(422, "weak_password", "password")
	change(obj{"current": goodPass}).wantProblem(422, "weak_password", "password")
	if !a.alive(other) {
		t.Error("a refused change ended a session")
	}
	fresh := change(obj{"current": goodPass, "password": newPass}).want(204).signedIn()
	if fresh == value || a.alive(value) {
		t.Error("the cookie's secret is still the old one")
	}
	if !a.alive(fresh) {
		t.Error("the new cookie is no session")
	}
	if a.alive(other) {
		t.Error("another session survived")
	}
	a.do(call{method: "GET", path: "/session", header: token(api)}).want(401)
	a.login(ann, goodPass).want(401)
	a.login(ann, newPass).want(200)
}

func TestChangePasswordKeepsARememberedCookie(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	value := a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass, "remember": true}}).signedIn()
	a.clock.Advance(24 * time.Hour)
	r := a.do(call{
		method: "POST", path: "/password/change", json: obj{"current": goodPass, "password": newPass}, cookies: with(value),
	}, sameOrigin).want(204)
	if got := r.cookie(cookie).MaxAge; got != 89*24*3600 {
		t.Errorf("Max-Age %d is not the session's absolute end", got)
	}
}

func TestChangePasswordWithAnAccessToken(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	api := a.apiSession(ann)
	r := a.do(call{
		method: "POST", path: "/password/change", json: obj{"current": goodPass, "password": newPass}, header: token(api),
	}).want(204)
	if r.cookie(cookie) != nil {
		t.Error("a program got a cookie")
	}
	if a.alive(value) {
		t.Error("the browser's session survived")
	}
	a.do(call{method: "GET", path: "/session", header: token(api)}).want(200)
}
