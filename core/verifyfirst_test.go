package core_test

import (
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func verifyFirst(c *core.Config) { c.SignUp = core.VerifyFirst }

func TestVerifyFirstMakesTheAccountWithTheLink(t *testing.T) {
	w := newWorld(t, verifyFirst)
	in, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Username: "ann", Password: goodPassword, Name: "Ann", Wish: browser})
	if in != nil || err != nil {
		t.Fatalf("answer %v, %v; want nothing", in, err)
	}
	if _, err := w.signIn("ann@example.com", goodPassword, browser); err == nil {
		t.Fatal("signed in before the address was proved")
	}
	if w.count("account")+w.count("identity") != 0 {
		t.Error("there is an account before the address was proved")
	}
	token := w.link(core.NoticeVerify, "ann@example.com")
	if _, err := w.LinkLives(t.Context(), token, core.PurposeVerify); err != nil {
		t.Errorf("the page for the link: %v", err)
	}
	u := must(w.Verify(t.Context(), token))(t)
	_, idents, err := w.User(t.Context(), u.ID)
	noError(t, err)
	for _, i := range idents {
		if want := i.Value == "ann@example.com"; i.Verified != want {
			t.Errorf("%s verified: %v", i.Value, i.Verified)
		}
	}
	must(w.signIn("ann", goodPassword, browser))(t)
	_, err = w.Verify(t.Context(), token)
	wantCode(t, err, core.CodeInvalidToken)
}

// Nobody can tell from the answer, nor from the work, whether an address has an account.
func TestVerifyFirstTakenAndFreeAreAlike(t *testing.T) {
	w := newWorld(t, verifyFirst)
	w.verified("Taken@example.com")
	ask := func(email string) func() {
		return func() {
			in, err := w.SignUp(t.Context(), core.SignUp{Email: email, Password: otherPassword, Wish: browser})
			if in != nil || err != nil {
				t.Errorf("%s: answer %v, %v", email, in, err)
			}
		}
	}
	free, taken := w.methods(ask("free@example.com")), w.methods(ask("taken@example.com"))
	if free != taken || free == "" {
		t.Errorf("store calls differ:\nfree  %s\ntaken %s", free, taken)
	}
	before := w.count("account")
	mails := w.notices()
	if len(mails) != 2 || mails[1].Template != core.NoticeSignUpTaken && mails[0].Template != core.NoticeSignUpTaken {
		t.Fatalf("mails: %+v", mails)
	}
	for _, n := range mails {
		if n.Template == core.NoticeSignUpTaken && (n.Link != "" || n.Name != "" || n.To != "Taken@example.com") {
			t.Errorf("the owner's mail %+v must go to the stored address and carry neither link nor what was typed", n)
		}
	}
	if w.count("account") != before {
		t.Error("a sign-up alone made an account")
	}
}

func TestVerifyFirstNeedsAnAddress(t *testing.T) {
	w := newWorld(t, verifyFirst)
	_, err := w.SignUp(t.Context(), core.SignUp{Username: "ann", Password: goodPassword, Wish: browser})
	wantCode(t, err, core.CodeIdentifierRequired)
}

func TestVerifyFirstOfTwoPendingSignUpsOneWins(t *testing.T) {
	w := newWorld(t, verifyFirst)
	for _, pw := range []string{goodPassword, otherPassword} {
		_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: pw, Wish: browser})
		noError(t, err)
		w.clock.Advance(time.Second)
	}
	var tokens []string
	for _, n := range w.notices() {
		tokens = append(tokens, tokenOf(t, n))
	}
	slices.Sort(tokens)
	must(w.Verify(t.Context(), tokens[0]))(t)
	_, err := w.Verify(t.Context(), tokens[1])
	if e := wantCode(t, err, core.CodeIdentityTaken); e.Field != "email" {
		t.Errorf("field %q", e.Field)
	}
	if w.count("account") != 1 {
		t.Error("not one account")
	}
}

func TestVerifyFirstLinkExpires(t *testing.T) {
	w := newWorld(t, verifyFirst)
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser})
	noError(t, err)
	token := w.link(core.NoticeVerify, "ann@example.com")
	w.clock.Advance(24 * time.Hour)
	_, err = w.Verify(t.Context(), token)
	wantCode(t, err, core.CodeInvalidToken)
	if w.count("account") != 0 {
		t.Error("there is an account")
	}
}

// Who asks for a free address and a name that is taken hears at the address what was taken, and that there is no account.
func TestVerifyFirstTellsTheAddressThatAnotherNameIsTaken(t *testing.T) {
	w := newWorld(t, verifyFirst)
	_, _, err := w.Users().Ensure(t.Context(), core.Seed{Identities: []core.SeedIdentity{{Kind: "username", Value: "ann"}}, Password: goodPassword})
	noError(t, err)
	_, err = w.SignUp(t.Context(), core.SignUp{Email: "new@example.com", Username: "Ann", Password: otherPassword, Wish: browser})
	noError(t, err)
	mails := w.notices()
	if len(mails) != 1 || mails[0].Template != core.NoticeSignUpOtherTaken || mails[0].To != "new@example.com" ||
		mails[0].Data["taken"] != "Ann" || mails[0].Link != w.cfg.BaseURL+"/" {
		t.Errorf("mails: %+v", mails)
	}
}
