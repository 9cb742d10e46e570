package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
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

// The ways in which somebody may want the name of a person whom the application knows.
func claims(w *world) map[string]error {
	ctx := w.t.Context()
	bob := w.person("bob@example.com")
	claim := map[string]error{}
	_, claim["sign-up"] = w.SignUp(ctx, core.SignUp{Email: "old@example.com", Password: otherPassword, Wish: browser})
	_, claim["further address"] = w.AddIdentity(ctx, bob.User.ID, bob.Session.ID, identifier.Email, "old@example.com")
	_, claim["provider"] = w.ResolveExternal(ctx, acme("1", "old@example.com", false), core.LinkRules{})
	return claim
}

// Nobody takes the name of a person who is known from before.
func TestAdoptBeforeAClaim(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Adopt = knows(old(t, true)) })
	for name, err := range claims(w) {
		if !errors.Is(err, core.ErrIdentityTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if in := must(w.signIn("old@example.com", goodPassword, browser))(t); in.User.ID != "17" {
		t.Errorf("signed in as %+v", in.User)
	}
}

// The administrator's door finds that person, too.
func TestAdoptAtEnsure(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Adopt = knows(old(t, true)) })
	u, created, err := w.Users().Ensure(t.Context(), core.Seed{Identities: []core.SeedIdentity{email("old@example.com", true)}})
	if noError(t, err); created || u.ID != "17" {
		t.Errorf("created %v, %+v", created, u)
	}
}

// With VerifyFirst the answer tells nothing, and the owner hears of it.
func TestAdoptBeforeASignUpWithVerifyFirst(t *testing.T) {
	w := newWorld(t, verifyFirst, func(c *core.Config) { c.Adopt = knows(old(t, true)) })
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "old@example.com", Password: otherPassword, Wish: browser})
	noError(t, err)
	if to := w.notices(); len(to) != 1 || to[0].Template != core.NoticeSignUpTaken || to[0].To != "old@example.com" {
		t.Errorf("notices are %+v", to)
	}
}

// A provider that has proved the address leads to the person who has it in the application's table.
func TestAdoptThroughAProvider(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Adopt = knows(old(t, true)) })
	l, err := w.ResolveExternal(t.Context(), acme("1", "old@example.com", true), core.LinkRules{TrustEmail: true})
	noError(t, err)
	if l.UserID != "17" {
		t.Errorf("connected to %s", l.UserID)
	}
}

// A person whom the application knows and who cannot be taken in is not a free name. To a sign-in it is nobody.
func TestAdoptThatCannotBe(t *testing.T) {
	for name, spoil := range map[string]func(*core.Seed){
		"id":            func(s *core.Seed) { s.ID = "a b" },
		"hash":          func(s *core.Seed) { s.PasswordHash = "md5:1234" },
		"other address": func(s *core.Seed) { s.Identities = append(s.Identities, email("taken@example.com", true)) },
	} {
		t.Run(name, func(t *testing.T) {
			seed := old(t, true)
			spoil(seed)
			w := newWorld(t, func(c *core.Config) { c.Adopt = knows(seed) })
			w.verified("taken@example.com")
			for name, err := range claims(w) {
				if core.AsError(err).Code != core.CodeInternal {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, err := w.signIn("old@example.com", goodPassword, browser)
			wantCode(t, err, core.CodeInvalidCredentials)
			noError(t, w.ForgotPassword(t.Context(), "old@example.com"))
		})
	}
}

// A table that cannot be asked is not a table without that person.
func TestAdoptFailsClosed(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Adopt = func(_ context.Context, id identifier.Identifier) (*core.Seed, error) {
			if id.Value == "bob@example.com" {
				return nil, nil
			}
			return nil, errors.New("down")
		}
	})
	_, err := w.signIn("old@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeUnavailable)
	wantCode(t, w.ForgotPassword(t.Context(), "old@example.com"), core.CodeUnavailable)
	for name, err := range claims(w) {
		if core.AsError(err).Code != core.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.count("account"); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// knows makes an Adopt of the people whom an application had before.
func knows(people ...*core.Seed) core.Adopt {
	return func(_ context.Context, id identifier.Identifier) (*core.Seed, error) {
		for _, p := range people {
			if p.Identities[0].Value == id.Value {
				return p, nil
			}
		}
		return nil, nil
	}
}

// An id that the application has given to somebody else meanwhile is drawn again, whatever makes the user.
func TestTakenIDIsDrawnAgain(t *testing.T) {
	ctx := t.Context()
	for name, make := range map[string]func(w *world) error{
		"sign-up": func(w *world) error {
			return second(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser}))
		},
		"seed": func(w *world) error {
			_, _, err := w.Users().Ensure(ctx, core.Seed{Identities: []core.SeedIdentity{email("ann@example.com", true)}})
			return err
		},
		"provider": func(w *world) error {
			return second(w.ResolveExternal(ctx, acme("1", "ann@example.com", true), core.LinkRules{TrustEmail: true}))
		},
		"mailed link": func(w *world) error {
			w = w.again(verifyFirst)
			noError(t, second(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser})))
			return second(w.Verify(ctx, w.link(core.NoticeVerify, "ann@example.com")))
		},
	} {
		for _, taken := range []int{3, 20} {
			t.Run(fmt.Sprintf("%s, %d taken", name, taken), func(t *testing.T) {
				var last atomic.Int64
				w := newWorld(t, func(c *core.Config) {
					c.NewUserID = func(context.Context) (string, error) { return fmt.Sprint(last.Add(1)), nil }
				})
				noError(t, w.Update(ctx, func(tx *core.Tx) (err error) {
					for i := range taken { // rows of the application, of which nobody has an account yet
						err = errors.Join(err, tx.Users().Insert(&core.User{ID: fmt.Sprint(i + 1)}))
					}
					return err
				}))
				err := make(w)
				if taken > 8 {
					wantCode(t, err, core.CodeConflict)
					if n := last.Load(); n != 8 {
						t.Errorf("drawn %d times", n)
					}
					return
				}
				noError(t, err)
				u, err := w.Users().Find(ctx, "ann@example.com")
				if noError(t, err); u.ID != "4" {
					t.Errorf("the id is %s", u.ID)
				}
			})
		}
	}
}

// Who signs in through a provider again costs no id.
func TestProviderDrawsOnlyForANewUser(t *testing.T) {
	var last atomic.Int64
	w := newWorld(t, func(c *core.Config) {
		c.NewUserID = func(context.Context) (string, error) { return fmt.Sprint(last.Add(1)), nil }
	})
	for range 3 {
		noError(t, second(w.ResolveExternal(t.Context(), acme("1", "ann@example.com", true), core.LinkRules{TrustEmail: true})))
	}
	if n := last.Load(); n != 1 {
		t.Errorf("drawn %d times", n)
	}
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

// shared is a store that keeps users in the application's own table.
type shared struct{ record.Backend }

func (shared) Shares(kind string) bool { return kind == "user" }

// Where users are rows of the application, one that it removes takes everything with it: at once what goes through the
// gate, within a minute of use a browser session.
func TestRemovedRow(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	auth, err := core.New(ctx, shared{w.data.Again()}, w.cfg)
	noError(t, err)
	t.Cleanup(func() { _ = auth.Close() })
	w.Auth = auth
	ann := w.person("ann@example.com")
	app := w.apiLogin("ann@example.com")
	_, key, err := w.CreateKey(ctx, ann.User.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	app = must(w.Refresh(ctx, app.RefreshToken, core.FirstParty, nil))(t)
	must(w.CheckKey(ctx, key))(t)
	w.clock.Advance(2 * time.Minute)
	must(w.CheckSession(ctx, ann.Cookie))(t)

	noError(t, w.Update(ctx, func(tx *core.Tx) error { return tx.Users().Delete(ann.User.ID) }))
	_, err = w.Refresh(ctx, app.RefreshToken, core.FirstParty, nil)
	if !errors.Is(err, core.ErrInvalidGrant) {
		t.Errorf("refresh: %v", err)
	}
	_, err = w.CheckKey(ctx, key)
	wantCode(t, err, core.CodeInvalidToken)
	_, err = w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	must(w.CheckSession(ctx, ann.Cookie))(t) // one read, of the session alone
	w.clock.Advance(time.Minute)
	_, err = w.CheckSession(ctx, ann.Cookie)
	wantCode(t, err, core.CodeUnauthenticated)
	if n := w.count("session"); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if ended := w.events.of(core.EventSessionsEnded); len(ended) != 2 || ended[0].Reason != "user_removed" {
		t.Errorf("events are %+v", ended)
	}
}

// While it cannot be found out whether the row is there, a session whose turn it is to be looked at is not good: nobody knows.
func TestRemovedRowThatCannotBeLookedAt(t *testing.T) {
	w := newWorld(t)
	faults := storetest.Faulty(w.data.Again())
	auth, err := core.New(t.Context(), shared{faults}, w.cfg)
	noError(t, err)
	t.Cleanup(func() { _ = auth.Close() })
	w.Auth = auth
	ann := w.person("ann@example.com")
	w.clock.Advance(2 * time.Minute)
	faults.FailMethod(storetest.Get, "user", storetest.Fail)
	_, err = w.CheckSession(t.Context(), ann.Cookie)
	wantCode(t, err, core.CodeUnavailable)
	faults.Clear()
	must(w.CheckSession(t.Context(), ann.Cookie))(t)
}

// What a session that is not looked at yet may still read, it may not turn into something that lasts.
func TestRemovedRowGivesNothingThatLasts(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	auth, err := core.New(ctx, shared{w.data.Again()}, w.cfg)
	noError(t, err)
	t.Cleanup(func() { _ = auth.Close() })
	w.Auth = auth
	in := w.person("ann@example.com")
	noError(t, w.Update(ctx, func(tx *core.Tx) error { return tx.Users().Delete(in.User.ID) }))
	_, _, err = w.CreateKey(ctx, in.User.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	wantCode(t, err, core.CodeForbidden)
	_, err = w.Reauthenticate(ctx, in.User.ID, in.Session.ID, goodPassword)
	wantCode(t, err, core.CodeForbidden)
	_, err = w.ChangePassword(ctx, in.User.ID, in.Session.ID, goodPassword, otherPassword)
	wantCode(t, err, core.CodeForbidden)
}

// An application that deletes a user's row itself has signed that person off.
func TestUserRowThatIsGone(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	noError(t, w.Update(t.Context(), func(tx *core.Tx) error { return tx.Users().Delete(in.User.ID) }))
	_, err := w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
}
