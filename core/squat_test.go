package core_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

const victim = "victim@example.com"

// squatter is somebody who has signed up with the victim's address, and proved only one of his own.
func squatter(w *world) *core.SignedIn {
	in := w.person(victim)
	w.addVerified(in, "mallory@example.com")
	return in
}

// A1: who signs up with somebody else's address and then proves one of his own does not keep the first from its owner, and
// is not shown under it.
func TestA1ProvingAnotherAddressKeepsNobodyFromTheirs(t *testing.T) {
	for name, claim := range map[string]func(w *world) *core.SignedIn{
		"signed up with it": squatter,
		"added it": func(w *world) *core.SignedIn {
			in := w.signedIn("mallory@example.com")
			noError(w.t, w.add(in, identifier.Email, victim))
			return in
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			mallory := claim(w)
			if own := w.identity(mallory.User.ID, "mallory@example.com"); !own.Primary || w.identity(mallory.User.ID, victim).Primary {
				t.Error("the address that was never proved is the primary one")
			}
			old := w.link(core.NoticeVerify, victim)
			in, err := w.SignUp(t.Context(), core.SignUp{Email: victim, Password: otherPassword, Wish: browser})
			noError(t, err)
			if w.identity(mallory.User.ID, victim) != nil {
				t.Error("two accounts have the address")
			}
			if _, err := w.signIn(victim, goodPassword, browser); err == nil {
				t.Error("the squatter signs in under the address")
			}
			_, err = w.Verify(t.Context(), old)
			wantCode(t, err, core.CodeInvalidToken)
			must(w.signIn(victim, otherPassword, browser))(t)
			must(w.signIn("mallory@example.com", goodPassword, browser))(t)
			noError(t, second(w.Verify(t.Context(), w.link(core.NoticeVerify, victim))))
			if w.identity(in.User.ID, victim) == nil {
				t.Error("the owner lost the address")
			}
		})
	}
}

// With VerifyFirst the owner gets a link as if the address were free, and the claim goes when it is used.
func TestA1VerifyFirstReleasesAStrangersClaim(t *testing.T) {
	w := newWorld(t)
	mallory := squatter(w)
	w = w.again(verifyFirst)
	_, err := w.SignUp(t.Context(), core.SignUp{Email: victim, Password: otherPassword, Wish: browser})
	noError(t, err)
	if w.identity(mallory.User.ID, victim) == nil {
		t.Error("a sign-up that nobody proved took the address")
	}
	u := must(w.Verify(t.Context(), w.link(core.NoticeVerify, victim)))(t)
	if w.identity(u.ID, victim) == nil || w.identity(mallory.User.ID, victim) != nil {
		t.Error("the owner has not got the address")
	}
}

// What is not a stranger's claim stays: an address that was proved, and the only one of an account.
func TestClaimsThatStay(t *testing.T) {
	w := newWorld(t)
	w.verified(annMail)
	w.person(workMail)
	for _, address := range []string{annMail, workMail} {
		_, err := w.SignUp(t.Context(), core.SignUp{Email: address, Password: otherPassword, Wish: browser})
		wantCode(t, err, core.CodeIdentityTaken)
	}
}
