package webauth_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

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
