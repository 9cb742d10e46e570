package webauth_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/wire"
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

func TestA16LinksUseTheConfiguredBaseURL(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	a.do(call{
		method: "POST", path: "/password/forgot", json: obj{"identifier": ann}, host: "evil.example",
		header: header("X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Forwarded-Proto", "http",
			"X-Forwarded-Prefix", "/evil", "X-Original-Url", "https://evil.example/"),
	}).want(202)
	a.link(core.NoticeReset) // fails unless it is a link of app.example
	page := a.do(call{method: "GET", path: "/password/reset?token=" + a.link(core.NoticeReset), header: wantsPage, host: "evil.example"})
	if strings.Contains(page.Body.String(), "evil") {
		t.Error("the page names the request's host")
	}
}

func TestA17OpenRedirects(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	for _, returnTo := range []string{
		"//evil.example", `/\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example", "/%09/evil.example",
		"/%2f/evil.example", "/%5cevil.example", "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "/%0d%0aLocation:%20x",
		"good@evil.example", "javascript:alert(1)", "/..//evil.example", "/./evil", "evil.example", " /x", "///evil.example",
		"/%252f%252fevil.example", "", "?x", "#x", "/" + strings.Repeat("a", 5000),
	} {
		form := url.Values{"identifier": {ann}, "password": {goodPass}, "return_to": {returnTo}}
		r := a.do(call{method: "POST", path: "/login", form: form, header: plus(wantsPage, "Referer", "https://evil.example/")}).want(303)
		if got := r.Header().Get("Location"); got != "/" {
			t.Errorf("%q leads to %q", returnTo, got)
		}
	}
	// The query is never read.
	r := a.do(call{method: "POST", path: "/login?return_to=/x", form: url.Values{"identifier": {ann}, "password": {goodPass}}, header: wantsPage})
	if got := r.want(303).Header().Get("Location"); got != "/" {
		t.Errorf("%q", got)
	}
}

func TestA19OneRedemptionOfManyWins(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	links := map[string]string{"/verify": a.link(core.NoticeVerify), "/password/reset": a.forgot(ann)}
	for _, path := range []string{"/verify", "/password/reset"} { // in this order: a reset lets other links die
		link := links[path]
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				r := a.do(call{method: "POST", path: path, json: obj{"token": link, "password": fmt.Sprintf("%s number %d", newPass, i)}})
				switch r.Code {
				case 200, 204:
					won.Add(1)
				case 400:
				default:
					t.Errorf("%s: %d %s", path, r.Code, r.Body)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d winners", path, won.Load())
		}
	}
}

func TestA19LinksDieWhenThePasswordChanges(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	link := a.forgot(ann)
	a.do(call{method: "POST", path: "/password/change", json: obj{"current": goodPass, "password": newPass}, cookies: with(value)}).want(204)
	a.do(call{method: "GET", path: "/password/reset?token=" + link, header: wantsPage}).want(400)
	if v := a.do(call{method: "GET", path: "/password/reset?token=" + link}).json(); v["valid"] != false {
		t.Errorf("%v", v)
	}
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": link, "password": goodPass}}).want(400)
	a.login(ann, newPass).want(200)
}

// Whoever planted a session in the browser does not have the one that the person signs in to.
func TestA21SessionFixation(t *testing.T) {
	a := newApp(t)
	planted, _ := a.signUp("attacker@example.com")
	a.signUp(ann)
	for _, c := range []call{
		{path: "/login", json: obj{"identifier": ann, "password": goodPass}},
		{path: "/signup", json: obj{"email": "new@example.com", "password": goodPass}},
	} {
		c.method, c.cookies = "POST", with(planted)
		fresh := a.do(c).signedIn()
		if fresh == planted || !a.alive(fresh) {
			t.Error("no new secret")
		}
		if a.alive(planted) {
			t.Error("the session from before is alive")
		}
		planted = fresh
	}
	made := "ses_00000000000000000000000000." + strings.Repeat("A", 43)
	c := call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass}, cookies: with(made)}
	if fresh := a.do(c).want(200).signedIn(); fresh == made || a.alive(made) {
		t.Error("a made-up secret was taken")
	}
}

func TestA21PlantedCookies(t *testing.T) {
	a := newApp(t)
	mine, _ := a.signUp(ann)
	planted, _ := a.signUp("attacker@example.com")
	for name, line := range map[string][]string{
		"after": {cookie + "=" + mine + "; " + cookie + "=" + planted}, "before": {cookie + "=" + planted + "; " + cookie + "=" + mine},
		"nonsense": {cookie + "=x; " + cookie + "=" + mine}, "twice": {cookie + "=" + mine + "; " + cookie + "=" + mine},
		"two headers": {cookie + "=" + mine, cookie + "=" + planted},
	} {
		a.do(call{method: "GET", path: "/session", header: http.Header{"Cookie": line}}).wantProblem(401, "unauthenticated", "")
		if name == "after" {
			r := a.do(call{method: "POST", path: "/password/change", json: obj{}, header: http.Header{"Cookie": line}}, sameOrigin)
			r.wantProblem(401, "unauthenticated", "")
		}
	}
	a.do(call{method: "POST", path: "/logout", header: http.Header{"Cookie": {cookie + "=" + planted + "; " + cookie + "=" + mine}}}, sameOrigin).want(204)
	if a.alive(mine) || a.alive(planted) {
		t.Error("signing out left one of the sessions alive")
	}
}

func TestA22TokensOfAnotherKind(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	verify, reset := a.link(core.NoticeVerify), a.forgot(ann)
	for name, bad := range map[string]string{
		"reset link": reset, "truncated": verify[:42], "padded": verify + "=", "longer": verify + "A", "upper case": strings.ToUpper(verify),
		"cookie": value, "other bits": verify[:42] + flip(verify), "spaced": " " + verify, "NUL": verify + "\x00", "long": long,
	} {
		r := a.do(call{method: "POST", path: "/verify", json: obj{"token": bad}})
		if code, field := r.problem(400); code != "invalid_request" || field != "token" {
			t.Errorf("%s: %s (%s)", name, code, field)
		}
		a.do(call{method: "GET", path: "/verify?token=" + url.QueryEscape(bad), header: wantsPage}).want(400)
	}
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": verify, "password": newPass}}).want(400)
	for _, bad := range []string{verify, reset, "ort_" + verify} {
		if a.alive(bad) {
			t.Error("a link is a session")
		}
	}
	a.do(call{method: "GET", path: "/session", header: header("Authorization", "Bearer "+value)}).want(401)
	a.do(call{method: "POST", path: "/verify", json: obj{"token": verify}}).want(200)
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": reset, "password": newPass}}).want(204)
}

// Over real TLS, with a client that keeps cookies as browsers do.
func TestA28OverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	origin := "https://" + server.Listener.Addr().String()
	a := newApp(t, func(s *settings) { s.core.BaseURL = origin })
	server.Config.Handler = a.h
	server.StartTLS()
	t.Cleanup(server.Close)
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	send := func(method, path, media, body string, h http.Header) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, origin+"/auth"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		for k, v := range h {
			r.Header[k] = v
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	own, foreign := header("Origin", origin), header("Origin", "https://evil.example")
	credentials := `{"email":"` + ann + `","password":"` + goodPass + `"}`
	const json = "application/json"
	for _, step := range []struct {
		name                      string
		method, path, media, body string
		header                    http.Header
		want                      int
	}{
		{"foreign sign-up", "POST", "/signup", json, credentials, foreign, 403},
		{"sign-up", "POST", "/signup", json, credentials, own, 201},
		{"signed in", "GET", "/session", json, "", nil, 200},
		{"text/plain JSON", "POST", "/password/forgot", "text/plain", `{"identifier":"` + ann + `"}`, own, 415},
		{"text/plain JSON, no origin", "POST", "/password/forgot", "text/plain", `{"identifier":"` + ann + `"}`, nil, 403},
		{"multipart", "POST", "/login", "multipart/form-data; boundary=x", "--x--", own, 415},
		{"method override", "POST", "/session", json, "", header("X-Http-Method-Override", "DELETE", "Origin", origin), 405},
		{"foreign sign-out", "POST", "/logout", json, "", foreign, 403},
		{"still signed in", "GET", "/session", json, "", nil, 200},
		{"sign-out", "POST", "/logout", json, "", own, 204},
		{"signed out", "GET", "/session", json, "", nil, 401},
	} {
		if got := send(step.method, step.path, step.media, step.body, step.header); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
}

func TestA29TenantsDoNotSeeEachOther(t *testing.T) {
	a := newApp(t, multiTenant)
	in := func(tenant string) http.Header { return header("X-Tenant", tenant) }
	join := func(tenant, email string) (value, session, user string) {
		r := a.do(call{method: "POST", path: "/signup", json: obj{"email": email, "password": goodPass}, header: in(tenant)}).want(201)
		return r.signedIn(), at(r.json(), "session", "id").(string), at(r.json(), "user", "id").(string)
	}
	mine, _, _ := join("one", ann)
	other, otherSession, _ := join("two", ann) // the same address is another person there
	key := a.do(call{method: "POST", path: "/keys", json: obj{"name": "k", "scopes": "read"}, header: in("two"), cookies: with(other)}).want(201).json()["id"].(string)

	a.do(call{method: "GET", path: "/session", header: in("two"), cookies: with(mine)}).wantProblem(401, "unauthenticated", "")
	v := a.do(call{method: "GET", path: "/session", header: in("one"), cookies: with(mine)}).want(200).json()
	if at(v, "user", "tenant") != "one" {
		t.Errorf("%v", v)
	}
	for _, path := range []string{"/sessions/" + otherSession, "/keys/" + key} {
		a.do(call{method: "DELETE", path: path, header: in("one"), cookies: with(mine)}, sameOrigin).wantProblem(404, "not_found", "")
	}
	for _, tenant := range []string{"", "../two", "TWO", "two\x00"} {
		a.do(call{method: "GET", path: "/session", header: in(tenant), cookies: with(other)}).wantProblem(404, "tenant_required", "")
	}
	a.do(call{method: "POST", path: "/logout", header: in("one"), cookies: with(other)}, sameOrigin).want(204)
	a.do(call{method: "GET", path: "/session", header: in("two"), cookies: with(other)}).want(200)
}

func TestA29AnotherPersonsThingsAreNotFound(t *testing.T) {
	a := newApp(t)
	mine, _ := a.signUp(ann)
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": "bob@example.com", "password": goodPass}})
	bob, session := r.signedIn(), at(r.json(), "session", "id").(string)
	key := a.do(call{method: "POST", path: "/keys", json: obj{"name": "k", "scopes": "read"}, cookies: with(bob)}).want(201).json()["id"].(string)
	var answers []reply
	for _, path := range [][2]string{
		{"DELETE", "/sessions/" + session}, {"POST", "/sessions/" + session + "/end"}, {"DELETE", "/sessions/ses_unknown"},
		{"DELETE", "/keys/" + key}, {"POST", "/keys/" + key + "/revoke"}, {"DELETE", "/keys/unknown"},
	} {
		r := a.do(call{method: path[0], path: path[1], cookies: with(mine)}, sameOrigin).wantProblem(404, "not_found", "")
		answers = append(answers, r)
		same(t, "another's and an unknown one", answers[0], r)
	}
	if !a.alive(bob) {
		t.Error("somebody ended another's session")
	}
}

func TestA30OperatorsAndSeparators(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	for _, body := range []string{
		`{"identifier":{"$ne":""},"password":"` + goodPass + `"}`, `{"identifier":["` + ann + `"],"password":"x"}`,
		`{"identifier":true,"password":"x"}`,
	} {
		a.do(call{method: "POST", path: "/login", json: body}).wantProblem(400, "invalid_request", "identifier")
	}
	form := url.Values{"identifier[$ne]": {""}, "password": {goodPass}}
	a.do(call{method: "POST", path: "/login", form: form}).wantProblem(400, "invalid_request", "identifier")
	for _, id := range []string{"%25", "' OR 1=1 --", "ann@example.com\r\nGET x", "../default/user", "CON", "*", "_%@example.com"} {
		a.login(id, goodPass).wantProblem(401, "invalid_credentials", "")
	}
	for _, id := range []string{
		"%00", "x%0d%0aDEL", "*", "%25", "%7B%22$ne%22:%22%22%7D", "%ff%fe", "%F0%9F%98%80",
		strings.Repeat("a", 3000), "SES_01", ":", "CON",
	} {
		for _, kind := range []string{"/sessions/", "/keys/"} {
			a.do(call{method: "DELETE", path: kind + id, cookies: with(value)}, sameOrigin).wantProblem(404, "not_found", "")
		}
	}
	for _, id := range []string{"..%2f..%2fsecret", "%2e%2e%2f"} { // http.ServeMux sends these on to where they lead
		if r := a.do(call{method: "DELETE", path: "/sessions/" + id, cookies: with(value)}, sameOrigin); r.Code < 300 {
			t.Errorf("%s: %d", id, r.Code)
		}
	}
	if !a.alive(value) {
		t.Error("one of them meant the session")
	}
}

// A log has no line that a request wrote, and no secret.
func TestA31NothingOfARequestEntersTheLogRaw(t *testing.T) {
	var log bytes.Buffer
	store := storetest.Faulty(mem.New())
	a := newAppOn(t, store, func(s *settings) { s.web.Errors = wire.ErrorWriter{Log: jsonLog(&log)} })
	value, _ := a.signUp(ann)
	reset := a.forgot(ann)
	store.FailAll(storetest.Fail)
	for _, c := range []call{
		{method: "POST", path: "/login", json: obj{"identifier": "x\nlevel=ERROR", "password": goodPass}},
		{method: "DELETE", path: "/sessions/x%0aFAKE", cookies: with(value), header: header("User-Agent", "x\ny")},
		{method: "POST", path: "/password/reset", json: obj{"token": reset, "password": newPass}},
		{method: "GET", path: "/password/reset?token=" + reset},
	} {
		r := a.do(c, sameOrigin).want(503)
		for _, secret := range []string{"injected", goodPass, newPass, value, reset} {
			if strings.Contains(r.Body.String(), secret) {
				t.Errorf("%s %s shows %s", c.method, c.path, secret)
			}
		}
	}
	store.Clear()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 {
		t.Errorf("%d lines: %s", len(lines), log.String())
	}
	for _, secret := range []string{goodPass, newPass, value, reset, "level=ERROR"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

// The address of a client is what a trusted proxy says, and nobody else.
func TestClientAddress(t *testing.T) {
	proxies, err := wire.ParseTrustedProxies("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, func(s *settings) { s.web.Entry.Proxies = proxies })
	a.signUp(ann)
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.9:1", "198.51.100.7", "203.0.113.9"},
		{"10.1.2.3:1", "198.51.100.7", "198.51.100.7"},
		{"10.1.2.3:1", "6.6.6.6, 198.51.100.7, 10.9.9.9", "198.51.100.7"},
	} {
		v := a.do(call{
			method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass}, remote: c.remote,
			header: header("X-Forwarded-For", c.forwarded, "X-Real-Ip", "6.6.6.6"),
		}).want(200).json()
		if got := at(v, "session", "device", "ip"); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The time and place of the last use are noted once a minute, and kept when the place is unknown.
func TestLastUse(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	a.clock.Advance(59 * time.Second)
	v := a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "last_seen_at") != "2030-01-02T03:04:05Z" {
		t.Errorf("%v", at(v, "session", "last_seen_at"))
	}
	a.clock.Advance(time.Second)
	a.do(call{method: "GET", path: "/session", cookies: with(value), remote: "203.0.113.9:1"})
	v = a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "last_seen_at") != "2030-01-02T03:05:05Z" || at(v, "session", "device", "ip") != "203.0.113.9" {
		t.Errorf("%v", at(v, "session"))
	}
	a.clock.Advance(time.Minute)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	if p, err := a.web.Authenticate(t.Context(), r); err != nil || p.Session.IP != "203.0.113.9" {
		t.Errorf("%v %v", p, err)
	}
	v = a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "device", "ip") != "203.0.113.9" {
		t.Errorf("a use from nowhere erased the address: %v", at(v, "session", "device"))
	}
}
