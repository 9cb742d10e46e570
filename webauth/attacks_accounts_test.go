package webauth_test

import (
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestA1SquatterIsOutAfterAReset(t *testing.T) {
	a := newApp(t)
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "username": "squatter", "password": goodPass}}).want(201)
	squatter := r.signedIn()
	key := a.do(call{method: "POST", path: "/keys", json: obj{"name": "k", "scopes": "read"}, cookies: with(squatter)}).want(201).json()["key"].(string)
	api := a.apiSession(ann)
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": a.forgot(ann), "password": newPass}}).want(204)
	if _, err := a.auth.CheckKey(t.Context(), key); err == nil || a.alive(squatter) {
		t.Error("the squatter's key or session is alive")
	}
	a.do(call{method: "GET", path: "/session", header: token(api)}).want(401)
	a.login("squatter", newPass).want(401)
	a.login(ann, goodPass).want(401)
	v := a.login(ann, newPass).want(200).json()
	if len(at(v, "user", "identities").([]any)) != 1 || at(v, "user", "identities", 0, "verified") != true {
		t.Errorf("%v", v)
	}
}

func TestA4NobodySetsWhatIsNotTheirs(t *testing.T) {
	a := newApp(t)
	r := a.do(call{method: "POST", path: "/signup", json: obj{
		"email": ann, "password": goodPass, "id": "usr_admin", "verified": true, "roles": []string{"admin"}, "tenant": "other",
		"scopes": []string{"admin"}, "status": "active", "identities": []obj{{"kind": "email", "value": ann, "verified": true}},
		"user": obj{"id": "usr_admin"},
	}}).want(201)
	v := r.json()
	if at(v, "user", "id") == "usr_admin" || at(v, "user", "tenant") != "default" || at(v, "user", "identities", 0, "verified") != false {
		t.Errorf("%v", v)
	}
	p, err := a.auth.CheckSession(t.Context(), r.signedIn())
	if err != nil || len(p.Scopes) != 3 {
		t.Errorf("%v %v", p, err)
	}
	id := at(v, "user", "id")
	v = a.do(call{method: "PATCH", path: "/account", json: obj{
		"name": "Ann", "id": "usr_admin", "verified": true, "tenant": "other", "email": "root@example.com",
		"created_at": "1999-01-01T00:00:00Z", "factors": []string{},
	}, cookies: with(r.signedIn())}).want(200).json()
	if at(v, "user", "id") != id || at(v, "user", "identities", 0, "verified") != false || at(v, "user", "identities", 0, "value") != ann {
		t.Errorf("%v", v)
	}
}

func TestA5DisabledAccountsHaveNoWayIn(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	remembered := a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass, "remember": true}}).signedIn()
	api, verify, reset := a.apiSession(ann), a.link(core.NoticeVerify), a.forgot(ann)
	if err := a.auth.Users().Disable(t.Context(), id, "test"); err != nil {
		t.Fatal(err)
	}
	if a.alive(value) || a.alive(remembered) {
		t.Error("a cookie is still good")
	}
	a.login(ann, goodPass).wantProblem(401, "invalid_credentials", "")
	a.do(call{method: "GET", path: "/session", header: token(api)}).want(401)
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": reset, "password": newPass}}).want(400)
	a.do(call{method: "POST", path: "/verify", json: obj{"token": verify}}).want(400)
	for _, page := range []string{"/verify?token=" + verify, "/password/reset?token=" + reset} {
		a.do(call{method: "GET", path: page, header: wantsPage}).want(400)
	}
	sent := len(a.mails(core.NoticeReset))
	a.do(call{method: "POST", path: "/password/forgot", json: obj{"identifier": ann}}).want(202)
	if len(a.mails(core.NoticeReset)) != sent {
		t.Error("a disabled account got a reset link")
	}
}

// Whatever the reason, a refused login is the same: bytes, status, headers, and writes to the store.
func TestA11RefusedLoginsCannotBeToldApart(t *testing.T) {
	store := storetest.Faulty(mem.New())
	a := newAppOn(t, store, func(s *settings) { s.core.GuessLimit = 3 })
	a.signUp(ann)
	_, disabled := a.signUp("disabled@example.com")
	if err := a.auth.Users().Disable(t.Context(), disabled, "test"); err != nil {
		t.Fatal(err)
	}
	a.signUp("locked@example.com")
	for range 3 {
		a.login("locked@example.com", "wrong").want(401)
	}
	_, _, err := a.auth.Users().Ensure(t.Context(), core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: "nopassword@example.com", Verified: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	attempt := func(id, pw string) (reply, int) {
		store.Clear()
		r := a.login(id, pw)
		commits := 0
		for _, c := range store.Calls() {
			if c.Method == storetest.Commit {
				commits++
			}
		}
		return r, commits
	}
	wrong, commits := attempt(ann, "wrong")
	wrong.wantProblem(401, "invalid_credentials", "")
	for name, try := range map[string][2]string{
		"unknown": {"nobody@example.com", goodPass}, "disabled": {"disabled@example.com", goodPass},
		"locked": {"locked@example.com", goodPass}, "without password": {"nopassword@example.com", goodPass},
		"no identifier": {"a@b@c", goodPass}, "control characters": {"ann@example.com\r\nBcc: x@y", goodPass},
		"NUL": {"ann@example.com\x00", goodPass}, "prefix": {ann, goodPass[:27]},
	} {
		r, n := attempt(try[0], try[1])
		same(t, name, wrong, r)
		if n != commits {
			t.Errorf("%s: %d commits, a wrong password takes %d", name, n, commits)
		}
	}
	a.login(ann, goodPass).want(200)
}

func TestA11ForgottenPasswordsTellNothing(t *testing.T) {
	store := storetest.Faulty(mem.New())
	a := newAppOn(t, store)
	a.signUp(ann)
	a.do(call{method: "POST", path: "/signup", json: obj{"username": "noaddress", "password": goodPass}}).want(201)
	ask := func(path, id string) (reply, int) {
		store.Clear()
		r := a.do(call{method: "POST", path: path, json: obj{"identifier": id}}).want(202)
		commits := 0
		for _, c := range store.Calls() {
			if c.Method == storetest.Commit {
				commits++
			}
		}
		return r, commits
	}
	for _, path := range []string{"/password/forgot", "/verify/request"} {
		known, commits := ask(path, ann)
		for _, other := range []string{"nobody@example.com", "noaddress", "a@b@c", "x\r\ny", strings.Repeat("x", 3000)} {
			r, n := ask(path, other)
			same(t, path+" for "+other[:min(len(other), 20)], known, r)
			if n != commits {
				t.Errorf("%s for %.20s: %d commits, a known address takes %d", path, other, n, commits)
			}
		}
	}
}

func TestA15LongAndOddPasswords(t *testing.T) {
	a := newApp(t)
	base := strings.Repeat("long passphrase 7 ", 12) // 216 bytes
	a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": base + "a"}}).want(201)
	a.login(ann, base+"b").want(401)
	a.login(ann, base).want(401)
	a.login(ann, base[:72]).want(401)
	a.login(ann, base+"a").want(200)

	nul := "eleven green bottles\x00hanging on the wall"
	if r := a.do(call{method: "POST", path: "/signup", json: obj{"email": "nul@example.com", "password": nul}}); r.Code == 201 {
		a.login("nul@example.com", "eleven green bottles").want(401)
		a.login("nul@example.com", "eleven green bottles\x00standing").want(401)
		a.login("nul@example.com", nul).want(200)
	} else {
		r.wantProblem(422, "weak_password", "password")
	}
	composed, decomposed := "caf\u00e9 au lait in the garden", "cafe\u0301 au lait in the garden"
	a.do(call{method: "POST", path: "/signup", json: obj{"email": "nfc@example.com", "password": composed}}).want(201)
	a.login("nfc@example.com", decomposed).want(200)

	huge := strings.Repeat("x", 64<<10-200)
	a.do(call{method: "POST", path: "/signup", json: obj{"email": "huge@example.com", "password": huge}}).wantProblem(422, "weak_password", "password")
	a.login(ann, huge).wantProblem(401, "invalid_credentials", "")
	a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": huge + strings.Repeat("x", 300)}}).
		wantProblem(413, "request_too_large", "")
}
