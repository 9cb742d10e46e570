package apiauth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A24: whatever call of the store fails, and however, nothing is granted that should not be, nothing is called revoked
// that is not, and the answer is a failure of ours.
func TestA24StoreFailures(t *testing.T) {
	type flow struct {
		prepare func(n *node) []string // pairs of a form
		path    string
		judge   func(t *testing.T, n *node, a answer, pairs []string) // of a 200
	}
	token := func(name string) func(n *node) []string {
		return func(n *node) []string { return []string{"token", n.login().str(name)} }
	}
	for name, fl := range map[string]flow{
		"refresh": {
			prepare: func(n *node) []string {
				return []string{"grant_type", "refresh_token", "refresh_token", n.login().str("refresh_token")}
			},
			path: "/auth/token",
			judge: func(t *testing.T, n *node, a answer, _ []string) {
				n.refresh(a.str("refresh_token")).want(200)
			},
		},
		"refresh with an old token": {
			prepare: func(n *node) []string {
				got := n.login()
				n.clock.Advance(1)
				second := n.refresh(got.str("refresh_token")).want(200)
				n.refresh(second.str("refresh_token")).want(200)
				return []string{"grant_type", "refresh_token", "refresh_token", got.str("refresh_token")}
			},
			path:  "/auth/token",
			judge: func(t *testing.T, _ *node, a answer, _ []string) { t.Errorf("an old token was exchanged: %s", a.text) },
		},
		"revoke a refresh token": {
			prepare: token("refresh_token"), path: "/auth/revoke",
			judge: func(t *testing.T, n *node, _ answer, pairs []string) { n.refresh(pairs[1]).want(400, "invalid_grant") },
		},
		"revoke an access token": {
			prepare: token("access_token"), path: "/auth/revoke",
			judge: func(t *testing.T, n *node, _ answer, pairs []string) {
				n.get("/me", pairs[1]).want(401, "invalid_token")
			},
		},
		"introspect a revoked token": {
			prepare: func(n *node) []string {
				got := n.login()
				n.form("/auth/revoke", "token", got.str("access_token")).want(200)
				return []string{"token", got.str("access_token"), "client_id", "first-party"}
			},
			path: "/auth/introspect",
			judge: func(t *testing.T, _ *node, a answer, _ []string) {
				if a.body["active"] != false {
					t.Errorf("a revoked token is active: %s", a.text)
				}
			},
		},
		"introspect a live token": {
			prepare: func(n *node) []string { return append(token("access_token")(n), "client_id", "first-party") },
			path:    "/auth/introspect",
			judge: func(t *testing.T, _ *node, a answer, _ []string) {
				if a.body["active"] != true {
					t.Errorf("a live token is inactive: %s", a.text)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachFault(t, func(t *testing.T, f *storetest.Faults) (func(context.Context) answer, func(storetest.Injection, answer)) {
				n := start(t, func(s *setup) { s.store, s.core.RefreshGrace = f, -1 })
				pairs := fl.prepare(n)
				send := func(ctx context.Context) answer {
					return n.doCtx(ctx, "POST", fl.path, strings.NewReader(encode(pairs)), "Content-Type", "application/x-www-form-urlencoded")
				}
				return send, func(in storetest.Injection, a answer) {
					switch {
					case in.Fault == storetest.StaleRead: // a store that lies about reads cannot be caught by reading
					case a.status == 200:
						fl.judge(t, n, a, pairs)
					case a.status >= 500 && a.str("access_token") == "":
					case name == "refresh with an old token" && a.str("error") == "invalid_grant":
					default:
						t.Errorf("%v: answer is %d %s", in, a.status, a.text)
					}
				}
			})
		})
	}
}

// eachFault sends one request under each fault of each of its store calls. judge sees the answer when all is well again.
func eachFault(t *testing.T, stage func(t *testing.T, f *storetest.Faults) (send func(context.Context) answer,
	judge func(in storetest.Injection, a answer))) {
	open := func(*testing.T) record.Backend { return mem.New() }
	storetest.EachFault(t, open, func(t *testing.T, f *storetest.Faults) storetest.Flow {
		send, judge := stage(t, f)
		var a answer
		return storetest.Flow{
			Act:   func(ctx context.Context) error { a = send(ctx); return nil },
			Check: func(in storetest.Injection, _ error) { judge(in, a) },
		}
	})
}

// A24, the middleware: in strict mode, with a feed that was never read, and for a new API key, a store that fails lets
// nobody in, revoked or not, and says 503.
func TestA24MiddlewareFailures(t *testing.T) {
	for name, strict := range map[string]bool{"strict": true, "first token of a tenant": false} {
		for _, revoked := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				eachFault(t, func(t *testing.T, f *storetest.Faults) (func(context.Context) answer, func(storetest.Injection, answer)) {
					clk := clock.Noon()
					maker := start(t, func(s *setup) { s.store, s.clock = f, clk })
					got := maker.login()
					n := start(t, func(s *setup) { s.store, s.clock, s.api.Strict = f, clk, strict })
					if revoked {
						maker.form("/auth/revoke", "token", got.str("refresh_token")).want(200)
					}
					send := func(ctx context.Context) answer {
						return n.doCtx(ctx, "GET", "/me", nil, bearer(got.str("access_token"))...)
					}
					return send, func(in storetest.Injection, a answer) {
						switch {
						case in.Fault == storetest.StaleRead:
						case in.Fault == 0 && (a.status == 200) == revoked:
							t.Errorf("answer is %d", a.status)
						case in.Fault != 0 && a.status != 503:
							t.Errorf("%v: answer is %d", in, a.status)
						}
					}
				})
			})
		}
	}
	t.Run("API key", func(t *testing.T) {
		eachFault(t, func(t *testing.T, f *storetest.Faults) (func(context.Context) answer, func(storetest.Injection, answer)) {
			n := start(t, func(s *setup) { s.store = f })
			_, key := n.key(t.Context(), n.user(t.Context(), ann).ID, "read")
			send := func(ctx context.Context) answer { return n.doCtx(ctx, "GET", "/me", nil, bearer(key)...) }
			return send, func(in storetest.Injection, a answer) {
				if in.Fault != 0 && in.Fault != storetest.StaleRead && a.status != 503 {
					t.Errorf("%v: answer is %d", in, a.status)
				}
			}
		})
	})
}

// A24, the feed: when it cannot be read any more, tokens are refused after three intervals.
func TestA24FeedDown(t *testing.T) {
	f := storetest.Faulty(mem.New())
	n := start(t, func(s *setup) { s.store = f })
	token := n.login().str("access_token")
	n.get("/me", token).want(200)
	f.FailAll(storetest.Fail)
	if err := n.auth.RunJobs(t.Context()); err == nil {
		t.Error("a failing feed is no error")
	}
	n.get("/me", token).want(200)
	n.clock.Advance(7e9)
	n.get("/me", token).want(503, string(core.CodeUnavailable))
	f.Clear()
	n.get("/me", token).want(200)
}
