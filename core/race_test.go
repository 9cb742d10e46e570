package core_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

// Every race is run by 64 goroutines on two instances over one data set. ONEAUTH_TEST_ROUNDS says how often.
const racers = 64

// race lets all racers do f, half of them on each instance, and returns how many succeeded. The others must fail with
// one of the codes.
func race(t *testing.T, w, other *world, f func(on *world, i int) error, codes ...core.Code) int {
	t.Helper()
	var won atomic.Int64
	together(racers, func(i int) {
		on := w
		if i%2 == 1 {
			on = other
		}
		err := f(on, i)
		if err == nil {
			won.Add(1)
			return
		}
		code := core.AsError(err).Code
		for _, c := range codes {
			if c == code {
				return
			}
		}
		t.Errorf("a loser got %v", err)
	})
	return int(won.Load())
}

func TestRaceRefreshWithGrace(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	w.verified("ann@example.com")
	for range rounds(t, 15) {
		in := w.apiLogin("ann@example.com")
		var mu sync.Mutex
		answers := map[string]int64{}
		if won := race(t, w, other, func(on *world, _ int) error {
			out, err := on.refresh(in.RefreshToken)
			if err == nil {
				mu.Lock()
				answers[out.RefreshToken] = out.Session.Generation
				mu.Unlock()
			}
			return err
		}); won != racers {
			t.Fatalf("%d of %d got an answer", won, racers)
		}
		for _, generation := range answers {
			if len(answers) != 1 || generation != 2 {
				t.Fatalf("successors: %v", answers)
			}
		}
	}
}

func TestRaceRefreshWithoutGrace(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.RefreshGrace = -1 })
	other := w.again()
	w.verified("ann@example.com")
	for range rounds(t, 15) {
		in := w.apiLogin("ann@example.com")
		if won := race(t, w, other, func(on *world, _ int) error {
			_, err := on.refresh(in.RefreshToken)
			return err
		}, core.CodeInvalidGrant); won != 1 {
			t.Fatalf("%d won", won)
		}
		if _, err := w.Session(t.Context(), in.Session.ID); !errors.Is(err, core.ErrNotFound) {
			t.Fatalf("the session was not revoked: %v", err)
		}
	}
}

func TestRaceSignUp(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	for round := range rounds(t, 3) {
		email := fmt.Sprintf("ann%d@example.com", round)
		if won := race(t, w, other, func(on *world, _ int) error {
			_, err := on.SignUp(t.Context(), core.SignUp{Email: email, Password: goodPassword, Wish: browser})
			return err
		}, core.CodeIdentityTaken); won != 1 {
			t.Fatalf("%d won", won)
		}
		if n := w.count("account"); n != round+1 {
			t.Fatalf("%d accounts after %d rounds", n, round+1)
		}
	}
}

func TestRaceVerify(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	for round := range rounds(t, 10) {
		email := fmt.Sprintf("ann%d@example.com", round)
		w.person(email)
		token := w.link(core.NoticeVerify, email)
		if won := race(t, w, other, func(on *world, _ int) error {
			_, err := on.Verify(t.Context(), token)
			return err
		}, core.CodeInvalidToken); won != 1 {
			t.Fatalf("%d won", won)
		}
	}
}

func TestRaceVerifyFirst(t *testing.T) {
	w := newWorld(t, verifyFirst)
	other := w.again()
	for round := range rounds(t, 5) {
		email := fmt.Sprintf("ann%d@example.com", round)
		_, err := w.SignUp(t.Context(), core.SignUp{Email: email, Password: goodPassword, Wish: browser})
		noError(t, err)
		token := w.link(core.NoticeVerify, email)
		if won := race(t, w, other, func(on *world, _ int) error {
			_, err := on.Verify(t.Context(), token)
			return err
		}, core.CodeInvalidToken); won != 1 || w.count("account") != round+1 {
			t.Fatalf("%d won, %d accounts", won, w.count("account"))
		}
	}
}

func TestRaceReset(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	w.verified("ann@example.com")
	for round := range rounds(t, 3) {
		token := w.resetLink("ann@example.com")
		var winner atomic.Int64
		password := func(i int) string { return fmt.Sprintf("racing-otter-%d-%d-mallow", round, i) }
		if won := race(t, w, other, func(on *world, i int) error {
			err := on.ResetPassword(t.Context(), token, password(i))
			if err == nil {
				winner.Store(int64(i))
			}
			return err
		}, core.CodeInvalidToken); won != 1 {
			t.Fatalf("%d won", won)
		}
		must(w.signIn("ann@example.com", password(int(winner.Load())), browser))(t)
	}
}

func TestRaceChangePassword(t *testing.T) {
	for round := range rounds(t, 3) {
		w := newWorld(t)
		other := w.again()
		in := w.person("ann@example.com")
		var winner atomic.Int64
		password := func(i int) string { return fmt.Sprintf("racing-otter-%d-%d-mallow", round, i) }
		if won := race(t, w, other, func(on *world, i int) error {
			_, err := on.ChangePassword(t.Context(), in.User.ID, in.Session.ID, goodPassword, password(i))
			if err == nil {
				winner.Store(int64(i))
			}
			return err
		}, core.CodeConflict, core.CodeInvalidCredentials); won != 1 {
			t.Fatalf("%d won", won)
		}
		must(w.signIn("ann@example.com", password(int(winner.Load())), browser))(t)
	}
}

// A session that is ended in the midst of making keys leaves none: those before are ended with it, and none comes after.
func TestRaceKeysAgainstRevokeAll(t *testing.T) {
	for range rounds(t, 3) {
		w := newWorld(t)
		other := w.again()
		in := w.person("ann@example.com")
		race(t, w, other, func(on *world, i int) error {
			if i == racers/2 {
				return on.Users().RevokeAll(t.Context(), in.User.ID)
			}
			_, _, err := on.CreateKey(t.Context(), in.User.ID, core.NewKey{Name: "k", Scopes: []string{"read"}, SessionID: in.Session.ID})
			return err
		}, core.CodeForbidden, core.CodeLimitReached)
		if keys := must(w.ListKeys(t.Context(), in.User.ID))(t); len(keys) > 0 {
			t.Fatalf("%d keys outlive their session", len(keys))
		}
	}
}

func TestRaceAttempt(t *testing.T) {
	w := newWorld(t, needsOTP)
	other := w.again()
	u := w.verified("ann@example.com")
	for round := range rounds(t, 10) {
		ref := w.suspended("ann@example.com", browser)
		if won := race(t, w, other, func(on *world, _ int) error {
			_, err := on.Admit(t.Context(), proof(u.ID, "otp", ref), browser)
			return err
		}, core.CodeInvalidCredentials); won != 1 {
			t.Fatalf("%d won", won)
		}
		if want := min(round+1, 100); w.count("session") != want {
			t.Fatalf("%d sessions after %d attempts", w.count("session"), round+1)
		}
	}
}

func TestRaceEnsure(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	for round := range rounds(t, 3) {
		seed := core.Seed{Identities: []core.SeedIdentity{{Kind: "email", Value: fmt.Sprintf("ann%d@example.com", round), Verified: true}}}
		var made, id sync.Map
		race(t, w, other, func(on *world, i int) error {
			u, created, err := on.Users().Ensure(t.Context(), seed)
			if err == nil {
				id.Store(u.ID, true)
				if created {
					made.Store(i, true)
				}
			}
			return err
		})
		if size(&made) != 1 || size(&id) != 1 {
			t.Fatalf("%d made it, %d ids", size(&made), size(&id))
		}
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

func TestRaceKeyLimit(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	u := w.verified("ann@example.com")
	if won := race(t, w, other, func(on *world, i int) error {
		_, _, err := on.CreateKey(t.Context(), u.ID, core.NewKey{Name: fmt.Sprint(i), Scopes: []string{"read"}})
		return err
	}, core.CodeLimitReached); won != 50 || w.count("api_key") != 50 {
		t.Fatalf("%d won, %d keys", won, w.count("api_key"))
	}
}
