package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// from is a context of a request by a browser.
func (w *world) from(agent string) context.Context {
	return core.WithOrigin(w.t.Context(), core.Origin{IP: "203.0.113.7", UserAgent: agent})
}

const (
	firefox128 = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	firefox131 = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
	iphone     = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"
)

func (w *world) newSignIns() (all []core.Notice) {
	for _, n := range w.notices() {
		if n.Template == core.NoticeNewSignIn {
			all = append(all, n)
		}
	}
	return all
}

func TestNewSignInIsMailedOncePerDevice(t *testing.T) {
	w := newWorld(t)
	in, err := w.SignUp(w.from(firefox128), core.SignUp{Email: annMail, Password: goodPassword, Wish: browser})
	noError(t, err)
	noError(t, second(w.Verify(t.Context(), w.link(core.NoticeVerify, annMail))))
	signIn := func(agent string, wish core.Wish, mails int) {
		t.Helper()
		noError(t, second(w.SignIn(w.from(agent), core.PasswordSignIn{Identifier: annMail, Password: goodPassword, Wish: wish})))
		if got := len(w.newSignIns()); got != mails {
			t.Fatalf("%d mails, want %d", got, mails)
		}
	}
	signIn(firefox128, browser, 0) // the one that signed up
	noError(t, w.SignOut(t.Context(), in.Cookie))
	w.clock.Advance(60 * 24 * time.Hour) // no session lives any more
	signIn(firefox131, browser, 0)       // the same, updated
	signIn(iphone, browser, 1)
	signIn(iphone, browser, 1)
	signIn(firefox128, api, 2) // a program is another device
	if n := w.newSignIns()[0]; n.To != annMail || n.Data["device"] != "Safari, iPhone" || n.Data["ip"] != "203.0.113.7" {
		t.Errorf("%+v", n)
	}
}

func TestNewSignInIsMailedToVerifiedAddressesAlone(t *testing.T) {
	w := newWorld(t)
	w.person(annMail)
	noError(t, second(w.SignIn(w.from(iphone), core.PasswordSignIn{Identifier: annMail, Password: goodPassword, Wish: browser})))
	if len(w.newSignIns()) != 0 {
		t.Error("a mail went to an address that nobody proved")
	}
}

func TestMutedNewSignIn(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Mute = []string{core.NoticeNewSignIn} })
	w.signedIn(annMail)
	noError(t, second(w.SignIn(w.from(iphone), core.PasswordSignIn{Identifier: annMail, Password: goodPassword, Wish: browser})))
	if len(w.newSignIns()) != 0 {
		t.Error("a muted notice was sent")
	}
	cfg := w.cfg
	cfg.Mute = []string{core.NoticePasswordChanged}
	if _, err := core.New(t.Context(), w.data.Again(), cfg); err == nil {
		t.Error("a notice that must be sent can be muted")
	}
}

// Every path to a session asks the hook first, and a refusal leaves nothing.
func TestBeforeSignInJudgesEveryPath(t *testing.T) {
	var asked []core.SignInInfo
	var answer error
	w := newWorld(t, func(c *core.Config) {
		c.Hooks.BeforeSignIn = func(ctx context.Context, s core.SignInInfo) error {
			if core.TenantOf(ctx) == "" && core.OriginOf(ctx).IP == "203.0.113.7" {
				asked = append(asked, s)
			}
			return answer
		}
	})
	u := w.verified(annMail)
	paths := map[string]func() error{
		"password": func() error {
			return second(w.SignIn(w.from(iphone), core.PasswordSignIn{Identifier: annMail, Password: goodPassword, Wish: api}))
		},
		"sign-up": func() error {
			return second(w.SignUp(w.from(iphone), core.SignUp{Email: "new@example.com", Password: goodPassword, Wish: browser}))
		},
		"application": func() error { return second(w.StartSession(w.from(iphone), u.ID, browser)) },
		"any proof":   func() error { return second(w.Admit(w.from(iphone), proof(u.ID, "otp", core.AttemptRef{}), browser)) },
	}
	for name, path := range paths {
		for _, c := range []struct {
			answer error
			code   core.Code
		}{{errors.New("closed on Sundays"), core.CodeForbidden}, {core.E(core.CodeThrottled, "Later."), core.CodeThrottled}} {
			asked, answer = nil, c.answer
			err := path()
			if e := wantCode(t, err, c.code); c.code == core.CodeForbidden && (!errors.Is(err, c.answer) || e.Detail != "") {
				t.Errorf("%s: %v", name, err)
			}
			if len(asked) != 1 || asked[0].UserID == "" || asked[0].Method == "" || asked[0].SignUp != (name == "sign-up") {
				t.Errorf("%s: asked %+v", name, asked)
			}
		}
	}
	if w.count("session") != 0 || w.count("account") != 1 || len(w.events.of(core.EventSignInFailed)) != 2*len(paths) {
		t.Error("a refusal left something, or was not told")
	}
	answer = nil
	for name, path := range paths {
		if err := path(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.count("session") != len(paths) {
		t.Errorf("%d sessions", w.count("session"))
	}
}

func TestAfterSignInHearsOfCommittedSessions(t *testing.T) {
	var heard []string
	var w *world
	w = newWorld(t, func(c *core.Config) {
		c.Hooks.AfterSignIn = func(ctx context.Context, in *core.SignedIn) {
			s, err := w.Session(ctx, in.Session.ID) // it is there for others already
			if err != nil || ctx.Err() != nil {
				t.Errorf("session %v, context %v", err, ctx.Err())
			}
			heard = append(heard, s.UserID)
		}
	})
	in := w.person(annMail)
	w.apiLogin(annMail)
	if _, err := w.signIn(annMail, wrongPassword, api); err == nil {
		t.Fatal("a wrong password signs in")
	}
	if len(heard) != 2 || heard[0] != in.User.ID || heard[1] != in.User.ID {
		t.Errorf("heard of %v", heard)
	}
}

// The application's own way in passes the gate.
func TestStartSession(t *testing.T) {
	w := newWorld(t)
	u := w.verified(annMail)
	in := must(w.StartSession(t.Context(), u.ID, browser))(t)
	s := must(w.CheckSession(t.Context(), in.Cookie))(t)
	if s.UserID != u.ID || len(s.AMR) != 1 || s.AMR[0] != core.MethodExternal || !s.AuthTime.Equal(w.clock.Now()) {
		t.Errorf("%+v", s)
	}
	program := must(w.Services().Create(t.Context(), "robot", nil))(t)
	for _, id := range []string{"usr_nobody", program.ID} {
		wantCode(t, second(w.StartSession(t.Context(), id, browser)), core.CodeInvalidCredentials)
	}
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	got, err := w.StartSession(t.Context(), u.ID, browser)
	if e := wantCode(t, err, core.CodeFactorRequired); e.Attempt == nil || got.Cookie == "" || got.Session != nil {
		t.Errorf("%+v", got)
	}
	noError(t, w.Users().Disable(t.Context(), u.ID, ""))
	wantCode(t, second(w.StartSession(t.Context(), u.ID, browser)), core.CodeInvalidCredentials)

	strict := newWorld(t, func(c *core.Config) {
		c.Policies = []core.Policy{core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
			return core.Decision{Deny: core.ErrForbidden}, nil
		})}
	})
	wantCode(t, second(strict.StartSession(t.Context(), strict.verified(annMail).ID, browser)), core.CodeForbidden)
}
