package core_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/storetest"
	"golang.org/x/crypto/bcrypt"
)

// many makes a user with an identity of each kind.
func (w *world) many() *core.User {
	w.t.Helper()
	in, err := w.SignUp(w.t.Context(), core.SignUp{
		Email: "ann@example.com", Username: "ann", Phone: "+4915112345678", Password: goodPassword, Wish: browser,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return in.User
}

func TestSignInByEveryIdentifier(t *testing.T) {
	w := newWorld(t)
	u := w.many()
	for _, typed := range []string{"ann@example.com", " Ann@EXAMPLE.com ", "ann", "ANN", "+4915112345678", "+49 151 1234-5678"} {
		in, err := w.signIn(typed, goodPassword, browser)
		if err != nil || in.Session.UserID != u.ID {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// Unknown, wrong, locked, disabled and without a password are one answer after the same work (A11).
func TestSignInFailuresAreAlike(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.GuessLimit = 2 })
	seed := func(email, pw string) string {
		u := must(firstOf(w.Users().Ensure(t.Context(), core.Seed{
			Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}}, Password: pw,
		})))(t)
		return u.ID
	}
	seed("wrong@example.com", goodPassword)
	seed("locked@example.com", goodPassword)
	seed("nopassword@example.com", "")
	noError(t, w.Users().Disable(t.Context(), seed("disabled@example.com", goodPassword), "test"))
	for range 2 {
		_, err := w.signIn("locked@example.com", wrongPassword, browser)
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	first := ""
	for _, tt := range []struct{ typed, pw string }{
		{"wrong@example.com", wrongPassword}, {"unknown@example.com", goodPassword}, {"locked@example.com", goodPassword},
		{"disabled@example.com", goodPassword}, {"nopassword@example.com", goodPassword},
	} {
		var err error
		calls := w.methods(func() { _, err = w.signIn(tt.typed, tt.pw, browser) })
		e := wantCode(t, err, core.CodeInvalidCredentials)
		if e.Field != "" || e.Public() != core.ErrInvalidCredentials.Public() {
			t.Errorf("%s: %+v", tt.typed, e)
		}
		if first == "" {
			first = calls
		}
		if calls != first {
			t.Errorf("%s: store calls %s, want %s", tt.typed, calls, first)
		}
	}
}

// The hash work is the same as well: each failure fills the memory of one hash, and of no more.
func TestSignInFailuresAllHash(t *testing.T) {
	const memory = 7 << 20
	w := newWorld(t, func(c *core.Config) {
		c.GuessLimit = 1
		c.Hashing = password.Params{MemoryKiB: memory >> 10, Passes: 5, Parallelism: 1}
	})
	for _, name := range []string{"wrong", "locked", "disabled"} {
		w.verified(name + "@example.com")
	}
	u := must(w.Users().Find(t.Context(), "disabled@example.com"))(t)
	noError(t, w.Users().Disable(t.Context(), u.ID, "test"))
	_, err := w.signIn("locked@example.com", wrongPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	for _, name := range []string{"wrong", "locked", "disabled", "unknown"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := w.signIn(name+"@example.com", wrongPassword, browser)
		runtime.ReadMemStats(&after)
		wantCode(t, err, core.CodeInvalidCredentials)
		if used := after.TotalAlloc - before.TotalAlloc; used < memory || used >= 2*memory {
			t.Errorf("%s: %d bytes were used, one hash takes %d", name, used, memory)
		}
	}
}

func TestSignInRefusesWhatCannotBeACredential(t *testing.T) {
	w := newWorld(t)
	w.many()
	for name, in := range map[string]core.PasswordSignIn{
		"64 KiB password":   {Identifier: "ann", Password: strings.Repeat("x", 64<<10)},
		"64 KiB identifier": {Identifier: strings.Repeat("x", 64<<10), Password: goodPassword},
	} {
		in.Wish = browser
		var err error
		if calls := w.methods(func() { _, err = w.SignIn(t.Context(), in) }); calls != "" {
			t.Errorf("%s: store calls %s", name, calls)
		}
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	for _, typed := range []string{"", "\x00", "a@b@c", "ann\x00", "'; DROP TABLE", `{"$ne":""}`, "%", "../ann"} {
		_, err := w.signIn(typed, goodPassword, browser)
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	_, err := w.signIn("ann", "", browser)
	wantCode(t, err, core.CodeInvalidCredentials)
}

// Parallel guesses never exceed the limit, however the account is named (A8, A12, A13).
func TestGuessLimitHoldsInParallel(t *testing.T) {
	const limit = 5
	w := newWorld(t, func(c *core.Config) { c.GuessLimit = limit })
	w.many()
	other := w.again()
	names := []string{"ann@example.com", "ANN@example.com", "ann", "Ann", "+4915112345678", "+49 (151) 12345678"}
	var refused atomic.Int64
	together(64, func(i int) {
		on := w
		if i%2 == 1 {
			on = other
		}
		if _, err := on.signIn(names[i%len(names)], wrongPassword, browser); errors.Is(err, core.ErrInvalidCredentials) {
			refused.Add(1)
		}
	})
	if refused.Load() != 64 {
		t.Errorf("%d of 64 were refused", refused.Load())
	}
	// The events of failures name the account when its password was evaluated, and nobody when the limit was reached.
	evaluated := 0
	for _, e := range w.events.of(core.EventSignInFailed) {
		if e.UserID != "" {
			evaluated++
		}
	}
	if evaluated > limit || evaluated == 0 {
		t.Errorf("%d passwords were evaluated, the limit is %d", evaluated, limit)
	}
	for _, typed := range names {
		_, err := w.signIn(typed, goodPassword, browser)
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	_, err := w.ChangePassword(t.Context(), w.events.of(core.EventSignedUp)[0].UserID, "", goodPassword, otherPassword)
	wantCode(t, err, core.CodeInvalidCredentials) // the account's own page is no way round
}

func TestGuessesAreCountedUntilSuccess(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.GuessLimit = 3 })
	w.many()
	for range 4 {
		for range 2 {
			_, err := w.signIn("ann", wrongPassword, browser)
			wantCode(t, err, core.CodeInvalidCredentials)
		}
		must(w.signIn("ann", goodPassword, browser))(t)
	}
}

func TestResetClearsTheGuesses(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.GuessLimit = 1 })
	w.verified("ann@example.com")
	for range 3 {
		_, err := w.signIn("ann@example.com", wrongPassword, browser)
		wantCode(t, err, core.CodeInvalidCredentials)
	}
	noError(t, w.ResetPassword(t.Context(), w.resetLink("ann@example.com"), otherPassword))
	must(w.signIn("ann@example.com", otherPassword, browser))(t)
}

// A wrong password is counted before it is evaluated: when the count cannot be written, nothing is evaluated.
func TestAnUncountedGuessIsNotEvaluated(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	w.store.FailMethod(storetest.Commit, "guess", storetest.Fail)
	_, err := w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeUnavailable)
}

func TestPasswordIsRehashedWhenParametersRise(t *testing.T) {
	w := newWorld(t)
	u := w.many()
	stored := func(on *world) string {
		var hash string
		noError(t, on.View(t.Context(), func(tx *core.Tx) error {
			p, err := tx.Passwords().Get(u.ID)
			if err == nil {
				hash = p.Hash
			}
			return err
		}))
		return hash
	}
	cheap := stored(w)
	raised := w.again(func(c *core.Config) {
		c.Hashing = password.Params{MemoryKiB: 7 * 1024, Passes: 5, Parallelism: 1}
	})
	must(raised.signIn("ann", goodPassword, browser))(t)
	if now := stored(raised); now == cheap || !strings.Contains(now, "m=7168,t=5") {
		t.Errorf("stored %s", now)
	}
	must(raised.signIn("ann", goodPassword, browser))(t)
}

func TestImportedHashesSignInAndAreReplaced(t *testing.T) {
	w := newWorld(t)
	old, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	noError(t, err)
	u := must(firstOf(w.Users().Ensure(t.Context(), core.Seed{
		Identities:   []core.SeedIdentity{{Kind: identifier.Username, Value: "old"}},
		PasswordHash: string(old),
	})))(t)
	_, err = w.signIn("old", wrongPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	must(w.signIn("old", goodPassword, browser))(t)
	noError(t, w.View(t.Context(), func(tx *core.Tx) error {
		p, err := tx.Passwords().Get(u.ID)
		if err == nil && !strings.HasPrefix(p.Hash, "$argon2id$") {
			t.Errorf("still stored as %s", p.Hash)
		}
		return err
	}))
}

// A15: every byte of a password counts, and the ways to type one character are one.
func TestPasswordsAreNeverTruncated(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("Quartz-Heron-Lamp-", 5) // 90 bytes, of which bcrypt would see 72
	_, err := w.SignUp(t.Context(), core.SignUp{Username: "long", Password: long + "end", Wish: browser})
	noError(t, err)
	_, err = w.signIn("long", long, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	must(w.signIn("long", long+"end", browser))(t)

	_, err = w.SignUp(t.Context(), core.SignUp{Username: "accent", Password: "caf\u00e9-brazier-74-lintel", Wish: browser})
	noError(t, err)
	must(w.signIn("accent", "cafe\u0301-brazier-74-lintel", browser))(t)
}

// firstOf drops what Ensure says of whether it made the account.
func firstOf(u *core.User, _ bool, err error) (*core.User, error) { return u, err }
