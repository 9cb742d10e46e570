package storeproof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A contest is something that one of all may do.
type contest struct {
	name string

	// stage makes what they fight over in one round, and returns what they need to know of it.
	stage func(a *app, email string) string

	// try returns nil to the winner. The others get an error with one of the codes of lost, or errLost.
	try  func(ctx context.Context, auth *oneauth.Auth, prize string) error
	lost []core.Code
}

// errLost is for who got an answer like the winner's, and was not the first.
var errLost = errors.New("somebody else was first")

var browserWish = core.Wish{Kind: core.BrowserSession}

var contests = []contest{
	{"sign-up", func(_ *app, email string) string { return email },
		func(ctx context.Context, auth *oneauth.Auth, email string) error {
			_, err := auth.Core().SignUp(ctx, core.SignUp{Email: email, Password: goodPassword, Wish: browserWish})
			return err
		}, []core.Code{core.CodeIdentityTaken}},
	{"claim of an address", func(_ *app, email string) string { return email },
		func(ctx context.Context, auth *oneauth.Auth, email string) error {
			_, created, err := auth.Users().Ensure(ctx, core.Seed{
				Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}},
			})
			if err == nil && !created {
				return errLost
			}
			return err
		}, nil},
	{"invitation", func(a *app, email string) string {
		a.must(a.Users().Invite(a.t.Context(), email))
		return a.mailed(email, core.NoticeInvite)
	}, func(ctx context.Context, auth *oneauth.Auth, invite string) error {
		_, err := auth.Core().SignUp(ctx, core.SignUp{Invite: invite, Password: goodPassword, Wish: browserWish})
		return err
	}, []core.Code{core.CodeSignUpRefused, core.CodeIdentityTaken}},
	{"verification", func(a *app, email string) string {
		a.person(email)
		return a.mailed(email, core.NoticeVerify)
	}, func(ctx context.Context, auth *oneauth.Auth, token string) error {
		_, err := auth.Core().Verify(ctx, token)
		return err
	}, []core.Code{core.CodeInvalidToken}},
	{"reset", func(a *app, email string) string {
		a.person(email)
		return a.resetLink(email)
	}, func(ctx context.Context, auth *oneauth.Auth, token string) error {
		return auth.Core().ResetPassword(ctx, token, newPassword)
	}, []core.Code{core.CodeInvalidToken}},
	{"refresh", func(a *app, email string) string {
		a.person(email)
		return a.want(200, a.post("/api/login", signInOf(email))).str("refresh_token")
	}, func(ctx context.Context, auth *oneauth.Auth, token string) error {
		_, err := auth.Core().Refresh(ctx, token, core.FirstParty, nil)
		return err
	}, []core.Code{core.CodeInvalidGrant}},
	{"second factor", func(a *app, email string) string {
		userID, _ := a.person(email)
		return a.attempt(userID, email).encode()
	}, func(ctx context.Context, auth *oneauth.Auth, prize string) error {
		var at attempt
		if err := json.Unmarshal([]byte(prize), &at); err != nil {
			return err
		}
		proof := core.Proof{UserID: at.UserID, Method: "otp", Verify: func(*core.Tx) error { return nil }, Attempt: at.Ref}
		_, err := auth.Core().Admit(ctx, proof, browserWish)
		return err
	}, []core.Code{core.CodeInvalidCredentials}},
	{"authorization code", func(a *app, _ string) string { return a.code("1001") },
		func(ctx context.Context, auth *oneauth.Auth, code string) error {
			switch got := send(auth, "POST", "/auth/token", redeemOf(code), within(ctx)); {
			case got.code == 200:
				return nil
			case got.code == 400 && got.str("error") == "invalid_grant":
				return errLost
			default:
				return fmt.Errorf("answer is %d %s", got.code, got.text)
			}
		}, nil},
}

// attempt is a sign-in that waits for a second factor.
type attempt struct {
	UserID string
	Ref    core.AttemptRef
}

func (at attempt) encode() string {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err) // of strings
	}
	return string(text)
}

// attempt lets a person sign in with a password where a second factor is required.
func (a *app) attempt(userID, email string) attempt {
	a.t.Helper()
	a.must(a.Users().RequireFactors(a.t.Context(), userID, []string{"otp"}))
	in, err := a.Core().SignIn(a.t.Context(), core.PasswordSignIn{Identifier: email, Password: goodPassword, Wish: browserWish})
	e := core.AsError(err)
	if e == nil || e.Attempt == nil {
		a.t.Fatalf("the sign-in is answered by %v", err)
	}
	return attempt{userID, core.AttemptRef{ID: e.Attempt.ID, Secret: in.Cookie}}
}

// race lets n goroutines try at once, spread over the processes, and returns how many won. Whatever else than losing
// happens to one of them is an error.
func (c contest) race(ctx context.Context, n int, processes []*oneauth.Auth, prize string) (int, error) {
	var won atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		wg.Go(func() {
			err := c.try(ctx, processes[i%len(processes)], prize)
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, errLost), slices.Contains(c.lost, core.AsError(err).Code):
			default:
				errs <- fmt.Errorf("%s: %w", c.name, err)
			}
		})
	}
	wg.Wait()
	close(errs)
	return int(won.Load()), <-errs
}

// rounds is how often each contest is held.
func rounds() int { return times("STORETEST_ROUNDS", 1) }

// times is how often something is done: what the environment says, or else so often.
func times(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// OneWinner lets 64 goroutines, on two instances over one data set, use one link, token, code or address at once:
// STORETEST_ROUNDS times (default once) each, one wins, and the others are told so, by no other error.
func OneWinner(t *testing.T, h storetest.Harness) {
	t.Helper()
	issuer := startProvider(t).Issuer
	first := start(t, opened(t, h), issuer)
	processes := []*oneauth.Auth{first.Auth}
	if !h.Single {
		processes = append(processes, start(t, opened(t, h), issuer).Auth)
	}
	first.hold(t, func(c contest, prize string) (int, error) { return c.race(t.Context(), 64, processes, prize) })
}

// hold holds every contest for all rounds.
func (a *app) hold(t *testing.T, race func(c contest, prize string) (won int, err error)) {
	t.Helper()
	for _, c := range contests {
		for round := range rounds() {
			won, err := race(c, c.stage(a, numbered(c.name, round)))
			if err != nil || won != 1 {
				t.Errorf("%s, round %d: %d winners, want 1: %v", c.name, round, won, err)
				break
			}
		}
	}
	if !t.Failed() {
		t.Logf("%d contests, %d rounds each: one winner in each", len(contests), rounds())
	}
}

func opened(t testing.TB, h storetest.Harness) record.Backend {
	t.Helper()
	b, err := h.Open()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	contenders = 3
	inEach     = 22
	issuerEnv  = "ONEAUTH_TEST_CONTEST_ISSUER" // of the identity provider; set, it makes a process hold contests of this package
)

// Contenders lets three processes of 22 goroutines each hold the contests of OneWinner, and then those of
// [storetest.Contenders]. The test binary is started with env, at which it must call Contend.
func Contenders(t *testing.T, h storetest.Harness, env ...string) {
	t.Helper()
	t.Run("application", func(t *testing.T) {
		issuer := startProvider(t).Issuer
		a := start(t, opened(t, h), issuer)
		all := parts.Again(t, contenders, append(slices.Clone(env), issuerEnv+"="+issuer)...)
		a.hold(t, func(c contest, prize string) (won int, err error) {
			for _, text := range all.Ask(c.name + "\t" + prize) {
				n, err := strconv.Atoi(text)
				if err != nil {
					return 0, err
				}
				won += n
			}
			return won, nil
		})
	})
	t.Run("records", func(t *testing.T) { storetest.Contenders(t, h.Open, env...) })
}

// Contend is what a process does that Contenders has started. It returns when that is over.
func Contend(b record.Backend) error {
	issuer := os.Getenv(issuerEnv)
	if issuer == "" {
		return storetest.Contend(b)
	}
	auth, err := newAuth(b, issuer, &letters{})
	if err != nil {
		return err
	}
	defer func() { _ = auth.Close() }()
	return parts.Serve(func(line string) (string, error) {
		name, prize, _ := strings.Cut(line, "\t")
		i := slices.IndexFunc(contests, func(c contest) bool { return c.name == name })
		if i < 0 {
			return "", fmt.Errorf("there is no contest %q", name)
		}
		won, err := contests[i].race(context.Background(), inEach, []*oneauth.Auth{auth}, prize)
		return strconv.Itoa(won), err
	})
}
