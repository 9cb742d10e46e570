package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestCookieIsReadStrictly(t *testing.T) { // A22
	w := newWorld(t)
	in := w.person("ann@example.com")
	cookie := in.Cookie
	id, secret, _ := strings.Cut(cookie, ".")
	refresh := w.apiLogin("ann@example.com")
	for name, v := range map[string]string{
		"empty": "", "truncated": cookie[:len(cookie)-1], "padded": cookie + "=", "longer": cookie + "A",
		"upper case": strings.ToUpper(cookie), "id in upper case": strings.ToUpper(id) + "." + secret,
		"no secret": id + ".", "no dot": id + secret, "dot twice": id + ".." + secret, "space": " " + cookie, "line": cookie + "\n",
		"line inside": cookie[:40] + "\n" + cookie[40:], "without prefix": strings.TrimPrefix(cookie, "ses_"),
		"other prefix":    "att_" + strings.TrimPrefix(cookie, "ses_"),
		"standard base64": id + "." + strings.Repeat("+", 43), "spare bits": cookie[:len(cookie)-1] + "_",
		"zero secret": id + "." + strings.Repeat("A", 43), "quoted": `"` + cookie + `"`, "look-alike": strings.Replace(cookie, "s", "ѕ", 1),
		"refresh token": refresh.RefreshToken, "API session with a secret": refresh.Session.ID + "." + secret,
	} {
		_, err := w.CheckSession(t.Context(), v)
		if e := core.AsError(err); err == nil || e.Code != core.CodeUnauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(w.CheckSession(t.Context(), cookie))(t)
}

func FuzzCookie(f *testing.F) {
	f.Add("ses_01kaw2r5h0f8n3t6y9d2c7b4vz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("ses_.")
	f.Add("")
	w := newWorld(f)
	cookie := w.person("ann@example.com").Cookie
	f.Fuzz(func(t *testing.T, v string) {
		if _, err := w.CheckSession(t.Context(), v); (err == nil) != (v == cookie) {
			t.Errorf("%q: %v", v, err)
		}
	})
}

func TestSessionIdleAndAbsoluteLimits(t *testing.T) {
	for _, tt := range []struct {
		name           string
		wish           core.Wish
		idle, absolute time.Duration
	}{
		{"browser", browser, 24 * time.Hour, 7 * 24 * time.Hour},
		{"remembered", core.Wish{Kind: core.BrowserSession, Remember: true}, 30 * 24 * time.Hour, 90 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.verified("ann@example.com")
			in := must(w.signIn("ann@example.com", goodPassword, tt.wish))(t)
			end := w.clock.Now().Add(tt.absolute)
			for w.clock.Now().Add(tt.idle - time.Second).Before(end) {
				w.clock.Advance(tt.idle - time.Second)
				if _, err := w.CheckSession(t.Context(), in.Cookie); err != nil {
					t.Fatalf("in use, but over after %v: %v", w.clock.Now().Sub(in.Session.CreatedAt), err)
				}
			}
			w.clock.Advance(end.Sub(w.clock.Now()) - time.Second)
			must(w.CheckSession(t.Context(), in.Cookie))(t)
			w.clock.Advance(time.Second)
			_, err := w.CheckSession(t.Context(), in.Cookie)
			wantCode(t, err, core.CodeUnauthenticated)

			in = must(w.signIn("ann@example.com", goodPassword, tt.wish))(t)
			w.clock.Advance(tt.idle)
			_, err = w.CheckSession(t.Context(), in.Cookie)
			wantCode(t, err, core.CodeUnauthenticated)
		})
	}
}

func TestSessionUseIsWrittenAtMostOnceAMinute(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	check := func() string {
		return w.methods(func() { must(w.CheckSession(t.Context(), in.Cookie))(t) })
	}
	w.clock.Advance(59 * time.Second)
	if calls := check(); calls != "Get" {
		t.Errorf("a check within the minute: %s", calls)
	}
	w.clock.Advance(time.Second)
	if calls := check(); !strings.HasSuffix(calls, "Commit") {
		t.Errorf("a check after the minute: %s", calls)
	}
	if calls := check(); calls != "Get" {
		t.Errorf("the check after it: %s", calls)
	}
	s := must(w.Session(t.Context(), in.Session.ID))(t)
	if !s.LastSeenAt.Equal(w.clock.Now()) {
		t.Errorf("last seen %v", s.LastSeenAt)
	}
}

func TestSessionUseThatCannotBeWrittenIsHarmless(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	w.clock.Advance(time.Hour)
	w.store.FailMethod(storetest.Commit, "session", storetest.Fail)
	must(w.CheckSession(t.Context(), in.Cookie))(t)
}

func TestSessionsAreListedNewestUseFirst(t *testing.T) {
	w := newWorld(t)
	ctx := core.WithOrigin(t.Context(), core.Origin{IP: "192.0.2.7", UserAgent: "Test/1"})
	u := w.verified("ann@example.com")
	first := must(w.SignIn(ctx, core.PasswordSignIn{Identifier: "ann@example.com", Password: goodPassword, Wish: browser}))(t)
	w.clock.Advance(time.Minute)
	second := must(w.SignIn(ctx, core.PasswordSignIn{
		Identifier: "ann@example.com", Password: goodPassword, Wish: core.Wish{Kind: core.APISession, DeviceName: "Ann's\x1b phone"},
	}))(t)
	order := func() (ids []string) {
		for _, s := range must(w.ListSessions(t.Context(), u.ID))(t) {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if got := order(); !slices.Equal(got, []string{second.Session.ID, first.Session.ID}) {
		t.Errorf("order %v", got)
	}
	s := must(w.Session(t.Context(), second.Session.ID))(t)
	if s.DeviceName != "Ann's phone" || s.IP != "192.0.2.7" || s.UserAgent != "Test/1" || s.ClientID != core.FirstParty {
		t.Errorf("%+v", s)
	}
	w.clock.Advance(time.Minute)
	must(w.CheckSession(ctx, first.Cookie))(t)
	if got := order(); got[0] != first.Session.ID {
		t.Errorf("order after use %v", got)
	}
}

func TestEndedSessionIsDeadEverywhere(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	in := w.person("ann@example.com")
	must(other.CheckSession(t.Context(), in.Cookie))(t)
	noError(t, w.SignOut(t.Context(), in.Cookie))
	for _, on := range []*world{w, other, w.again()} {
		_, err := on.CheckSession(t.Context(), in.Cookie)
		wantCode(t, err, core.CodeUnauthenticated)
	}
	noError(t, w.SignOut(t.Context(), in.Cookie)) // twice is no error
	noError(t, w.SignOut(t.Context(), "nonsense"))
}

func TestEndOneSessionAndEndTheOthers(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.person("ann@example.com"), w.person("bob@example.com")
	phone := w.apiLogin("ann@example.com")
	laptop := w.apiLogin("ann@example.com")

	err := w.EndSession(t.Context(), bob.User.ID, phone.Session.ID, "ended_by_user")
	wantCode(t, err, core.CodeNotFound)
	err = w.EndSession(t.Context(), ann.User.ID, "ses_nothing", "ended_by_user")
	wantCode(t, err, core.CodeNotFound)
	must(w.Session(t.Context(), phone.Session.ID))(t)

	noError(t, w.EndSession(t.Context(), ann.User.ID, phone.Session.ID, "ended_by_user"))
	_, err = w.Refresh(t.Context(), phone.RefreshToken, core.FirstParty, nil)
	wantCode(t, err, core.CodeInvalidGrant)
	ended := w.events.of(core.EventSessionsEnded)
	if e := ended[len(ended)-1]; !slices.Equal(e.Sessions, []string{phone.Session.ID}) || e.Reason != "ended_by_user" {
		t.Errorf("event %+v", e)
	}

	noError(t, w.EndOtherSessions(t.Context(), ann.User.ID, ann.Session.ID))
	must(w.CheckSession(t.Context(), ann.Cookie))(t)
	_, err = w.Refresh(t.Context(), laptop.RefreshToken, core.FirstParty, nil)
	wantCode(t, err, core.CodeInvalidGrant)
	must(w.CheckSession(t.Context(), bob.Cookie))(t)
}

// A21: a session has its own secret, and none is taken over from before the sign-in.
func TestEverySignInHasItsOwnSession(t *testing.T) {
	w := newWorld(t)
	a := w.person("ann@example.com")
	b := must(w.signIn("ann@example.com", goodPassword, browser))(t)
	if a.Cookie == b.Cookie || a.Session.ID == b.Session.ID {
		t.Error("two sign-ins share a session")
	}
}
