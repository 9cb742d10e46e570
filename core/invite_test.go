package core_test

import (
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func inviteOnly(c *core.Config) { c.SignUp = core.InviteOnly }

// invite mails an invitation and returns its token.
func (w *world) invite(email string) string {
	w.t.Helper()
	noError(w.t, w.Users().Invite(w.t.Context(), email))
	all := w.notices()
	n := all[len(all)-1]
	u, err := url.Parse(n.Link)
	if err != nil || n.Template != core.NoticeInvite || n.To != email || u.Path != "/auth/signup" {
		w.t.Fatalf("%+v: %v", n, err)
	}
	return u.Query().Get("invite")
}

func (w *world) signUpWith(invite, email string) (*core.SignedIn, error) {
	return w.SignUp(w.t.Context(), core.SignUp{Email: email, Password: goodPassword, Invite: invite, Wish: browser})
}

// An invitation makes one account, at once and with the address proved, in every mode but the closed one.
func TestInvitationMakesTheAccount(t *testing.T) {
	for name, mode := range map[string]core.SignUpMode{
		"invite-only": core.InviteOnly, "open": core.OpenSignUp, "verify first": core.VerifyFirst,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *core.Config) { c.SignUp = mode })
			other, token := w.invite("Ann@example.com"), w.invite("Ann@example.com")
			got := must(w.Invitation(t.Context(), token))(t)
			if got.Email != "Ann@example.com" || !got.Expires.Equal(w.clock.Now().Add(7*24*time.Hour)) {
				t.Errorf("%+v", got)
			}
			in := must(w.signUpWith(token, ""))(t)
			if ids := w.identities(in.User.ID); !slices.Equal(ids, []string{"Ann@example.com*"}) || in.Cookie == "" {
				t.Errorf("identities %v", ids)
			}
			for _, dead := range []string{token, other} {
				_, err := w.signUpWith(dead, "")
				if e := wantCode(t, err, core.CodeSignUpRefused); e.Field != "invite" {
					t.Errorf("%+v", e)
				}
				wantCode(t, second(w.Invitation(t.Context(), dead)), core.CodeInvalidToken)
			}
			if got := w.events.of(core.EventInvited); len(got) != 2 || got[0].Detail != "Ann@example.com" {
				t.Errorf("%+v", got)
			}
			wantCode(t, w.Users().Invite(t.Context(), "ann@EXAMPLE.com"), core.CodeIdentityTaken)
		})
	}
}

// Without a good invitation nobody gets in, and a sign-up that fails leaves a good one good.
func TestInviteOnly(t *testing.T) {
	w := newWorld(t, inviteOnly)
	token := w.invite("ann@example.com")
	for name, bad := range map[string]string{
		"none": "", "guessed": strings.Repeat("A", 43), "cut": token[:42], "longer": token + "A", "padded": token + "=",
	} {
		_, err := w.signUpWith(bad, "eve@example.com")
		if e := wantCode(t, err, core.CodeSignUpRefused); e.Field != "invite" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, other := range []string{"eve@example.com", "ann@example.com.evil.example", "ann+x@example.com"} {
		_, err := w.signUpWith(token, other)
		if e := wantCode(t, err, core.CodeSignUpRefused); e.Field != "email" {
			t.Errorf("%s: %+v", other, e)
		}
	}
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: "short", Invite: token, Wish: browser})
	wantCode(t, err, core.CodeWeakPassword)
	_, err = w.Verify(t.Context(), token) // it is no other kind of link
	wantCode(t, err, core.CodeInvalidToken)
	wantCode(t, w.ResetPassword(t.Context(), token, otherPassword), core.CodeInvalidToken)
	if w.count("account") != 0 {
		t.Error("there is an account")
	}
	must(w.signUpWith(token, "ANN@example.com"))(t)
}

func TestInvitationsExpireAndAreWithdrawn(t *testing.T) {
	w := newWorld(t, inviteOnly)
	old := w.invite("ann@example.com")
	w.clock.Advance(7 * 24 * time.Hour)
	_, err := w.signUpWith(old, "")
	wantCode(t, err, core.CodeSignUpRefused)
	token := w.invite("ann@example.com")
	noError(t, w.Users().Withdraw(t.Context(), "Ann@Example.com"))
	_, err = w.signUpWith(token, "")
	wantCode(t, err, core.CodeSignUpRefused)
	wantCode(t, w.Users().Withdraw(t.Context(), "ann@example.com"), core.CodeNotFound)
	first := w.invite("ann@example.com")
	for range 5 {
		w.clock.Advance(time.Second)
		w.invite("ann@example.com")
	}
	wantCode(t, second(w.signUpWith(first, "")), core.CodeSignUpRefused)
	if got := w.events.of(core.EventInvitationWithdrawn); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestInvitationsNeedAnAddressAndOpenDoors(t *testing.T) {
	w := newWorld(t, inviteOnly)
	wantCode(t, w.Users().Invite(t.Context(), "ann@evil@example.com"), core.CodeInvalidEmail)
	closed := newWorld(t, func(c *core.Config) { c.SignUp = core.ClosedSignUp })
	wantCode(t, closed.Users().Invite(t.Context(), "ann@example.com"), core.CodeSignUpRefused)
	shut := w.again(func(c *core.Config) { c.SignUp = core.ClosedSignUp })
	wantCode(t, second(shut.signUpWith(w.invite("ann@example.com"), "")), core.CodeSignUpRefused)
}

// Of many who use one invitation at once, on two nodes, one gets in.
func TestInvitationIsUsedOnce(t *testing.T) {
	w := newWorld(t, inviteOnly)
	nodes := []*world{w, w.again()}
	for range rounds(t, 3) {
		token := w.invite("ann@example.com")
		var in atomic.Int32
		together(8, func(i int) {
			if _, err := nodes[i%2].signUpWith(token, ""); err == nil {
				in.Add(1)
			}
		})
		if in.Load() != 1 || w.count("account") != 1 {
			t.Fatalf("%d got in, %d accounts", in.Load(), w.count("account"))
		}
		w = newWorld(t, inviteOnly)
		nodes = []*world{w, w.again()}
	}
}

// A link of VerifyFirst that was mailed before makes no account once only invitations do.
func TestPendingSignUpObeysTheModeOfToday(t *testing.T) {
	w := newWorld(t, verifyFirst)
	for _, mode := range []core.SignUpMode{core.InviteOnly, core.ClosedSignUp} {
		must(w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser}))(t)
		token := w.link(core.NoticeVerify, "ann@example.com")
		later := w.again(func(c *core.Config) { c.SignUp = mode })
		wantCode(t, second(later.Verify(t.Context(), token)), core.CodeSignUpRefused)
		must(w.LinkLives(t.Context(), token, core.PurposeVerify))(t)
	}
}

// Tenants' invitations are their own (A29), and a dump of the store is no invitation (A32).
func TestInvitationsOfTenants(t *testing.T) {
	w := newWorld(t, inviteOnly, func(c *core.Config) { c.MultiTenant = true })
	acme, globex := core.WithTenant(t.Context(), "acme"), core.WithTenant(t.Context(), "globex")
	noError(t, w.Users().Invite(acme, "ann@example.com"))
	link, err := url.Parse(w.notices()[0].Link)
	noError(t, err)
	up := core.SignUp{Password: goodPassword, Invite: link.Query().Get("invite"), Wish: browser}
	wantCode(t, second(w.SignUp(globex, up)), core.CodeSignUpRefused)
	for _, r := range w.dump("acme") {
		if strings.Contains(r.ID, up.Invite) {
			t.Error("the token is in the store")
		}
	}
	must(w.SignUp(acme, up))(t)
}
