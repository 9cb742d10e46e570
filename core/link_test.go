package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

const shortPassword = "vq9-Lumen" // good enough beside a second factor

// identities returns the values of a user's identities, with a star behind verified ones.
func (w *world) identities(userID string) (out []string) {
	w.t.Helper()
	all, err := w.IdentitiesOf(w.t.Context(), userID)
	noError(w.t, err)
	for _, i := range all {
		v := i.Value
		if i.Verified {
			v += "*"
		}
		out = append(out, v)
	}
	return out
}

func TestVerifyProvesTheAddressOnce(t *testing.T) { // A19
	w := newWorld(t)
	in := w.person("ann@example.com")
	token := w.link(core.NoticeVerify, "ann@example.com")
	until := must(w.LinkLives(t.Context(), token, core.PurposeVerify))(t)
	if !until.Equal(w.clock.Now().Add(24 * time.Hour)) {
		t.Errorf("lives until %v", until)
	}
	u := must(w.Verify(t.Context(), token))(t)
	if got := w.identities(u.ID); u.ID != in.User.ID || !slices.Equal(got, []string{"ann@example.com*"}) {
		t.Errorf("user %s: %v", u.ID, got)
	}
	_, err := w.again().Verify(t.Context(), token)
	wantCode(t, err, core.CodeInvalidToken)
	must(w.CheckSession(t.Context(), in.Cookie))(t) // a verification ends nothing
}

func TestLinksAreReadStrictly(t *testing.T) { // A22
	w := newWorld(t)
	w.person("ann@example.com")
	token := w.link(core.NoticeVerify, "ann@example.com")
	for _, bad := range []string{
		"", token[:42], token + "=", token + "A", token + "\n", " " + token, token[:20] + "\n" + token[20:],
		token[:20] + "\n" + token[21:], strings.Repeat("A", 43), token[:42] + "_",
	} {
		_, err := w.Verify(t.Context(), bad)
		if core.AsError(err).Code != core.CodeInvalidToken {
			t.Errorf("%q: %v", bad, err)
		}
		_, err = w.LinkLives(t.Context(), bad, core.PurposeVerify)
		if core.AsError(err).Code != core.CodeInvalidToken {
			t.Errorf("%q: %v", bad, err)
		}
	}
	must(w.Verify(t.Context(), token))(t)
}

func TestLinksAreForOnePurpose(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	verify, reset := w.link(core.NoticeVerify, "ann@example.com"), w.resetLink("ann@example.com")
	wantCode(t, w.ResetPassword(t.Context(), verify, otherPassword), core.CodeInvalidToken)
	_, err := w.Verify(t.Context(), reset)
	wantCode(t, err, core.CodeInvalidToken)
	_, err = w.LinkLives(t.Context(), reset, core.PurposeVerify)
	wantCode(t, err, core.CodeInvalidToken)
	must(w.Verify(t.Context(), verify))(t)
	noError(t, w.ResetPassword(t.Context(), reset, otherPassword))
}

func TestLinksExpire(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	verify, reset := w.link(core.NoticeVerify, "ann@example.com"), w.resetLink("ann@example.com")
	w.clock.Advance(30 * time.Minute)
	wantCode(t, w.ResetPassword(t.Context(), reset, otherPassword), core.CodeInvalidToken)
	w.clock.Advance(24*time.Hour - 30*time.Minute)
	_, err := w.Verify(t.Context(), verify)
	wantCode(t, err, core.CodeInvalidToken)
}

// A20: a link proves the address that it was sent to, as long as it is that account's, and no other.
func TestVerifyLinkIsBoundToItsAddress(t *testing.T) {
	w := newWorld(t)
	u := must(firstOf(w.Users().Ensure(t.Context(), core.Seed{Password: goodPassword, Identities: []core.SeedIdentity{
		{Kind: identifier.Email, Value: "one@example.com"}, {Kind: identifier.Email, Value: "two@example.com"},
	}})))(t)
	noError(t, w.RequestVerify(t.Context(), u.ID, ""))
	one, two := w.link(core.NoticeVerify, "one@example.com"), w.link(core.NoticeVerify, "two@example.com")
	must(w.Verify(t.Context(), one))(t)
	if got := w.identities(u.ID); !slices.Equal(got, []string{"one@example.com*", "two@example.com"}) {
		t.Errorf("after the first link: %v", got)
	}
	// The second address goes to somebody else.
	noError(t, w.Update(t.Context(), func(tx *core.Tx) error {
		i, err := tx.Identities().Get("email:two@example.com")
		if err != nil {
			return err
		}
		i.UserID = "usr_other"
		return tx.Identities().Put(i)
	}))
	_, err := w.Verify(t.Context(), two)
	wantCode(t, err, core.CodeInvalidToken)
}

func TestRequestVerify(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.many(), w.person("bob@example.com").User
	w.notices()
	sent := func(userID, typed string) (to []string) {
		before := len(w.notices())
		noError(t, w.RequestVerify(t.Context(), userID, typed))
		for _, n := range w.notices()[before:] {
			to = append(to, n.To)
		}
		slices.Sort(to)
		return to
	}
	for _, tt := range []struct {
		userID, typed string
		want          []string
	}{
		{ann.ID, "", []string{"+4915112345678", "ann@example.com"}},
		{ann.ID, "ANN@example.com", []string{"ann@example.com"}},
		{ann.ID, "bob@example.com", nil}, // not hers
		{"", "bob@example.com", []string{"bob@example.com"}},
		{"", "ann", nil}, // a username is no address
		{"", "nobody@example.com", nil},
		{"", "", nil},
	} {
		if got := sent(tt.userID, tt.typed); !slices.Equal(got, tt.want) {
			t.Errorf("RequestVerify(%q, %q) mailed %v, want %v", tt.userID, tt.typed, got, tt.want)
		}
	}
	must(w.Verify(t.Context(), w.link(core.NoticeVerify, "bob@example.com")))(t)
	if got := sent(bob.ID, "bob@example.com"); got != nil {
		t.Errorf("verified already, but mailed %v", got)
	}
}

// Whether an address has an account shows in nothing: same answer, same calls to the store.
func TestLinkRequestsAreAlike(t *testing.T) {
	w := newWorld(t)
	w.person("new@example.com")
	w.verified("verified@example.com")
	noError(t, w.Users().Disable(t.Context(), w.person("disabled@example.com").User.ID, ""))
	must(w.SignUp(t.Context(), core.SignUp{Username: "nameonly", Password: goodPassword, Wish: browser}))(t)
	for name, ask := range map[string]func(string) error{
		"forgot": func(s string) error { return w.ForgotPassword(t.Context(), s) },
		"verify": func(s string) error { return w.RequestVerify(t.Context(), "", s) },
	} {
		var want []string
		for _, typed := range []string{"new@example.com", "verified@example.com", "disabled@example.com", "nameonly", "unknown@example.com"} {
			var err error
			calls := w.calls(func() { err = ask(typed) })
			noError(t, err)
			for i := range calls { // what a commit checks differs, not that there is one, nor what it writes
				if strings.HasPrefix(calls[i], "Commit") {
					calls[i] = "Commit"
				}
			}
			if want == nil {
				want = calls
			}
			if !slices.Equal(calls, want) {
				t.Errorf("%s of %s: store calls\n%v, want\n%v", name, typed, calls, want)
			}
		}
	}
}

func TestResetPassword(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	phone, laptop := w.apiLogin("ann@example.com"), must(w.signIn("ann@example.com", goodPassword, browser))(t)
	first, second := w.resetLink("ann@example.com"), w.resetLink("ann@example.com")

	e := wantCode(t, w.ResetPassword(t.Context(), first, "short"), core.CodeWeakPassword)
	if e.Field != "password" {
		t.Errorf("field %q", e.Field)
	}
	noError(t, w.ResetPassword(t.Context(), first, otherPassword)) // a refused password leaves the link good

	_, err := w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	must(w.signIn("ann@example.com", otherPassword, browser))(t)
	_, err = w.refresh(phone.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
	_, err = w.CheckSession(t.Context(), laptop.Cookie)
	wantCode(t, err, core.CodeUnauthenticated)
	for _, dead := range []string{first, second} {
		wantCode(t, w.ResetPassword(t.Context(), dead, goodPassword), core.CodeInvalidToken)
	}
	mails := w.notices()
	if last := mails[len(mails)-1]; last.Template != core.NoticePasswordChanged || last.To != "ann@example.com" {
		t.Errorf("the last mail is %+v", last)
	}
	if got := w.identities(u.ID); !slices.Equal(got, []string{"ann@example.com*"}) {
		t.Errorf("identities %v", got)
	}
}

// Every mailed link dies when the password changes, or everything is revoked.
func TestOldLinksDieWithThePassword(t *testing.T) { // A19
	for name, change := range map[string]func(w *world, in *core.SignedIn) error{
		"change": func(w *world, in *core.SignedIn) error {
			_, err := w.ChangePassword(w.t.Context(), in.User.ID, in.Session.ID, goodPassword, otherPassword)
			return err
		},
		"revoke all": func(w *world, in *core.SignedIn) error { return w.Users().RevokeAll(w.t.Context(), in.User.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := w.person("ann@example.com")
			verify, reset := w.link(core.NoticeVerify, "ann@example.com"), w.resetLink("ann@example.com")
			noError(t, change(w, in))
			_, err := w.Verify(t.Context(), verify)
			wantCode(t, err, core.CodeInvalidToken)
			wantCode(t, w.ResetPassword(t.Context(), reset, otherPassword), core.CodeInvalidToken)
		})
	}
}

// A1: whoever signed up with somebody else's address is out when its owner proves it.
func TestResetPurgesASquatter(t *testing.T) {
	w := newWorld(t)
	squatter := must(w.SignUp(t.Context(), core.SignUp{
		Email: "victim@example.com", Username: "squatter", Phone: "+4915112345678", Password: goodPassword, Wish: browser,
	}))(t)
	id := squatter.User.ID
	_, key, err := w.CreateKey(t.Context(), id, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	token := must(w.signIn("squatter", goodPassword, api))(t).RefreshToken
	phoneLink := w.link(core.NoticeVerify, "+4915112345678")
	noError(t, w.Users().RequireFactors(t.Context(), id, []string{"otp"})) // as if he had enrolled one

	noError(t, w.ResetPassword(t.Context(), w.resetLink("victim@example.com"), otherPassword))
	if got := w.identities(id); !slices.Equal(got, []string{"victim@example.com*"}) {
		t.Errorf("identities %v", got)
	}
	_, err = w.CheckSession(t.Context(), squatter.Cookie)
	wantCode(t, err, core.CodeUnauthenticated)
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
	_, err = w.refresh(token)
	wantCode(t, err, core.CodeInvalidGrant)
	_, err = w.Verify(t.Context(), phoneLink)
	wantCode(t, err, core.CodeInvalidToken)
	for _, typed := range []string{"squatter", "+4915112345678", "victim@example.com"} {
		_, err = w.signIn(typed, goodPassword, browser)
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	must(w.signIn("victim@example.com", otherPassword, browser))(t)
	if len(w.events.of(core.EventAccountPurged)) != 1 {
		t.Error("no event")
	}
}

// A1: the owner of the address clicks on "confirm" in a mail that a squatter caused, and later resets the password. A
// click is no proof that the account is theirs: whatever the squatter left that opens it goes.
func TestA1SquatterIsOutAlthoughTheLinkWasClicked(t *testing.T) {
	w := newWorld(t)
	u := w.many()
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "planted", Scopes: []string{"read"}})
	noError(t, err)
	must(w.Verify(t.Context(), w.link(core.NoticeVerify, "ann@example.com")))(t)
	noError(t, w.ResetPassword(t.Context(), w.resetLink("ann@example.com"), otherPassword))
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
	for _, i := range w.identities(u.ID) {
		if strings.HasPrefix(i, "+") {
			t.Errorf("the squatter's number is still there: %v", i)
		}
	}
	must(w.signIn("ann@example.com", otherPassword, browser))(t)
	_, key, err = w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "own", Scopes: []string{"read"}})
	noError(t, err)
	w.clock.Advance(time.Minute)
	noError(t, w.ResetPassword(t.Context(), w.resetLink("ann@example.com"), goodPassword))
	must(w.CheckKey(t.Context(), key))(t) // from then on the account is theirs
}

func TestResetPurgesNobodyWithAProvedAddress(t *testing.T) {
	w := newWorld(t)
	u := w.many()
	must(w.VerifyAs(t.Context(), u.ID, w.link(core.NoticeVerify, "ann@example.com")))(t)
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	noError(t, w.ResetPassword(t.Context(), w.resetLink("ann@example.com"), otherPassword))
	if len(w.identities(u.ID)) != 3 {
		t.Errorf("identities %v", w.identities(u.ID))
	}
	must(w.CheckKey(t.Context(), key))(t)
	_, err = w.signIn("ann", otherPassword, browser)
	wantCode(t, err, core.CodeFactorRequired) // a reset keeps the second factor
}

// An unverified address of an account with a verified one may be a stranger's, typed by mistake.
func TestUnverifiedSecondAddressResetsNothing(t *testing.T) {
	w := newWorld(t)
	must(firstOf(w.Users().Ensure(t.Context(), core.Seed{Password: goodPassword, Identities: []core.SeedIdentity{
		{Kind: identifier.Email, Value: "own@example.com"}, {Kind: identifier.Email, Value: "typo@example.com"},
	}})))(t)
	early := w.resetLink("typo@example.com") // while no address was proved
	noError(t, w.RequestVerify(t.Context(), "", "own@example.com"))
	must(w.Verify(t.Context(), w.link(core.NoticeVerify, "own@example.com")))(t)

	wantCode(t, w.ResetPassword(t.Context(), early, otherPassword), core.CodeInvalidToken)
	before := len(w.notices())
	noError(t, w.ForgotPassword(t.Context(), "typo@example.com"))
	if all := w.notices(); len(all) != before {
		t.Errorf("mailed %+v", all[before:])
	}
	must(w.signIn("own@example.com", goodPassword, browser))(t)
}

func TestForgotByUsernameGoesToTheVerifiedAddress(t *testing.T) {
	w := newWorld(t)
	must(firstOf(w.Users().Ensure(t.Context(), core.Seed{Password: goodPassword, Identities: []core.SeedIdentity{
		{Kind: identifier.Username, Value: "ann"}, {Kind: identifier.Email, Value: "ann@example.com"},
		{Kind: identifier.Phone, Value: "+4915112345678", Verified: true},
	}})))(t)
	noError(t, w.ForgotPassword(t.Context(), "ann"))
	if all := w.notices(); len(all) != 1 || all[0].To != "+4915112345678" || all[0].Channel != core.SMS {
		t.Errorf("mailed %+v", all)
	}
}

func TestAtMostFiveLinksLive(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	var tokens []string
	for range 7 {
		tokens = append(tokens, w.resetLink("ann@example.com"))
		w.clock.Advance(time.Second)
	}
	for i, token := range tokens {
		if _, err := w.LinkLives(t.Context(), token, core.PurposeReset); (err == nil) != (i >= 2) {
			t.Errorf("link %d: %v", i, err)
		}
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	phone := w.apiLogin("ann@example.com")
	change := func(sessionID, current, fresh string) (string, error) {
		return w.ChangePassword(t.Context(), in.User.ID, sessionID, current, fresh)
	}
	_, err := change(in.Session.ID, wrongPassword, otherPassword)
	if e := wantCode(t, err, core.CodeInvalidCredentials); e.Field != "current" {
		t.Errorf("field %q", e.Field)
	}
	_, err = change(in.Session.ID, goodPassword, "short")
	wantCode(t, err, core.CodeWeakPassword)
	_, err = change(w.person("bob@example.com").Session.ID, goodPassword, otherPassword)
	wantCode(t, err, core.CodeForbidden)
	_, err = change("", goodPassword, otherPassword)
	wantCode(t, err, core.CodeForbidden)
	must(w.CheckSession(t.Context(), in.Cookie))(t)

	fresh := must(change(in.Session.ID, goodPassword, otherPassword))(t)
	_, err = w.CheckSession(t.Context(), in.Cookie)
	wantCode(t, err, core.CodeUnauthenticated)
	if s := must(w.CheckSession(t.Context(), fresh))(t); s.ID != in.Session.ID {
		t.Errorf("session %s", s.ID)
	}
	_, err = w.refresh(phone.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
	_, err = w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	must(w.signIn("ann@example.com", otherPassword, browser))(t)
	if len(w.events.of(core.EventPasswordChanged)) != 1 {
		t.Error("no event")
	}
}

// NIST SP 800-63B-4: eight characters are enough where a second factor is required, and only there.
func TestShorterPasswordBesideASecondFactor(t *testing.T) {
	w := newWorld(t)
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: shortPassword, Wish: browser})
	wantCode(t, err, core.CodeWeakPassword)
	in := w.person("ann@example.com")
	change := func(current, fresh string) error {
		_, err := w.ChangePassword(t.Context(), in.User.ID, in.Session.ID, current, fresh)
		return err
	}
	reset := func() error { return w.ResetPassword(t.Context(), w.resetLink("ann@example.com"), shortPassword) }
	wantCode(t, change(goodPassword, shortPassword), core.CodeWeakPassword)
	wantCode(t, reset(), core.CodeWeakPassword)

	noError(t, w.Users().RequireFactors(t.Context(), in.User.ID, []string{"otp"}))
	wantCode(t, reset(), core.CodeWeakPassword) // the account has no proved address: its factors would go with the reset
	noError(t, change(goodPassword, shortPassword))

	must(w.Verify(t.Context(), verifyAgain(w, "ann@example.com")))(t)
	noError(t, reset())
	noError(t, w.Users().RequireFactors(t.Context(), in.User.ID, nil))
	wantCode(t, reset(), core.CodeWeakPassword)
}

func verifyAgain(w *world, email string) string {
	w.t.Helper()
	noError(w.t, w.RequestVerify(w.t.Context(), "", email))
	return w.link(core.NoticeVerify, email)
}

// A factor that goes while the shorter password is being hashed takes the allowance with it.
func TestFactorThatGoesMeanwhile(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	token := w.resetLink("ann@example.com")
	done := false
	w.store.Clear()
	racing := w.again(func(c *core.Config) {
		c.TxListeners = []core.TxListener{func(tx *core.Tx, e core.Event) error {
			if e.Type != core.EventPasswordReset || done {
				return nil
			}
			done = true
			return w.Users().RequireFactors(core.WithTenant(context.WithoutCancel(t.Context()), core.DefaultTenant), u.ID, nil)
		}}
	})
	wantCode(t, racing.ResetPassword(t.Context(), token, shortPassword), core.CodeConflict)
	if _, err := w.LinkLives(t.Context(), token, core.PurposeReset); err != nil {
		t.Errorf("the link was used up: %v", err)
	}
}
