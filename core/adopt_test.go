package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

// The application's table says what ids are like.
func TestNewUserID(t *testing.T) {
	var last atomic.Int64
	w := newWorld(t, func(c *core.Config) {
		c.NewUserID = func(context.Context) (string, error) { return fmt.Sprint(last.Add(1)), nil }
	})
	if in := w.person("ann@example.com"); in.User.ID != "1" || in.Session.UserID != "1" {
		t.Errorf("user %q, session of %q", in.User.ID, in.Session.UserID)
	}
	if u := w.verified("bob@example.com"); u.ID != "2" {
		t.Errorf("seeded user %q", u.ID)
	}
	must(w.signIn("ann@example.com", goodPassword, api))(t)
}

func TestNewUserIDThatCannotBe(t *testing.T) {
	broken := errors.New("the sequence is gone")
	for name, tt := range map[string]struct {
		id   string
		err  error
		code core.Code
	}{
		"fails":        {"", broken, core.CodeUnavailable},
		"empty":        {"", nil, core.CodeInternal},
		"spaces":       {"a b", nil, core.CodeInternal},
		"of a service": {"svc_1", nil, core.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *core.Config) {
				c.NewUserID = func(context.Context) (string, error) { return tt.id, tt.err }
			})
			_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser})
			wantCode(t, err, tt.code)
			if n := w.count("account") + w.count("identity"); n != 0 {
				t.Errorf("%d records", n)
			}
		})
	}
}

// old is a person of a table that the application had before.
func old(t *testing.T, verified bool) *core.Seed {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	noError(t, err)
	return &core.Seed{ID: "17", Name: "Old Hand", Identities: []core.SeedIdentity{email("old@example.com", verified)}, PasswordHash: string(hash)}
}

// Who is known from before signs in as ever, and is asked for once.
func TestAdoptAtSignIn(t *testing.T) {
	var asked []string
	w := newWorld(t, func(c *core.Config) {
		c.Adopt = func(_ context.Context, id identifier.Identifier) (*core.Seed, error) {
			if asked = append(asked, id.Value); id.Value != "old@example.com" {
				return nil, nil
			}
			return old(t, true), nil
		}
	})
	_, err := w.signIn("stranger@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	_, err = w.signIn("old@example.com", wrongPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	in := must(w.signIn("Old@Example.com", goodPassword, browser))(t)
	if in.User.ID != "17" || in.User.Name != "Old Hand" {
		t.Errorf("signed in as %+v", in.User)
	}
	if len(asked) != 2 {
		t.Errorf("asked for %q", asked)
	}
}

func TestAdoptAtReset(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Adopt = func(context.Context, identifier.Identifier) (*core.Seed, error) { return old(t, false), nil }
	})
	noError(t, w.ForgotPassword(t.Context(), "old@example.com"))
	noError(t, w.ResetPassword(t.Context(), w.link(core.NoticeReset, "old@example.com"), otherPassword))
	must(w.signIn("old@example.com", otherPassword, browser))(t)
}

// A table that cannot be asked is not a table without that person.
func TestAdoptFailsClosed(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Adopt = func(context.Context, identifier.Identifier) (*core.Seed, error) { return nil, errors.New("down") }
	})
	_, err := w.signIn("old@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeUnavailable)
	wantCode(t, w.ForgotPassword(t.Context(), "old@example.com"), core.CodeUnavailable)
}

// A user's row that is there without an account gets one; an account is never changed.
func TestAdoptCompletesAUser(t *testing.T) {
	w := newWorld(t)
	noError(t, w.Update(t.Context(), func(tx *core.Tx) error {
		return tx.Users().Insert(&core.User{ID: "17", Name: "As the row has it"})
	}))
	seed := *old(t, true)
	u, adopted, err := w.Users().Adopt(t.Context(), seed)
	noError(t, err)
	if !adopted || u.Name != "As the row has it" {
		t.Errorf("adopted %v, %+v", adopted, u)
	}
	must(w.signIn("old@example.com", goodPassword, browser))(t)

	seed.Name, seed.Identities = "Changed", []core.SeedIdentity{email("other@example.com", true)}
	u, adopted, err = w.Users().Adopt(t.Context(), seed)
	noError(t, err)
	if adopted || u.Name != "As the row has it" || len(w.identities("17")) != 1 {
		t.Errorf("the second time: adopted %v, %+v, %v", adopted, u, w.identities("17"))
	}

	seed.ID, seed.Identities = "18", []core.SeedIdentity{email("old@example.com", true)}
	_, _, err = w.Users().Adopt(t.Context(), seed)
	wantCode(t, err, core.CodeIdentityTaken)
	seed.ID = ""
	_, _, err = w.Users().Adopt(t.Context(), seed)
	if e := wantCode(t, err, core.CodeInvalidField); e.Field != "id" {
		t.Errorf("field %q", e.Field)
	}
}

// An application that deletes a user's row itself has signed that person off.
func TestUserRowThatIsGone(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	noError(t, w.Update(t.Context(), func(tx *core.Tx) error { return tx.Users().Delete(in.User.ID) }))
	_, err := w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
}
