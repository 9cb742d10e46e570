package webauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func TestSignUpAnswersWithUserSessionAndCookie(t *testing.T) {
	a := newApp(t)
	r := a.do(call{method: "POST", path: "/signup", json: obj{
		"email": "Ann@Example.com", "username": "ann", "password": goodPass, "name": "Ann",
		"data": obj{"city": "Ghent", "age": 41, "news": true},
	}, header: header("User-Agent", "Firefox")}).want(201)
	v := r.json()
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"user", "name"}, "Ann"}, {[]any{"user", "tenant"}, "default"},
		{[]any{"user", "data", "city"}, "Ghent"}, {[]any{"user", "data", "age"}, 41.0}, {[]any{"user", "data", "news"}, true},
		{[]any{"user", "identities", 0, "kind"}, "email"}, {[]any{"user", "identities", 0, "verified"}, false},
		{[]any{"user", "identities", 0, "primary"}, true}, {[]any{"user", "identities", 1, "value"}, "ann"},
		{[]any{"user", "created_at"}, "2030-01-02T03:04:05Z"}, {[]any{"user", "updated_at"}, "2030-01-02T03:04:05Z"},
		{[]any{"session", "kind"}, "browser"}, {[]any{"session", "current"}, true}, {[]any{"session", "client_id"}, ""},
		{[]any{"session", "device", "name"}, ""}, {[]any{"session", "device", "ip"}, "192.0.2.1"},
		{[]any{"session", "device", "user_agent"}, "Firefox"}, {[]any{"session", "amr", 0}, "pwd"},
		{[]any{"session", "auth_time"}, "2030-01-02T03:04:05Z"}, {[]any{"session", "expires_at"}, "2030-01-03T03:04:05Z"},
	} {
		if got := at(v, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if got := r.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if got := r.Header().Get("Vary"); got != "Accept" {
		t.Errorf("Vary %q", got)
	}
	if !a.alive(r.signedIn()) {
		t.Error("the cookie is no session")
	}
}

func TestSignUpRefusals(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	for _, c := range []struct {
		name        string
		body        obj
		status      int
		code, field string
	}{
		{"taken", obj{"email": "ANN@example.com", "password": goodPass}, 409, "identity_taken", "email"},
		{"no identifier", obj{"password": goodPass}, 422, "identifier_required", "email"},
		{"bad email", obj{"email": "a@b@c", "password": goodPass}, 422, "invalid_email", "email"},
		{"bad phone", obj{"phone": "12", "password": goodPass}, 422, "invalid_phone", "phone"},
		{"bad username", obj{"username": "a b", "password": goodPass}, 422, "invalid_username", "username"},
		{"no password", obj{"email": "b@example.com"}, 422, "weak_password", "password"},
		{"short password", obj{"email": "b@example.com", "password": "kitten"}, 422, "weak_password", "password"},
		{"undeclared field", obj{"email": "b@example.com", "password": goodPass, "data": obj{"x": 1}}, 422, "invalid_field", "data.x"},
		{"read-only field", obj{"email": "b@example.com", "password": goodPass, "data": obj{"plan": "gold"}}, 422, "invalid_field", "data.plan"},
		{"control in name", obj{"email": "b@example.com", "password": goodPass, "name": "a\x00b"}, 422, "invalid_field", "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := *a
			a.t = t
			r := a.do(call{method: "POST", path: "/signup", json: c.body}).wantProblem(c.status, c.code, c.field)
			if r.cookie(cookie) != nil {
				t.Error("a cookie is set all the same")
			}
			if _, err := a.auth.Users().Find(t.Context(), "b@example.com"); err == nil {
				t.Error("an account was made all the same")
			}
		})
	}
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": "x", "phone": "y", "password": "z"}})
	r.wantProblem(422, "invalid_email", "email")
	for i, field := range []string{"email", "phone", "password"} {
		if got := at(r.json(), "errors", i, "field"); got != field {
			t.Errorf("errors[%d] is about %v, want %s", i, got, field)
		}
		if at(r.json(), "errors", i, "code") == nil || at(r.json(), "errors", i, "detail") == nil {
			t.Errorf("errors[%d] is incomplete", i)
		}
	}
}

func TestSignUpByHookOrClosed(t *testing.T) {
	closed := newApp(t, func(s *settings) { s.core.SignUp = core.ClosedSignUp })
	body := obj{"email": ann, "password": goodPass}
	closed.do(call{method: "POST", path: "/signup", json: body}).wantProblem(403, "signup_refused", "")
	hooked := newApp(t, func(s *settings) {
		s.core.Hooks.BeforeSignUp = func(context.Context, core.SignUpInfo) error {
			return core.FieldE(core.CodeSignUpRefused, "email", "By invitation only.")
		}
	})
	r := hooked.do(call{method: "POST", path: "/signup", json: body}).wantProblem(403, "signup_refused", "email")
	if r.json()["detail"] != "By invitation only." {
		t.Errorf("%s", r.Body)
	}
}

func TestVerifyFirst(t *testing.T) {
	a := newApp(t, func(s *settings) { s.core.SignUp = core.VerifyFirst })
	body := obj{"email": ann, "password": goodPass}
	free := a.do(call{method: "POST", path: "/signup", json: body}).want(202)
	if free.json()["status"] != "pending" || free.cookie(cookie) != nil {
		t.Fatalf("%s %v", free.Body, free.Result().Cookies())
	}
	a.login(ann, goodPass).wantProblem(401, "invalid_credentials", "")
	link := a.link(core.NoticeVerify)
	v := a.do(call{method: "POST", path: "/verify", json: obj{"token": link}}).want(200).json()
	if at(v, "user", "identities", 0, "verified") != true {
		t.Errorf("%v", v)
	}
	a.login(ann, goodPass).want(200)
	taken := a.do(call{method: "POST", path: "/signup", json: body}).want(202)
	same(t, "sign-up of a free and of a taken address", free, taken)
	if len(a.mails(core.NoticeSignUpTaken)) != 1 {
		t.Error("the owner of the address was not told")
	}
}

func TestLogin(t *testing.T) {
	a := newApp(t)
	_, id := a.signUp(ann)
	r := a.login(" ANN@example.com", goodPass).want(200)
	if at(r.json(), "user", "id") != id || at(r.json(), "session", "current") != true {
		t.Errorf("%s", r.Body)
	}
	c := r.cookie(cookie)
	if c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("without remember me the cookie outlives the browser: %v", c)
	}
	for field, body := range map[string]obj{
		"identifier": {"password": goodPass}, "password": {"identifier": ann},
	} {
		a.do(call{method: "POST", path: "/login", json: body}).wantProblem(400, "invalid_request", field)
	}
}

func TestRememberMe(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	r := a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass, "remember": true}}).want(200)
	c := r.cookie(cookie)
	if c.MaxAge != 90*24*3600 || !c.Expires.Equal(a.clock.Now().Add(90*24*time.Hour)) {
		t.Errorf("Max-Age %d, Expires %v", c.MaxAge, c.Expires)
	}
	a.clock.Advance(29 * 24 * time.Hour)
	if !a.alive(c.Value) {
		t.Error("a remembered session is gone after 29 days")
	}
	a.clock.Advance(31 * 24 * time.Hour)
	if a.alive(c.Value) {
		t.Error("a remembered session is alive after 31 idle days")
	}
}

func TestSessionLimits(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	for range 6 {
		a.clock.Advance(23 * time.Hour)
		if !a.alive(value) {
			t.Fatal("a session in use ended before its absolute limit")
		}
	}
	a.clock.Advance(31 * time.Hour) // 7 days and an hour
	if a.alive(value) {
		t.Error("a session outlived its absolute limit")
	}
	value = a.login(ann, goodPass).want(200).signedIn()
	a.clock.Advance(24 * time.Hour)
	if a.alive(value) {
		t.Error("a session outlived its idle limit")
	}
}

func TestLogout(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	r := a.do(call{method: "POST", path: "/logout", cookies: with(value)}, sameOrigin).want(204)
	if c := r.cookie(cookie); c == nil || c.MaxAge >= 0 || c.Value != "" || !c.Secure || c.Path != "/" {
		t.Errorf("the cookie is not cleared: %v", c)
	}
	if r.Body.Len() != 0 {
		t.Errorf("204 with a body: %s", r.Body)
	}
	if a.alive(value) {
		t.Error("the session lives on at the server")
	}
	a.do(call{method: "POST", path: "/logout", cookies: with(value)}, sameOrigin).want(204)
	a.do(call{method: "POST", path: "/logout"}).want(204)
}

func TestLogoutWithAnAccessToken(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	id := a.apiSession(ann)
	a.do(call{method: "POST", path: "/logout", header: token(id)}).want(204)
	a.do(call{method: "GET", path: "/session", header: token(id)}).wantProblem(401, "invalid_token", "")
	a.do(call{method: "POST", path: "/logout", header: token("ses_nonsense")}).wantProblem(401, "invalid_token", "")
}

func TestFactorRequired(t *testing.T) {
	a := newApp(t)
	old, id := a.signUp(ann)
	if err := a.auth.Users().RequireFactors(t.Context(), id, []string{"otp"}); err != nil {
		t.Fatal(err)
	}
	r := a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass}, cookies: with(old)}, sameOrigin)
	r.wantProblem(403, "factor_required", "")
	v := r.json()
	if at(v, "attempt", "id") == nil || at(v, "attempt", "factors", 0) != "otp" || at(v, "attempt", "expires_at") != "2030-01-02T03:14:05Z" {
		t.Errorf("%s", r.Body)
	}
	if r.cookie(cookie) != nil {
		t.Error("a session cookie is set for half a sign-in")
	}
	c := r.cookie(cookie + "-attempt")
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 || c.Path != "/" {
		t.Fatalf("the attempt's cookie is %v", c)
	}
	if strings.Contains(r.Body.String(), c.Value) {
		t.Error("the attempt's secret is in the body")
	}
	if a.alive(c.Value) {
		t.Error("an attempt's secret is a session")
	}
	if !a.alive(old) {
		t.Error("half a sign-in ended the session that was there")
	}
	// The attempt's cookie goes as soon as somebody is signed in.
	if err := a.auth.Users().RequireFactors(t.Context(), id, nil); err != nil {
		t.Fatal(err)
	}
	r = a.do(call{
		method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass},
		cookies: map[string]string{cookie + "-attempt": c.Value},
	}, sameOrigin).want(200)
	if gone := r.cookie(cookie + "-attempt"); gone == nil || gone.MaxAge >= 0 {
		t.Errorf("the attempt's cookie stays: %v", gone)
	}
}

// Forms of pages, which come from browsers without JavaScript, are sent on to a page.
func TestFormsAreSentOn(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	html := header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	form := url.Values{"identifier": {ann}, "password": {goodPass}, "remember": {"on"}, "return_to": {"/inbox?page=2"}}
	r := a.do(call{method: "POST", path: "/login", form: form, header: html}).want(303)
	if got := r.Header().Get("Location"); got != "/inbox?page=2" {
		t.Errorf("Location %q", got)
	}
	if r.cookie(cookie).MaxAge == 0 {
		t.Error("the checkbox of remember me was not read")
	}
	if r.Header().Get("Cache-Control") != "no-store" {
		t.Error("the answer with the cookie may be stored")
	}
	form.Del("return_to")
	if got := a.do(call{method: "POST", path: "/login", form: form, header: html}).want(303).Header().Get("Location"); got != "/" {
		t.Errorf("Location %q without return_to", got)
	}
	for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0", "application/json, text/html;q=0.0"} {
		a.do(call{method: "POST", path: "/login", form: form, header: header("Accept", accept)}).want(200)
	}
	form.Set("password", "wrong")
	a.do(call{method: "POST", path: "/login", form: form, header: html}).wantProblem(401, "invalid_credentials", "")

	signUp := url.Values{
		"email": {"bob@example.com"}, "password": {goodPass}, "data.city": {"Ghent"}, "data.age": {"41"}, "data.news": {"on"},
	}
	v := a.do(call{method: "POST", path: "/signup", form: signUp}).want(201).json()
	if at(v, "user", "data", "age") != 41.0 || at(v, "user", "data", "news") != true || at(v, "user", "data", "city") != "Ghent" {
		t.Errorf("custom fields of a form: %v", v)
	}
	signUp.Set("email", "eve@example.com")
	signUp.Set("data.age", "old")
	a.do(call{method: "POST", path: "/signup", form: signUp}).wantProblem(422, "invalid_field", "data.age")
}

func TestSetCookieIsForOtherWaysIn(t *testing.T) {
	a := newApp(t)
	_, _ = a.signUp(ann)
	in, err := a.auth.SignIn(t.Context(), core.PasswordSignIn{
		Identifier: ann, Password: goodPass, Wish: core.Wish{Kind: core.BrowserSession},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(t)
	a.web.SetCookie(r, in)
	if !a.alive(r.signedIn()) {
		t.Error("the cookie is no session")
	}
}
