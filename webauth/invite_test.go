package webauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

func inviteOnly(s *settings) {
	s.core.SignUp = core.InviteOnly
	set, err := pages.New(pages.Options{App: "Example", InviteOnly: true})
	if err != nil {
		panic(err)
	}
	s.web.Pages = set
}

// invite mails an invitation and returns the path that it opens, below the prefix, with the token in it.
func (a *app) invite(email string) (path, token string) {
	a.t.Helper()
	if err := a.auth.Users().Invite(a.t.Context(), email); err != nil {
		a.t.Fatal(err)
	}
	all := a.mails(core.NoticeInvite)
	path, ok := strings.CutPrefix(all[len(all)-1].Link, baseURL+"/auth")
	u, err := url.Parse(path)
	if !ok || err != nil {
		a.t.Fatalf("the invitation leads to %s", all[len(all)-1].Link)
	}
	return path, u.Query().Get("invite")
}

func TestSignUpByInvitation(t *testing.T) {
	a := newApp(t, inviteOnly)
	_, token := a.invite(ann)
	a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}}).wantProblem(403, "signup_refused", "invite")
	a.do(call{method: "POST", path: "/signup", json: obj{"email": "eve@example.com", "password": goodPass, "invite": token}}).
		wantProblem(403, "signup_refused", "email")
	r := a.do(call{method: "POST", path: "/signup", json: obj{"password": goodPass, "invite": token}}).want(201)
	if at(r.json(), "user", "identities", 0, "verified") != true || !a.alive(r.signedIn()) {
		t.Errorf("%s", r.Body)
	}
	a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass, "invite": token}}).
		wantProblem(403, "signup_refused", "invite")
}

// A person opens the link, which uses nothing up, and finds invitation and address filled in; faults come back.
func TestInvitationPage(t *testing.T) {
	a := newApp(t, inviteOnly)
	path, token := a.invite(ann)
	for range 2 {
		wantText(t, a.page(path, nil).want(200), `name="invite"`, `value="`+token+`"`, `value="`+ann+`"`)
	}
	form := url.Values{"email": {"eve@example.com"}, "invite": {token}, "password": {goodPass}}
	wantText(t, a.submit("/signup", nil, form).want(403), `id="f-email-error"`, `value="`+token+`"`)
	form.Set("email", ann)
	if r := a.submit("/signup", nil, form).want(303); r.cookie(cookie) == nil {
		t.Error("no cookie")
	}
	for _, dead := range []string{path, "/signup?invite=", "/signup?invite=%22%3E%3Cscript%3E", "/signup?invite=a&invite=b"} {
		r := a.page(dead, nil).want(200)
		wantText(t, r, `id="f-invite-error"`)
		if strings.Contains(r.Body.String(), "<script") {
			t.Errorf("the page shows what it was given: %s", r.Body)
		}
	}
	r := a.page("/login", nil).want(200)
	if strings.Contains(r.Body.String(), `href="/auth/signup`) {
		t.Error("a page leads to sign-up though it is by invitation")
	}
}

// An application with pages of its own gets the people whom mails bring; programs are answered as ever.
func TestOwnPagesGetWhoOpensALink(t *testing.T) {
	a := newApp(t, func(s *settings) {
		s.web.OwnPages = webauth.OwnPages{SignUp: "/join", Verify: "/confirm", Reset: "/account/new-password"}
	})
	invitation, token := a.invite("bob@example.com")
	a.signUp(ann)
	verify, reset := a.link(core.NoticeVerify), a.forgot(ann)
	for path, want := range map[string]string{
		invitation:                                "/join?invite=" + token,
		"/verify?token=" + verify:                 "/confirm?token=" + verify,
		"/password/reset?token=" + reset:          "/account/new-password?token=" + reset,
		"/verify":                                 "/confirm",
		"/verify?token=a&token=b":                 "/confirm",
		"/verify?token=%0d%0aSet-Cookie:%20a%3Db": "/confirm?token=%0D%0ASet-Cookie%3A+a%3Db",
	} {
		r := a.page(path, nil).want(303)
		if got := r.Header().Get("Location"); got != want || r.Header().Get("Cache-Control") != "no-store" ||
			r.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s leads to %q, want %q: %v", path, got, want, r.Header())
		}
	}
	if v := a.do(call{method: "GET", path: "/verify?token=" + verify}).want(200).json(); v["valid"] != true {
		t.Errorf("%v", v)
	}
	if v := a.do(call{method: "GET", path: "/signup"}).want(200).json(); v["url"] != baseURL+"/join" {
		t.Errorf("%v", v)
	}
	a.do(call{method: "POST", path: "/verify", json: obj{"token": verify}}).want(200)

	plain := newApp(t)
	plain.signUp(ann)
	wantText(t, plain.page("/verify?token="+plain.link(core.NoticeVerify), nil).want(200), `action="/auth/verify"`)
	plain.page("/signup", nil).want(http.StatusMethodNotAllowed)
}

func TestOwnPagesArePaths(t *testing.T) {
	a := newApp(t)
	for _, bad := range []string{"login", "https://evil.example/", "//evil.example", "/login?next=1", "/a\\b"} {
		for _, own := range []webauth.OwnPages{{Login: bad}, {SignUp: bad}, {Verify: bad}, {Reset: bad}} {
			if _, err := webauth.New(a.auth, webauth.Options{OwnPages: own}); err == nil || !strings.Contains(err.Error(), "OwnPages.") {
				t.Errorf("%+v: %v", own, err)
			}
		}
	}
}
