package core_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// needsOTP is a policy that requires a second factor of everybody.
func needsOTP(c *core.Config) {
	c.Policies = append(c.Policies, core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
		return core.Decision{Require: []string{"otp"}}, nil
	}))
}

// proof is a second factor that was verified.
func proof(userID, method string, ref core.AttemptRef) core.Proof {
	return core.Proof{UserID: userID, Method: method, Verify: func(*core.Tx) error { return nil }, Attempt: ref}
}

// suspended signs in until the gate asks for the second factor.
func (w *world) suspended(typed string, wish core.Wish) core.AttemptRef {
	w.t.Helper()
	in, err := w.signIn(typed, goodPassword, wish)
	e := wantCode(w.t, err, core.CodeFactorRequired)
	if in.Session != nil || in.RefreshToken != "" || e.Attempt == nil {
		w.t.Fatalf("answer %+v", in)
	}
	return core.AttemptRef{ID: e.Attempt.ID, Secret: in.Cookie}
}

func TestPolicyDenies(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Policies = []core.Policy{core.PolicyFunc(func(_ *core.Tx, a core.Admission) (core.Decision, error) {
			if a.Wish.Kind == core.APISession {
				return core.Decision{Deny: core.ErrVerificationRequired}, nil
			}
			return core.Decision{}, nil
		})}
	})
	w.person("ann@example.com")
	_, err := w.signIn("ann@example.com", goodPassword, api)
	wantCode(t, err, core.CodeVerificationRequired)
	must(w.signIn("ann@example.com", goodPassword, browser))(t)

	// A sign-up that may not sign in makes no account.
	_, err = w.SignUp(t.Context(), core.SignUp{Email: "bob@example.com", Password: goodPassword, Wish: api})
	wantCode(t, err, core.CodeVerificationRequired)
	if w.count("account") != 1 {
		t.Error("there is an account")
	}
}

func TestPolicyThatFailsGrantsNothing(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Policies = []core.Policy{core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
			return core.Decision{}, errors.New("the rules cannot be read")
		})}
	})
	u := w.verified("ann@example.com")
	_, err := w.signIn("ann@example.com", goodPassword, browser)
	wantCode(t, err, core.CodeUnavailable)
	if all := must(w.ListSessions(t.Context(), u.ID))(t); len(all) != 0 {
		t.Error("there is a session")
	}
}

func TestSecondFactorCompletesTheAttempt(t *testing.T) {
	for _, wish := range []core.Wish{browser, api} {
		w := newWorld(t, needsOTP)
		u := w.verified("ann@example.com")
		ref := w.suspended("ann@example.com", wish)
		if _, err := w.CheckSession(t.Context(), ref.Secret); err == nil {
			t.Error("an attempt passes for a session")
		}
		start := w.clock.Now()
		w.clock.Advance(time.Minute)
		in := must(w.Admit(t.Context(), proof(u.ID, "otp", ref), wish))(t)
		if !slices.Equal(in.Session.AMR, []string{"pwd", "otp"}) || !in.Session.AuthTime.Equal(start) {
			t.Errorf("amr %v, auth_time %v", in.Session.AMR, in.Session.AuthTime)
		}
		_, err := w.Admit(t.Context(), proof(u.ID, "otp", ref), wish)
		wantCode(t, err, core.CodeInvalidCredentials)
		if all := must(w.ListSessions(t.Context(), u.ID))(t); len(all) != 1 {
			t.Errorf("%d sessions of one attempt", len(all))
		}
	}
}

func TestThreeFactorsKeepTheirOrder(t *testing.T) {
	w := newWorld(t, needsOTP)
	u := w.verified("ann@example.com")
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"hwk"}))
	ref := w.suspended("ann@example.com", browser)
	in, err := w.Admit(t.Context(), proof(u.ID, "otp", ref), browser)
	e := wantCode(t, err, core.CodeFactorRequired)
	if !slices.Equal(e.Attempt.Missing, []string{"hwk"}) {
		t.Errorf("missing %v", e.Attempt.Missing)
	}
	in = must(w.Admit(t.Context(), proof(u.ID, "hwk", core.AttemptRef{ID: e.Attempt.ID, Secret: in.Cookie}), browser))(t)
	if !slices.Equal(in.Session.AMR, []string{"pwd", "otp", "hwk"}) {
		t.Errorf("amr %v", in.Session.AMR)
	}
}

// The same factor twice does not count for two.
func TestTheSecondFactorAloneIsNotEnough(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	ref := w.suspended("ann@example.com", browser)
	_, err := w.Admit(t.Context(), proof(u.ID, "pwd", ref), browser)
	wantCode(t, err, core.CodeFactorRequired)
}

func TestAttemptIsBound(t *testing.T) {
	named := core.Wish{Kind: core.APISession, ClientID: "app"}
	for _, tt := range []struct {
		name  string
		began core.Wish
		goOn  func(w *world, owner, other string, ref core.AttemptRef) (core.Proof, core.Wish)
	}{
		{"another browser", browser, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			ref.Secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			return proof(owner, "otp", ref), browser
		}},
		{"no browser secret", browser, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			ref.Secret = ""
			return proof(owner, "otp", ref), browser
		}},
		{"another client", api, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			return proof(owner, "otp", ref), named
		}},
		{"another kind", browser, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			return proof(owner, "otp", ref), api
		}},
		{"another kind of the same client", api, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			return proof(owner, "otp", ref), core.Wish{Kind: core.BrowserSession, ClientID: core.FirstParty}
		}},
		{"another user", browser, func(_ *world, _, other string, ref core.AttemptRef) (core.Proof, core.Wish) {
			return proof(other, "otp", ref), browser
		}},
		{"expired", browser, func(w *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			w.clock.Advance(10 * time.Minute)
			return proof(owner, "otp", ref), browser
		}},
		{"everything revoked since", browser, func(w *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			noError(w.t, w.Users().RevokeAll(w.t.Context(), owner))
			return proof(owner, "otp", ref), browser
		}},
		{"password reset since", browser, func(w *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			noError(w.t, w.ResetPassword(w.t.Context(), w.resetLink("ann@example.com"), otherPassword))
			return proof(owner, "otp", ref), browser
		}},
		{"disabled and enabled since", browser, func(w *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			noError(w.t, errors.Join(w.Users().Disable(w.t.Context(), owner, ""), w.Users().Enable(w.t.Context(), owner)))
			return proof(owner, "otp", ref), browser
		}},
		{"not an attempt", browser, func(_ *world, owner, _ string, ref core.AttemptRef) (core.Proof, core.Wish) {
			ref.ID = "att_nothing"
			return proof(owner, "otp", ref), browser
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, needsOTP, func(c *core.Config) { c.Clients = []core.ClientConfig{{ID: "app"}} })
			owner, other := w.verified("ann@example.com"), w.verified("bob@example.com")
			p, wish := tt.goOn(w, owner.ID, other.ID, w.suspended("ann@example.com", tt.began))
			_, err := w.Admit(t.Context(), p, wish)
			wantCode(t, err, core.CodeInvalidCredentials)
			if w.count("session") != 0 {
				t.Error("there is a session")
			}
		})
	}
}

// What happens between the verification of a password and the mint counts: the mint looks again.
func TestMintLooksAtTheCredentialAgain(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world, userID string) error{
		"reset": func(w *world, _ string) error {
			return w.ResetPassword(w.t.Context(), w.resetLink("ann@example.com"), otherPassword)
		},
		"disable": func(w *world, id string) error { return w.Users().Disable(w.t.Context(), id, "") },
	} {
		t.Run(name, func(t *testing.T) {
			// ScopesOf is asked after the password was verified and before the mint.
			var once func()
			w := newWorld(t, func(c *core.Config) {
				c.ScopesOf = func(context.Context, *core.User) ([]string, error) {
					if f := once; f != nil {
						once = nil
						f()
					}
					return nil, nil
				}
			})
			u := w.verified("ann@example.com")
			once = func() { noError(t, meanwhile(w, u.ID)) }
			_, err := w.signIn("ann@example.com", goodPassword, browser)
			wantCode(t, err, core.CodeInvalidCredentials)
			if w.count("session") != 0 {
				t.Error("the old password made a session")
			}
		})
	}
}

// The same at the last moment: between the checks inside the transaction and its commit.
func TestMintAndDisableCannotBothPass(t *testing.T) {
	var w *world
	var once func()
	w = newWorld(t, func(c *core.Config) {
		c.Policies = []core.Policy{core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
			if f := once; f != nil {
				once = nil
				f()
			}
			return core.Decision{}, nil
		})}
	})
	u := w.verified("ann@example.com")
	for name, meanwhile := range map[string]func() error{
		"disable":    func() error { return w.Users().Disable(t.Context(), u.ID, "") },
		"revoke all": func() error { return w.Users().RevokeAll(t.Context(), u.ID) },
	} {
		noError(t, w.Users().Enable(t.Context(), u.ID))
		tries := 0
		once = func() { tries++; noError(t, meanwhile()) }
		_, err := w.signIn("ann@example.com", goodPassword, browser)
		if name == "disable" {
			wantCode(t, err, core.CodeInvalidCredentials)
			if w.count("session") != 0 {
				t.Error("a disabled account has a session")
			}
		}
		if tries != 1 {
			t.Errorf("%s: happened %d times", name, tries)
		}
	}
}

// A mint writes the account, so that "end all" cannot miss a session which is being made.
func TestMintWritesTheAccount(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	read := func() (a core.Account) {
		noError(t, w.View(t.Context(), func(tx *core.Tx) error {
			got, err := tx.Accounts().Get(u.ID)
			a = *got
			return err
		}))
		return a
	}
	w.clock.Advance(time.Hour)
	must(w.signIn("ann@example.com", goodPassword, browser))(t)
	if a := read(); !a.MintedAt.Equal(w.clock.Now()) {
		t.Errorf("minted at %v", a.MintedAt)
	}
}

// While one goroutine ends all sessions again and again, others sign in: what is left is at most what began after the
// last end, and with a disabled account nothing.
func TestNoSessionSurvivesDisable(t *testing.T) {
	for range rounds(t, 10) {
		w := newWorld(t)
		other := w.again()
		u := w.verified("ann@example.com")
		together(8, func(i int) {
			on := w
			if i%2 == 1 {
				on = other
			}
			if i == 0 {
				noError(t, on.Users().Disable(t.Context(), u.ID, ""))
				return
			}
			_, err := on.signIn("ann@example.com", goodPassword, api)
			if err != nil && !errors.Is(err, core.ErrInvalidCredentials) {
				t.Error(err)
			}
		})
		if n := w.count("session"); n != 0 {
			t.Fatalf("a disabled account has %d sessions", n)
		}
	}
}

func TestTheOldestSessionMakesRoom(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Sessions.PerUser = 3 })
	u := w.verified("ann@example.com")
	var ids []string
	for range 5 {
		w.clock.Advance(time.Second)
		ids = append(ids, must(w.signIn("ann@example.com", goodPassword, api))(t).Session.ID)
	}
	var live []string
	for _, s := range must(w.ListSessions(t.Context(), u.ID))(t) {
		live = append(live, s.ID)
	}
	slices.Reverse(ids)
	if !slices.Equal(live, ids[:3]) {
		t.Errorf("live %v, want %v", live, ids[:3])
	}
}

func TestAUserHasAtMostAHundredSessions(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	first := w.apiLogin("ann@example.com")
	for range 100 {
		w.clock.Advance(time.Millisecond)
		must(w.Admit(t.Context(), proof(u.ID, "otp", core.AttemptRef{}), api))(t)
	}
	if n := w.count("session"); n != 100 {
		t.Errorf("%d sessions", n)
	}
	_, err := w.Session(t.Context(), first.Session.ID)
	wantCode(t, err, core.CodeNotFound)
}

func TestScopesOfASession(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Clients = []core.ClientConfig{{ID: "narrow", Scopes: []string{"read", "write", "billing"}, DefaultScopes: []string{"read"}}}
	})
	w.verified("ann@example.com")
	for _, tt := range []struct {
		client      string
		asked, want []string
	}{
		{"", nil, []string{"read", "write", "admin"}},
		{"", []string{"write", "read", "write"}, []string{"write", "read"}},
		{"", []string{"read", "unknown"}, []string{"read"}},
		{"", []string{"unknown"}, nil},
		{"narrow", nil, []string{"read"}},
		{"narrow", []string{"write"}, []string{"write"}},
		{"narrow", []string{"admin"}, nil},
		{"narrow", []string{"billing"}, nil},
	} {
		in, err := w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.APISession, ClientID: tt.client, Scopes: tt.asked})
		if tt.want == nil {
			wantCode(t, err, core.CodeInvalidScope)
			continue
		}
		if err != nil || !slices.Equal(in.Scopes, tt.want) || !slices.Equal(in.Session.Scopes, tt.want) {
			t.Errorf("%q asks %v: %v, want %v", tt.client, tt.asked, err, tt.want)
		}
	}
	_, err := w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.APISession, ClientID: "unknown"})
	wantCode(t, err, core.CodeInvalidClient)
}

func TestScopesOfThatFailsGrantsNothing(t *testing.T) {
	fail := true
	w := newWorld(t, func(c *core.Config) {
		c.ScopesOf = func(context.Context, *core.User) ([]string, error) {
			if fail {
				return []string{"read"}, errors.New("no answer")
			}
			return []string{"read"}, nil
		}
	})
	w.verified("ann@example.com")
	_, err := w.signIn("ann@example.com", goodPassword, api)
	wantCode(t, err, core.CodeUnavailable)
	fail = false
	in := w.apiLogin("ann@example.com")
	fail = true
	_, err = w.Refresh(t.Context(), in.RefreshToken, core.FirstParty, nil)
	wantCode(t, err, core.CodeUnavailable)
	fail = false
	must(w.Refresh(t.Context(), in.RefreshToken, core.FirstParty, nil))(t) // the token was not used up
}

func TestGateRefusesMistakesOfTheCaller(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	ok := proof(u.ID, "otp", core.AttemptRef{})
	for name, call := range map[string]func() (*core.SignedIn, error){
		"no kind": func() (*core.SignedIn, error) { return w.Admit(t.Context(), ok, core.Wish{}) },
		"no verify": func() (*core.SignedIn, error) {
			return w.Admit(t.Context(), core.Proof{UserID: u.ID, Method: "otp"}, browser)
		},
		"no method": func() (*core.SignedIn, error) {
			return w.Admit(t.Context(), proof(u.ID, "", core.AttemptRef{}), browser)
		},
		"no user": func() (*core.SignedIn, error) {
			return w.Admit(t.Context(), proof("", "otp", core.AttemptRef{}), browser)
		},
	} {
		if _, err := call(); core.AsError(err).Code != core.CodeInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
