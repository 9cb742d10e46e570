package core_test

import (
	"crypto/rand"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

// interrupted is randomness that lets something else happen before it is drawn next.
type interrupted struct{ by func() }

func (r *interrupted) Read(b []byte) (int, error) {
	if by := r.by; by != nil {
		r.by = nil
		by()
	}
	return rand.Read(b)
}

// Of two requests that renew a session at once one gets a cookie, and it is the one that counts.
func TestReauthenticatingTwiceAtOnceLeavesTheCookieThatCounts(t *testing.T) {
	random := &interrupted{}
	w := newWorld(t, func(c *core.Config) { c.Env.Rand = random })
	in := w.signedIn(annMail)
	again := func() (string, error) {
		return w.Reauthenticate(t.Context(), in.User.ID, in.Session.ID, goodPassword)
	}
	var first string
	random.by = func() { first = must(again())(t) }
	_, err := again()
	wantCode(t, err, core.CodeConflict)
	must(w.CheckSession(t.Context(), first))(t)
}
