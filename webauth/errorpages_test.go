package webauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// People get errors as pages wherever they arise, with the status and header fields that programs get with theirs.
func TestErrorsArePagesForPeople(t *testing.T) {
	a := newApp(t, multiTenant, withPages)
	for _, c := range []struct {
		method, path, tenant string
		status               int
		allow                string
	}{
		{"GET", "/nope", "one", 404, ""},
		{"GET", "/login/", "one", 404, ""},
		{"GET", "//login", "one", 404, ""},
		{"GET", "/logout", "one", 405, "POST"},
		{"DELETE", "/verify", "one", 405, "GET, HEAD, POST"},
		{"GET", "/login", "", 404, ""},
		{"POST", "/login", "", 404, ""},
		{"GET", "/session", "one", 401, ""},
	} {
		ask := call{method: c.method, path: c.path, header: header("X-Tenant", c.tenant)}
		program := a.do(ask)
		program.problem(c.status)
		ask.header = plus(ask.header, "Accept", "text/html,*/*;q=0.8")
		person := a.do(ask).want(c.status)
		wantText(t, person, "<h1>", "<!doctype html>")
		for _, name := range []string{"Allow", "WWW-Authenticate", "Cache-Control"} {
			if got, want := person.Header().Get(name), program.Header().Get(name); got != want {
				t.Errorf("%s %s: %s %q for people, %q for programs", c.method, c.path, name, got, want)
			}
		}
		if got := person.Header().Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q", c.method, c.path, got)
		}
	}
	for _, path := range []string{"/api/nope", "/jwks.json", "/.well-known/nope"} {
		a.do(call{method: "GET", path: path, header: header("X-Tenant", "one", "Accept", "text/html")}).problem(404)
	}
	headless := newApp(t)
	headless.do(call{method: "GET", path: "/nope", header: wantsPage}).problem(404)
}

// A page without referrers sends "Origin: null", and so does a hostile frame: the token of the session's own page tells
// them apart. Before there is a session nothing does.
func TestOriginNullNeedsTheFormToken(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	other, _ := a.signUp("bob@example.com")
	tokenFor := func(value string) string {
		page := httptest.NewRequest("GET", "/", nil)
		page.AddCookie(&http.Cookie{Name: cookie, Value: value})
		return a.web.FormToken(page)
	}
	send := func(path, token string, cookies map[string]string, more ...string) reply {
		form := url.Values{"identifier": {ann}, "password": {goodPass}, webauth.FormTokenField: {token}}
		return a.do(call{method: "POST", path: path, form: form, cookies: cookies, header: plus(header(more...), "Origin", "null")})
	}
	send("/verify/request", tokenFor(value), with(value)).want(202)
	send("/verify/request", "", with(value)).wantProblem(403, "csrf", "")
	send("/verify/request", tokenFor(other), with(value)).wantProblem(403, "csrf", "")
	send("/verify/request", tokenFor(value), with(value), "Sec-Fetch-Site", "cross-site").wantProblem(403, "csrf", "")
	send("/login", "", nil).wantProblem(403, "csrf", "")
	send("/login", tokenFor(value), nil).wantProblem(403, "csrf", "")
	a.do(call{method: "POST", path: "/verify/request", json: obj{}, cookies: with(value), header: header("Origin", "null")}).
		wantProblem(403, "csrf", "")
}

// RFC 6750 section 3.1: a malformed bearer credential is 400 with a challenge.
func TestMalformedBearerIsChallenged(t *testing.T) {
	a := newApp(t)
	for _, bad := range []string{"Bearer", "Bearer a b", "Bearer ü", ""} {
		r := a.do(call{method: "GET", path: "/session", header: header("Authorization", bad)}).wantProblem(400, "invalid_request", "")
		if got := r.Header().Get("WWW-Authenticate"); got != `Bearer realm="oneauth", error="invalid_request"` {
			t.Errorf("%q: WWW-Authenticate %q", bad, got)
		}
	}
	r := a.do(call{method: "POST", path: "/login", json: obj{}}).wantProblem(400, "invalid_request", "identifier")
	if got := r.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("a bad body is challenged: %q", got)
	}
}

// What is missing is asked for at once.
func TestEmptyLoginAsksForBoth(t *testing.T) {
	a := newApp(t, withPages)
	wantText(t, a.submit("/login", nil, url.Values{"identifier": {""}, "password": {""}}).want(400),
		`id="f-identifier-error"`, `id="f-password-error"`)
	if r := a.do(call{method: "POST", path: "/login", json: obj{}}); at(r.json(), "errors", 1, "field") != "password" {
		t.Errorf("%s", r.Body)
	}
}

// Who is signed in already is told so, and may go on or sign out.
func TestLoginPageKnowsWhoIsSignedIn(t *testing.T) {
	a := newApp(t, pagesWith(func(o *pages.Options) { o.Home = "/home" }))
	value, _ := a.signUp(ann)
	for _, path := range []string{"/login", "/signup"} {
		wantText(t, a.page(path, with(value)).want(200), "You are signed in as "+ann, `href="/home"`, `action="/auth/logout"`)
		wantText(t, a.page(path+"?return_to=/app", with(value)).want(200), `href="/app"`)
		for name, cookies := range map[string]map[string]string{"nobody": nil, "a dead session": with(value + "x")} {
			if r := a.page(path, cookies).want(200); strings.Contains(r.Body.String(), "signed in as") {
				t.Errorf("%s: %s is signed in", path, name)
			}
		}
		if got := a.do(call{method: "GET", path: path, cookies: with(value)}).want(200).json(); len(got) != 2 {
			t.Errorf("a program is told %v", got)
		}
	}
}

// Sign-up that is closed, or by an invitation that is not there, says so and has no form.
func TestSignUpPageWithoutForm(t *testing.T) {
	invited := newApp(t, inviteOnly)
	closed := newApp(t, func(s *settings) { s.core.SignUp = core.ClosedSignUp }, pagesWith(func(o *pages.Options) { o.ClosedSignUp = true }))
	for a, says := range map[*app]string{invited: "by invitation", closed: "not open"} {
		r := a.page("/signup", nil).want(200)
		wantText(t, r, says, `href="/auth/login"`)
		if strings.Contains(r.Body.String(), `name="email"`) {
			t.Errorf("%s: there is a form", says)
		}
	}
	path, _ := invited.invite(ann)
	wantText(t, invited.page(path, nil).want(200), `name="email"`)
}

// The page behind a link says which address it confirms.
func TestVerifyPageNamesTheAddress(t *testing.T) {
	a := newApp(t, withPages)
	a.signUp(ann)
	wantText(t, a.page("/verify?token="+a.link(core.NoticeVerify), nil).want(200), "confirm that "+ann+" is your address")
}
