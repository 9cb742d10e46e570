package webauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

const work = "ann@work.example"

var identityPaths = []string{"/identities", "/identities/primary", "/identities/remove", "/reauth", "/account"}

// verified signs up and proves the address.
func (a *app) verified(email string) (value, userID string) {
	a.t.Helper()
	value, userID = a.signUp(email)
	a.do(call{method: "POST", path: "/verify", json: obj{"token": a.link(core.NoticeVerify)}}).want(200)
	return value, userID
}

func TestChangeOfAddress(t *testing.T) {
	a := newApp(t)
	value, id := a.verified(ann)
	r := a.do(own("POST", "/identities", value, obj{"kind": "email", "value": work})).want(201)
	added := at(r.json(), "user", "identities", 1)
	if at(r.json(), "user", "id") != id || at(added, "value") != work || at(added, "verified") != false {
		t.Errorf("%s", r.Body)
	}
	a.do(own("POST", "/identities/primary", value, obj{"kind": "email", "value": work})).wantProblem(403, "verification_required", "value")
	a.do(call{method: "POST", path: "/verify", json: obj{"token": a.link(core.NoticeVerify)}}).want(200)
	r = a.do(own("POST", "/identities/primary", value, obj{"kind": "email", "value": work})).want(200)
	if now := at(r.json(), "user", "identities", 1); at(now, "primary") != true || at(r.json(), "user", "identities", 0, "primary") != false {
		t.Errorf("%s", r.Body)
	}
	a.do(own("POST", "/identities/remove", value, obj{"kind": "email", "value": ann})).want(204)
	a.do(own("POST", "/identities/remove", value, obj{"kind": "email", "value": work})).wantProblem(403, "forbidden", "value")
	a.login(ann, goodPass).wantProblem(401, "invalid_credentials", "")
	a.login(work, goodPass).want(200)
}

func TestIdentityRequestsRefused(t *testing.T) {
	a := newApp(t)
	a.signUp("bob@example.com")
	value, _ := a.verified(ann)
	for _, c := range []struct {
		path        string
		body        obj
		status      int
		code, field string
	}{
		{"/identities", obj{"value": work}, 400, "invalid_request", "kind"},
		{"/identities", obj{"kind": "email"}, 400, "invalid_request", "value"},
		{"/identities", obj{"kind": 1, "value": work}, 400, "invalid_request", "kind"},
		{"/identities", obj{"kind": "fax", "value": "1"}, 422, "invalid_field", "kind"},
		{"/identities", obj{"kind": "email", "value": "nobody"}, 422, "invalid_email", "value"},
		{"/identities", obj{"kind": "email", "value": "BOB@example.com"}, 409, "identity_taken", "value"},
		{"/identities/primary", obj{"kind": "email", "value": "bob@example.com"}, 404, "not_found", ""},
		{"/identities/remove", obj{"kind": "email", "value": "bob@example.com"}, 404, "not_found", ""},
		{"/reauth", obj{}, 400, "invalid_request", "password"},
		{"/reauth", obj{"password": newPass}, 401, "invalid_credentials", "password"},
	} {
		a.do(own("POST", c.path, value, c.body)).wantProblem(c.status, c.code, c.field)
	}
}

// A4: what a request says beside kind and value counts for nothing.
func TestA4IdentityFlagsAreNotTaken(t *testing.T) {
	a := newApp(t)
	_, bob := a.signUp("bob@example.com")
	value, id := a.verified(ann)
	body := obj{"kind": "email", "value": work, "verified": true, "primary": true, "user_id": bob, "tenant": "x"}
	r := a.do(own("POST", "/identities", value, body)).want(201)
	added := at(r.json(), "user", "identities", 1)
	if at(r.json(), "user", "id") != id || at(added, "verified") != false || at(added, "primary") != false {
		t.Errorf("%s", r.Body)
	}
}

func TestReauthRenewsTheSignIn(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	a.clock.Advance(time.Hour)
	add := obj{"kind": "username", "value": "ann"}
	a.do(own("POST", "/identities", value, add)).wantProblem(403, "reauth_required", "")
	r := a.do(own("POST", "/reauth", value, obj{"password": goodPass})).want(204)
	fresh := r.signedIn()
	if a.alive(value) || !a.alive(fresh) {
		t.Error("the old cookie lives, or the new one does not")
	}
	a.do(own("POST", "/identities", fresh, add)).want(201)

	api := a.apiSession(ann)
	a.clock.Advance(time.Hour)
	remove := call{method: "POST", path: "/identities/remove", json: add, header: token(api)}
	a.do(remove).wantProblem(403, "reauth_required", "")
	r = a.do(call{method: "POST", path: "/reauth", json: obj{"password": goodPass}, header: token(api)}).want(204)
	if len(r.Result().Cookies()) != 0 {
		t.Error("a program got a cookie")
	}
	a.do(remove).want(204)
}

// A browser's forms go back to their page; nothing needs a script.
func TestAccountForms(t *testing.T) {
	a := newApp(t)
	value, id := a.verified(ann)
	post := func(path string, form url.Values) reply {
		t.Helper()
		form.Set("return_to", "/account?done")
		r := a.do(call{method: "POST", path: path, form: form, cookies: with(value), header: wantsPage}, sameOrigin).want(303)
		if got := r.Header().Get("Location"); got != "/account?done" {
			t.Errorf("%s: sent to %q", path, got)
		}
		return r
	}
	post("/account", url.Values{"name": {"Ann"}, "data.age": {"33"}})
	post("/identities", url.Values{"kind": {"username"}, "value": {"ann"}})
	post("/identities/primary", url.Values{"kind": {"username"}, "value": {"ann"}})
	post("/identities/remove", url.Values{"kind": {"username"}, "value": {"ann"}})
	value = post("/reauth", url.Values{"password": {goodPass}}).signedIn()
	u, all, err := a.auth.User(t.Context(), id)
	if err != nil || u.Name != "Ann" || u.Data["age"] != 33.0 || len(all) != 1 {
		t.Errorf("%+v %v", u, err)
	}
	a.do(own("POST", "/account", value, obj{"name": "Anna"})).want(200)
}

// One good credential of a person, from one of our own pages: nothing else changes an account.
func TestIdentityEndpointsNeedOneGoodCredential(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	_, key, err := a.auth.CreateKey(t.Context(), id, core.NewKey{Name: "CI", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	api := a.apiSession(ann)
	body := obj{"kind": "username", "value": "ann", "password": goodPass, "name": "x"}
	for _, path := range identityPaths {
		c := call{method: "POST", path: path, json: body}
		a.do(c).wantProblem(401, "unauthenticated", "")
		c.header = header("X-API-Key", key)
		a.do(c).wantProblem(403, "forbidden", "")
		c.header, c.cookies = token(api), with(value)
		a.do(c, sameOrigin).wantProblem(400, "invalid_request", "")
		for _, h := range []http.Header{
			header("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), header("Sec-Fetch-Site", "same-site"),
			header("Origin", "null"), header("Origin", baseURL+".evil.example"),
		} {
			c.header = h
			if r := a.do(c).wantProblem(403, "csrf", ""); len(r.Result().Cookies()) != 0 {
				t.Errorf("%s sets cookies", path)
			}
		}
	}
	u, all, err := a.auth.User(t.Context(), id)
	if err != nil || u.Name != "" || len(all) != 1 || !a.alive(value) {
		t.Error("a refused request changed something")
	}
}

func TestStart(t *testing.T) {
	a := newApp(t)
	planted, _ := a.signUp("mallory@example.com")
	_, id := a.signUp(ann)
	start := func(userID, cookies string) (reply, error) {
		r := httptest.NewRequest("POST", baseURL+"/sso", nil)
		r.Header.Set("Cookie", cookies)
		w := newRecorder(t)
		err := a.web.Start(w, r, userID)
		return w, err
	}
	w, err := start(id, cookie+"="+planted)
	if err != nil || a.alive(planted) || !a.alive(w.signedIn()) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("planted cookie: %v", err)
	}
	if w, err := start("usr_nobody", ""); core.AsError(err).Code != core.CodeInvalidCredentials || len(w.Result().Cookies()) != 0 {
		t.Errorf("nobody: %v", err)
	}
	if err := a.auth.Users().RequireFactors(t.Context(), id, []string{"otp"}); err != nil {
		t.Fatal(err)
	}
	w, err = start(id, "")
	if core.AsError(err).Code != core.CodeFactorRequired || w.cookie(cookie) != nil || w.cookie(cookie+"-attempt") == nil {
		t.Errorf("missing factor: %v %v", err, w.Result().Cookies())
	}
}

func TestFailingStoresAndAccountChanges(t *testing.T) {
	for name, f := range map[string]flow{
		"add": func(a *app) (call, func(reply) error) {
			value, id := a.verified(ann)
			a.settle(value)
			return own("POST", "/identities", value, obj{"kind": "username", "value": "ann"}), func(reply) error {
				_, all, err := a.auth.User(a.t.Context(), id)
				return must(err == nil && len(all) == 2, "it is not there")
			}
		},
		"remove": func(a *app) (call, func(reply) error) {
			value, id := a.verified(ann)
			a.do(own("POST", "/identities", value, obj{"kind": "username", "value": "ann"})).want(201)
			a.settle(value)
			return own("POST", "/identities/remove", value, obj{"kind": "username", "value": "ann"}), func(reply) error {
				_, all, err := a.auth.User(a.t.Context(), id)
				return must(err == nil && len(all) == 1, "it is still there")
			}
		},
		"reauth": func(a *app) (call, func(reply) error) {
			value, _ := a.verified(ann)
			a.settle(value)
			return own("POST", "/reauth", value, obj{"password": goodPass}), func(r reply) error {
				return must(!a.alive(value) && a.alive(r.signedIn()), "the old cookie lives, or the new one does not")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { failEachCall(t, f) })
	}
}
