package core_test

import (
	"cmp"
	"context"
	"errors"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A flow is one thing that people do. Every call that it makes to the store fails in every way.
type flow struct {
	name   string
	change func(*core.Config)

	// stage makes what the flow needs: do does the thing, and done reports whether it has been done, by looking at the
	// data through another instance.
	stage func(w *world) (do func(ctx context.Context) error, done func(w *world) bool)

	// once says that the thing cannot be done a second time.
	once bool
}

func TestEveryStoreCallFailingInEveryWay(t *testing.T) {
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			data := map[*testing.T]*mem.Store{}
			open := func(t *testing.T) record.Backend {
				data[t] = mem.New()
				return data[t].Again()
			}
			storetest.EachFault(t, open, func(t *testing.T, faults *storetest.Faults) storetest.Flow {
				w := faultyWorld(t, data[t], faults, f.change)
				do, done := f.stage(w)
				return storetest.Flow{Act: do, Check: func(in storetest.Injection, err error) { f.judge(w, in, err, do, done) }}
			})
		})
	}
}

// faultyWorld is a world whose instance reaches the data through faults.
func faultyWorld(t *testing.T, data *mem.Store, faults *storetest.Faults, change func(*core.Config)) *world {
	t.Helper()
	w := &world{t: t, data: data, clock: clock.Noon(), mail: &mailbag{}, events: &eventLog{}}
	template := newWorld(t)
	w.cfg = template.cfg
	w.cfg.Env.Now, w.cfg.Courier, w.cfg.Listeners = w.clock.Now, w.mail, []core.Listener{w.events.hear}
	if change != nil {
		change(&w.cfg)
	}
	w.store = faults
	auth, err := core.New(t.Context(), faults, w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Auth = auth
	t.Cleanup(func() { noError(t, auth.Close()) })
	return w
}

// judge holds the outcome against the state of the data: success has its effect, and an error says "try again", with
// the effect of a commit of unknown fate or with none.
func (f flow) judge(w *world, in storetest.Injection, err error, do func(context.Context) error, done func(*world) bool) {
	t := w.t
	t.Helper()
	happened := done(w.again())
	down := in.Fault == storetest.Fail || in.Fault == storetest.Hang
	switch {
	case in.Fault == 0 && err != nil:
		t.Errorf("without a fault: %v", err)
	case err == nil && !happened && in.Fault != storetest.StaleRead: // a store that hides a session cannot have it ended
		t.Error("success was reported, and its effect is lost")
	case err == nil && down:
		t.Error("a failing store was taken for a good one")
	}
	if err == nil {
		return
	}
	stale := in.Fault == storetest.StaleRead && core.AsError(err).Code.Class() != core.Internal // by what was true a moment ago
	if !stale && core.AsError(err).Code != core.CodeUnavailable {
		t.Errorf("the error is %v, want temporarily_unavailable", err)
	}
	if happened && !f.once {
		return
	}
	// Once the store is well again, so is everything: what did not happen can be done, and what did is not done twice.
	switch again := do(t.Context()); {
	case !happened && again != nil:
		t.Errorf("the second try of what did not happen: %v", again)
	case happened && again == nil:
		t.Error("it was done twice")
	}
}

// adopts knows somebody from before.
func adopts(c *core.Config) {
	hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	c.Adopt = knows(&core.Seed{ID: "17", Identities: []core.SeedIdentity{email("old@example.com", true)}, PasswordHash: string(hash)})
}

func flows() []flow {
	const mail = "ann@example.com"
	session := func(w *world) bool { return w.count("session") > 0 }
	return []flow{
		{name: "sign-up", once: true, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			return func(ctx context.Context) error {
					return second(w.SignUp(ctx, core.SignUp{Email: mail, Password: goodPassword, Wish: browser}))
				}, func(w *world) bool {
					n := w.count("account")
					if n != w.count("identity") || n != w.count("password") || n != w.count("session") || n > 1 {
						w.t.Error("half an account")
					}
					return n == 1
				}
		}},
		{name: "sign-up with VerifyFirst", change: verifyFirst, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			return func(ctx context.Context) error {
				return second(w.SignUp(ctx, core.SignUp{Email: mail, Password: goodPassword, Wish: browser}))
			}, func(w *world) bool { return w.count("one_time_token") > 0 && w.count("outbox") > 0 }
		}},
		{name: "verify of a sign-up", change: verifyFirst, once: true, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			noError(w.t, second(w.SignUp(w.t.Context(), core.SignUp{Email: mail, Password: goodPassword, Wish: browser})))
			token := w.link(core.NoticeVerify, mail)
			return func(ctx context.Context) error { return second(w.Verify(ctx, token)) },
				func(w *world) bool { return w.count("account") == 1 }
		}},
		{name: "sign-in", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.verified(mail)
			return func(ctx context.Context) error {
				return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: mail, Password: goodPassword, Wish: api}))
			}, session
		}},
		{name: "sign-in that adopts", change: adopts, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			return func(ctx context.Context) error {
				return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "old@example.com", Password: goodPassword, Wish: api}))
			}, session
		}},
		{name: "sign-up that adopts", change: adopts, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			return func(ctx context.Context) error {
					_, err := w.SignUp(ctx, core.SignUp{Email: "old@example.com", Password: otherPassword, Wish: browser})
					if errors.Is(err, core.ErrIdentityTaken) {
						return nil // as it must be
					}
					return cmp.Or(err, errors.New("signed up with the name of another"))
				}, func(w *world) bool {
					n := w.count("account")
					if n != w.count("identity") || n != w.count("password") || n > 1 {
						w.t.Error("half an account")
					}
					return n == 1
				}
		}},
		{name: "second factor", change: needsOTP, once: true, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			u := w.verified(mail)
			ref := w.suspended(mail, browser)
			return func(ctx context.Context) error { return second(w.Admit(ctx, proof(u.ID, "otp", ref), browser)) }, session
		}},
		{name: "session check", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			in := w.person(mail)
			return func(ctx context.Context) error { return second(w.CheckSession(ctx, in.Cookie)) }, session
		}},
		{name: "sign-out", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			in := w.person(mail)
			return func(ctx context.Context) error { return w.SignOut(ctx, in.Cookie) },
				func(w *world) bool { return w.count("session") == 0 }
		}},
		{name: "refresh", change: func(c *core.Config) { c.RefreshGrace = -1 }, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.verified(mail)
			in := w.apiLogin(mail)
			return func(ctx context.Context) error { return second(w.Refresh(ctx, in.RefreshToken, core.FirstParty, nil)) },
				func(on *world) bool {
					s, err := on.Session(on.t.Context(), in.Session.ID)
					return err == nil && s.Generation == 2
				}
		}},
		{name: "token revocation", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.verified(mail)
			in := w.apiLogin(mail)
			return func(ctx context.Context) error { return w.EndByRefreshToken(ctx, in.RefreshToken, core.FirstParty) },
				func(w *world) bool { return w.count("session") == 0 }
		}},
		{name: "forgot", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.verified(mail)
			return func(ctx context.Context) error { return w.ForgotPassword(ctx, mail) },
				func(w *world) bool { return w.count("one_time_token") > 0 && w.count("outbox") > 0 }
		}},
		{name: "forgot of nobody", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.verified(mail)
			return func(ctx context.Context) error { return w.ForgotPassword(ctx, "nobody@example.com") },
				func(w *world) bool { return w.count("outbox") > 0 }
		}},
		{name: "reset", once: true, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			w.person(mail)
			token := w.resetLink(mail)
			return func(ctx context.Context) error { return w.ResetPassword(ctx, token, otherPassword) },
				func(on *world) bool {
					_, err := on.signIn(mail, otherPassword, api)
					_, old := on.signIn(mail, goodPassword, api)
					if (err == nil) == (old == nil) {
						on.t.Errorf("the new password: %v, the old one: %v", err, old)
					}
					return err == nil
				}
		}},
		{name: "change", once: true, stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			in := w.person(mail)
			return func(ctx context.Context) error {
					return second(w.ChangePassword(ctx, in.User.ID, in.Session.ID, goodPassword, otherPassword))
				}, func(on *world) bool {
					_, err := on.signIn(mail, otherPassword, api)
					return err == nil
				}
		}},
		{name: "key creation", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			u := w.verified(mail)
			return func(ctx context.Context) error {
				return third(w.CreateKey(ctx, u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}}))
			}, func(w *world) bool { return w.count("api_key") > 0 }
		}},
		{name: "key check", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			_, key, err := w.CreateKey(w.t.Context(), w.verified(mail).ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
			noError(w.t, err)
			return func(ctx context.Context) error { return second(w.CheckKey(ctx, key)) }, func(*world) bool { return true }
		}},
		{name: "disable", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			in := w.person(mail)
			return func(ctx context.Context) error { return w.Users().Disable(ctx, in.User.ID, "") },
				func(w *world) bool { return w.count("session") == 0 }
		}},
		{name: "revoke all", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			in := w.person(mail)
			return func(ctx context.Context) error { return w.Users().RevokeAll(ctx, in.User.ID) },
				func(w *world) bool { return w.count("session") == 0 }
		}},
		{name: "client authentication", stage: func(w *world) (func(context.Context) error, func(*world) bool) {
			_, secret, err := w.Clients().Register(w.t.Context(), core.ClientConfig{ID: "partner"}, core.Confidential)
			noError(w.t, err)
			return func(ctx context.Context) error { return second(w.Clients().Authenticate(ctx, "partner", secret)) },
				func(*world) bool { return true }
		}},
	}
}

// A refusal stays one: wrong, forged and foreign credentials are granted nothing, whatever fails.
func TestNoFaultTurnsARefusalIntoAGrant(t *testing.T) {
	data := map[*testing.T]*mem.Store{}
	open := func(t *testing.T) record.Backend {
		data[t] = mem.New()
		return data[t].Again()
	}
	for name, try := range map[string]func(ctx context.Context, w *world) error{
		"wrong password": func(ctx context.Context, w *world) error {
			return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "ann@example.com", Password: wrongPassword, Wish: browser}))
		},
		"unknown": func(ctx context.Context, w *world) error {
			return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "nobody@example.com", Password: goodPassword, Wish: browser}))
		},
		"disabled": func(ctx context.Context, w *world) error {
			return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "gone@example.com", Password: goodPassword, Wish: browser}))
		},
		"taken": func(ctx context.Context, w *world) error {
			return second(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser}))
		},
		"forged link": func(ctx context.Context, w *world) error {
			return w.ResetPassword(ctx, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", goodPassword)
		},
		"nobody's cookie": func(ctx context.Context, w *world) error {
			return second(w.CheckSession(ctx, "ses_01kaw2r5h0f8n3t6y9d2c7b4vz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.EachFault(t, open, func(t *testing.T, faults *storetest.Faults) storetest.Flow {
				w := faultyWorld(t, data[t], faults, nil)
				w.verified("ann@example.com")
				noError(t, w.Users().Disable(t.Context(), w.verified("gone@example.com").ID, ""))
				return storetest.Flow{
					Act: func(ctx context.Context) error { return try(ctx, w) },
					Check: func(_ storetest.Injection, err error) {
						if err == nil || core.AsError(err).Code == core.CodeInternal {
							t.Errorf("the answer is %v", err)
						}
						if w.count("session") != 0 || w.count("account") != 2 {
							t.Error("something was granted")
						}
					},
				}
			})
		})
	}
}

// A store that cannot be reached stops New.
func TestNewOverAFailingStore(t *testing.T) {
	for n := 1; n <= 3; n++ { // Prepare, Get and Commit of the root secret
		faults := storetest.Faulty(mem.New())
		faults.FailNth(n, storetest.Fail)
		if _, err := core.New(t.Context(), faults, newWorld(t).cfg); err == nil {
			t.Errorf("call %d was overlooked", n)
		}
	}
}
