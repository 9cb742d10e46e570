package webauth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

var wantsPage = header("Accept", "text/html")

func TestVerify(t *testing.T) {
	a := newApp(t)
	_, id := a.signUp(ann)
	link := a.link(core.NoticeVerify)
	r := a.do(call{method: "POST", path: "/verify", json: obj{"token": link}}).want(200)
	if at(r.json(), "user", "id") != id || at(r.json(), "user", "identities", 0, "verified") != true {
		t.Errorf("%s", r.Body)
	}
	if r.cookie(cookie) != nil {
		t.Error("a verification link signs somebody in")
	}
	a.do(call{method: "POST", path: "/verify", json: obj{"token": link}}).wantProblem(400, "invalid_request", "token")
	a.do(call{method: "POST", path: "/verify", json: obj{}}).wantProblem(400, "invalid_request", "token")
}

func TestRequestVerify(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	a.signUp("bob@example.com")
	count := func() int { return len(a.mails(core.NoticeVerify)) }
	before := count()
	request := func(c call) reply {
		t.Helper()
		c.method, c.path = "POST", "/verify/request"
		return a.do(c, sameOrigin).want(202)
	}
	mine := request(call{cookies: with(value)})
	if count() != before+1 {
		t.Error("the person who is signed in got no link")
	}
	named := request(call{json: obj{"identifier": ann}})
	byToken := request(call{header: token(a.apiSession(ann))})
	if count() != before+3 {
		t.Error("by name or by access token, no link was sent")
	}
	unknown := request(call{json: obj{"identifier": "nobody@example.com"}})
	notMine := request(call{json: obj{"identifier": "bob@example.com"}, cookies: with(value)})
	a.do(call{method: "POST", path: "/verify", json: obj{"token": a.link(core.NoticeVerify)}}).want(200)
	sent := count()
	verified := request(call{json: obj{"identifier": ann}})
	if count() != sent {
		t.Error("a link was sent where none is due")
	}
	for _, other := range []reply{named, byToken, unknown, notMine, verified} {
		same(t, "requests for a verification link", mine, other)
	}
	a.do(call{method: "POST", path: "/verify/request", json: obj{}}).wantProblem(400, "invalid_request", "identifier")
	a.do(call{method: "POST", path: "/verify/request", header: token("ses_x")}).wantProblem(401, "invalid_token", "")
	a.do(call{method: "POST", path: "/verify/request", json: obj{"identifier": ann}, cookies: with("dead")}, sameOrigin).want(202)
}

func TestPasswordReset(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	verify := a.link(core.NoticeVerify)
	a.do(call{method: "POST", path: "/verify", json: obj{"token": verify}}).want(200)
	api := a.apiSession(ann)
	other := a.forgot(ann)
	link := a.forgot(ann)
	weak := a.do(call{method: "POST", path: "/password/reset", json: obj{"token": link, "password": "kitten"}})
	weak.wantProblem(422, "weak_password", "password")
	r := a.do(call{method: "POST", path: "/password/reset", json: obj{"token": link, "password": newPass}}).want(204)
	if r.cookie(cookie) != nil {
		t.Error("a reset signs somebody in")
	}
	if a.alive(value) {
		t.Error("a browser's session survived the reset")
	}
	a.do(call{method: "GET", path: "/session", header: token(api)}).wantProblem(401, "invalid_token", "")
	for name, dead := range map[string]string{"used": link, "other": other} {
		r := a.do(call{method: "POST", path: "/password/reset", json: obj{"token": dead, "password": goodPass}})
		if code, field := r.problem(400); code != "invalid_request" || field != "token" {
			t.Errorf("%s link: %s (%s)", name, code, field)
		}
		a.do(call{method: "GET", path: "/password/reset?token=" + dead, header: wantsPage}).want(400)
	}
	a.login(ann, goodPass).wantProblem(401, "invalid_credentials", "")
	a.login(ann, newPass).want(200)
	if len(a.mails(core.NoticePasswordChanged)) != 1 {
		t.Error("nobody was told of the new password")
	}
}

func TestForgotNeedsAnIdentifier(t *testing.T) {
	a := newApp(t)
	a.do(call{method: "POST", path: "/password/forgot", json: obj{}}).wantProblem(400, "invalid_request", "identifier")
	a.do(call{method: "POST", path: "/password/reset", json: obj{"password": newPass}}).wantProblem(400, "invalid_request", "token")
}

// Mail scanners open every link. That shows a page, and uses up nothing.
func TestLinkPages(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	for _, c := range []struct{ path, token, button string }{
		{"/verify", a.link(core.NoticeVerify), "Confirm"},
		{"/password/reset", a.forgot(ann), `name="password"`},
	} {
		t.Run(c.path, func(t *testing.T) {
			a := *a
			a.t = t
			for range 3 {
				r := a.do(call{method: "GET", path: c.path + "?token=" + c.token, header: wantsPage}).want(200)
				page := r.Body.String()
				for _, part := range []string{`<form method="post" action="/auth` + c.path + `"`, `value="` + c.token + `"`, c.button} {
					if !strings.Contains(page, part) {
						t.Errorf("the page lacks %s:\n%s", part, page)
					}
				}
				if strings.Contains(page, "<script") || strings.Contains(page, "style=") {
					t.Errorf("the page has script or style:\n%s", page)
				}
				wantPageHeaders(t, r)
			}
			a.do(call{method: "HEAD", path: c.path + "?token=" + c.token, header: wantsPage}).want(200)
			v := a.do(call{method: "GET", path: c.path + "?token=" + c.token}).want(200).json()
			until, err := time.Parse(time.RFC3339, v["expires_at"].(string))
			if v["valid"] != true || err != nil || !until.After(a.clock.Now()) {
				t.Errorf("%v", v)
			}
			form := url.Values{"token": {c.token}, "password": {newPass}}
			a.do(call{method: "POST", path: c.path, form: form, header: wantsPage}).want(303)
			r := a.do(call{method: "GET", path: c.path + "?token=" + c.token, header: wantsPage}).want(400)
			wantPageHeaders(t, r)
			if strings.Contains(r.Body.String(), "<form") {
				t.Errorf("the page of a dead link has a form:\n%s", r.Body)
			}
			if v := a.do(call{method: "GET", path: c.path + "?token=" + c.token}).want(200).json(); v["valid"] != false {
				t.Errorf("%v", v)
			}
		})
	}
	for _, query := range []string{"", "?token=", "?token=%22%3E%3Cscript%3E", "?token=a&token=b", "?token=" + strings.Repeat("a", 9000)} {
		r := a.do(call{method: "GET", path: "/verify" + query, header: wantsPage}).want(400)
		if strings.Contains(r.Body.String(), "script") {
			t.Errorf("the page shows what it was given:\n%s", r.Body)
		}
	}
}

func wantPageHeaders(t *testing.T, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"Cache-Control":           "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY",
	} {
		if got := r.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestLinksExpire(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	verify, reset := a.link(core.NoticeVerify), a.forgot(ann)
	a.clock.Advance(30 * time.Minute)
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": reset, "password": newPass}}).want(400)
	a.clock.Advance(24 * time.Hour)
	a.do(call{method: "POST", path: "/verify", json: obj{"token": verify}}).want(400)
}
