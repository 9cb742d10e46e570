package storeproof

import (
	"context"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// flow is one request of somebody, each store call of which fails in each way.
type flow struct {
	name string
	ok   int // the status without a fault

	// stage makes what the request needs. send sends it to the application that is given; done reports whether what was
	// asked for has come to be, by looking at the data through another application. A nil done is a request that changes
	// nothing.
	stage func(a *app, email string) (send func(to *app, edits ...edit) answer, done func() bool)

	// once says that it cannot be done a second time.
	once bool
}

var flows = []flow{
	{"sign-up", 201, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		return func(to *app, edits ...edit) answer { return to.post("/signup", signUpOf(email), edits...) },
			func() bool { return a.post("/login", signInOf(email)).code == 200 }
	}, true},
	{"sign-in", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, _ := a.person(email)
		return func(to *app, edits ...edit) answer { return to.post("/login", signInOf(email), edits...) },
			func() bool { return a.sessions(userID) == 2 }
	}, false},
	{"sign-in of a program", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, _ := a.person(email)
		return func(to *app, edits ...edit) answer { return to.post("/api/login", signInOf(email), edits...) },
			func() bool { return a.sessions(userID) == 2 }
	}, false},
	{"sign-in with a wrong password", 401, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		a.person(email)
		wrong := object{"identifier": email, "password": newPassword}
		return func(to *app, edits ...edit) answer { return to.post("/login", wrong, edits...) }, nil
	}, false},
	{"session", 204, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		_, cookie := a.person(email)
		return uses(withCookie(cookie)), nil
	}, false},
	{"ended session", 401, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		_, cookie := a.person(email)
		a.want(204, a.post("/logout", nil, withCookie(cookie)))
		return uses(withCookie(cookie)), nil
	}, false},
	{"sign-out", 204, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, cookie := a.person(email)
		return func(to *app, edits ...edit) answer {
				return to.post("/logout", nil, append(edits, withCookie(cookie))...)
			},
			func() bool { return a.sessions(userID) == 0 }
	}, false},
	{"refresh", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		tokens := a.program(email)
		return func(to *app, edits ...edit) answer {
			return to.post("/token", refreshOf(tokens.str("refresh_token")), edits...)
		}, func() bool { return a.generation(tokens) == 2 }
	}, true},
	{"refresh with an old token", 400, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		tokens := a.program(email)
		a.want(200, a.post("/token", refreshOf(tokens.str("refresh_token"))))
		return func(to *app, edits ...edit) answer {
			return to.post("/token", refreshOf(tokens.str("refresh_token")), edits...)
		}, nil
	}, false},
	{"access token", 204, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		return uses(bearer(a.program(email).str("access_token"))), nil
	}, false},
	{"revoked access token", 401, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		token := a.program(email).str("access_token")
		a.want(200, a.post("/revoke", object{"token": token}))
		return uses(bearer(token)), nil
	}, false},
	{"revocation of a refresh token", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		tokens := a.program(email)
		return func(to *app, edits ...edit) answer {
			return to.post("/revoke", object{"token": tokens.str("refresh_token")}, edits...)
		}, func() bool { return a.generation(tokens) == 0 }
	}, false},
	{"revocation of an access token", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		token := a.program(email).str("access_token")
		return func(to *app, edits ...edit) answer { return to.post("/revoke", object{"token": token}, edits...) },
			func() bool { return a.opens(bearer(token)) == 401 }
	}, false},
	{"making of a key", 201, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, cookie := a.person(email)
		return func(to *app, edits ...edit) answer {
				return to.post("/keys", keyOf, append(edits, withCookie(cookie))...)
			}, func() bool {
				keys, err := a.Core().ListKeys(a.t.Context(), userID)
				a.must(err)
				return len(keys) > 0
			}
	}, false},
	{"API key", 204, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		_, _, key := a.key(email)
		return uses(bearer(key)), nil
	}, false},
	{"revoked API key", 401, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, id, key := a.key(email)
		a.must(a.Core().RevokeKey(a.t.Context(), userID, id))
		return uses(bearer(key)), nil
	}, false},
	{"verification", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		userID, _ := a.person(email)
		token := a.mailed(email, core.NoticeVerify)
		return func(to *app, edits ...edit) answer { return to.post("/verify", object{"token": token}, edits...) }, func() bool {
			_, all, err := a.Core().User(a.t.Context(), userID)
			a.must(err)
			return all[0].Verified
		}
	}, true},
	{"reset", 204, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		a.person(email)
		body := object{"token": a.resetLink(email), "password": newPassword}
		return func(to *app, edits ...edit) answer { return to.post("/password/reset", body, edits...) },
			func() bool { return a.post("/login", object{"identifier": email, "password": newPassword}).code == 200 }
	}, true},
	{"code of an app", 200, func(a *app, email string) (func(*app, ...edit) answer, func() bool) {
		a.code("1001")
		ada, err := a.Users().Find(a.t.Context(), "ada@id.example")
		a.must(err)
		a.must(a.Users().RevokeAll(a.t.Context(), ada.ID))
		code := a.code("1001")
		return func(to *app, edits ...edit) answer { return to.post("/token", redeemOf(code), edits...) },
			func() bool { return a.sessions(ada.ID) == 1 }
	}, true},
}

var keyOf = map[string]any{"name": "ci", "scopes": []string{"read"}}

// uses sends a credential to the application's own route.
func uses(with edit) func(to *app, edits ...edit) answer {
	return func(to *app, edits ...edit) answer { return send(to.guarded, "GET", "/", nil, append(edits, with)...) }
}

// program signs somebody up, and a program of theirs in.
func (a *app) program(email string) answer {
	a.t.Helper()
	a.person(email)
	return a.want(200, a.post("/api/login", signInOf(email)))
}

// key makes an API key for somebody new.
func (a *app) key(email string) (userID, id, key string) {
	a.t.Helper()
	userID, cookie := a.person(email)
	made := a.want(201, a.post("/keys", keyOf, withCookie(cookie)))
	return userID, made.str("id"), made.str("key")
}

// sessions returns how many sessions somebody has.
func (a *app) sessions(userID string) int {
	a.t.Helper()
	all, err := a.Core().ListSessions(a.t.Context(), userID)
	a.must(err)
	return len(all)
}

// generation returns how often a program's session was refreshed, plus 1, and 0 when it has ended.
func (a *app) generation(tokens answer) int64 {
	a.t.Helper()
	s, err := a.Core().Session(a.t.Context(), tokens.str("session_id"))
	if core.AsError(err).Code == core.CodeNotFound {
		return 0
	}
	a.must(err)
	return s.Generation
}

// FailsClosed proves A24 over a store: whatever call of whichever request fails, and however, the answer is 503 and grants
// nothing, or what it says is so. A commit of unknown fate has its effect as a whole or not at all, and afterwards what did
// not happen can be done, and what happens once has not happened twice.
func FailsClosed(t *testing.T, h storetest.Harness) {
	t.Helper()
	issuer := startProvider(t).Issuer
	base := opened(t, h)
	calm := start(t, base, issuer)
	under := base
	if !h.Single {
		under = opened(t, h)
		t.Cleanup(func() { _ = under.Close() })
	}
	calm.program("first@example.com") // the keys that sign are made
	n := 0
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			open := func(*testing.T) record.Backend { return staysOpen{under} }
			storetest.SomeFaults(t, open, func(t *testing.T, faults *storetest.Faults) storetest.Flow {
				n++
				calm := calm.in(t)
				request, done := f.stage(calm, numbered("faulty", n))
				to := start(t, faults, issuer)
				var got answer
				return storetest.Flow{
					Act:   func(ctx context.Context) error { got = request(to, within(ctx)); return nil },
					Check: func(in storetest.Injection, _ error) { f.judge(t, in, got, func() answer { return request(to) }, done) },
				}
			})
		})
	}
	t.Logf("%d requests", n)
}

// in returns the application for the use of a subtest.
func (a *app) in(t testing.TB) *app {
	sub := *a
	sub.t = t
	return &sub
}

// staysOpen is a backend that outlives the applications over it.
type staysOpen struct{ record.Backend }

func (staysOpen) Close() error { return nil }

func (f flow) judge(t *testing.T, in storetest.Injection, got answer, again func() answer, done func() bool) {
	t.Helper()
	refusal := f.ok >= 400
	happened := done != nil && done()
	stale := in.Fault == storetest.StaleRead // the store told what was true a moment ago
	switch {
	case in.Fault == 0 && got.code != f.ok:
		t.Errorf("without a fault: %d %s", got.code, got.text)
	case got.code == f.ok && !refusal && (in.Fault == storetest.Fail || in.Fault == storetest.Hang):
		t.Errorf("a failing store was taken for a good one: %d", got.code)
	case got.code == f.ok && done != nil && !happened && !stale:
		t.Errorf("success is reported and has not happened: %s", got.text)
	case got.code == f.ok, stale && got.code >= 400 && got.code < 500, stale && refusal && got.code < 300:
	case got.code != 503 || got.cookie != "" || strings.Contains(got.text, "_token"):
		t.Errorf("answer is %d %s, cookie %q", got.code, got.text, got.cookie)
	}
	if got.code == f.ok || stale {
		return
	}
	switch second := again(); {
	case !happened && second.code != f.ok:
		t.Errorf("once all is well, what did not happen is answered by %d %s", second.code, second.text)
	case happened && f.once && second.code == f.ok:
		t.Errorf("it was done twice: %s", second.text)
	}
}
