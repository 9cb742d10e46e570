package webauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
	"github.com/oneauth-go/oneauth/webauth"
)

// cached remembers sessions for 30 seconds.
func cached(s *settings) {
	c, err := webauth.NewSessionCache(30 * time.Second)
	if err != nil {
		panic(err)
	}
	s.core.Features, s.web.Sessions = append(s.core.Features, c.Feature()), c
}

// guarded asks a route of the application with a cookie and returns the status.
func (a *app) guarded(value string) int {
	return serve(a.web.RequireSession(whoami), "GET", nil, value).Code
}

func TestSessionCacheSparesTheStore(t *testing.T) {
	store := storetest.Faulty(mem.New())
	a := newAppOn(t, store, cached)
	value, id := a.signUp(ann)
	calls := func(ask func()) int {
		store.Clear()
		ask()
		return len(store.Calls())
	}
	ask := func() {
		w := serve(a.web.RequireSession(whoami), "GET", nil, value)
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), id+" session") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if calls(ask) == 0 || calls(ask) != 0 {
		t.Error("the second request asks the store, or the first does not")
	}
	a.clock.Advance(29 * time.Second)
	if calls(ask) != 0 {
		t.Error("within the time the store is asked")
	}
	a.clock.Advance(time.Second)
	if calls(ask) == 0 {
		t.Error("after the time the store is not asked")
	}
	a.clock.Advance(-time.Hour)
	if calls(ask) == 0 {
		t.Error("a clock that was set back prolongs what is remembered")
	}
	if calls(func() { a.do(call{method: "GET", path: "/session", cookies: with(value)}).want(200) }) == 0 {
		t.Error("an endpoint of the account does not ask the store")
	}
	for _, other := range []string{value[:len(value)-1] + "A", value[:40], value + "A"} {
		if other != value && a.guarded(other) != 401 {
			t.Errorf("%q is somebody", other)
		}
	}
	foreign := http.Header{"Origin": {"https://evil.example"}}
	if w := serve(a.web.RequireSession(whoami), "POST", foreign, value); w.Code != 403 {
		t.Errorf("a foreign page's request: %d", w.Code)
	}
}

// Whatever ends a session, or renews its secret, counts at once on the node where it happened.
func TestSessionCacheForgetsAtOnce(t *testing.T) {
	for name, end := range map[string]func(a *app, value, userID string){
		"logout": func(a *app, value, _ string) {
			a.do(call{method: "POST", path: "/logout", cookies: with(value)}, sameOrigin).want(204)
		},
		"ended from another device": func(a *app, _, _ string) {
			a.do(call{method: "POST", path: "/sessions/end-others", cookies: with(a.login(ann, goodPass).signedIn())}, sameOrigin).want(204)
		},
		"new password": func(a *app, value, _ string) {
			a.do(call{method: "POST", path: "/password/change", json: obj{"current": goodPass, "password": newPass}, cookies: with(value)}, sameOrigin).want(204)
		},
		"proved again": func(a *app, value, _ string) {
			a.do(call{method: "POST", path: "/reauth", json: obj{"password": goodPass}, cookies: with(value)}, sameOrigin).want(204)
		},
		"reset": func(a *app, _, _ string) {
			a.do(call{method: "POST", path: "/password/reset", json: obj{"token": a.forgot(ann), "password": newPass}}).want(204)
		},
		"disabled": func(a *app, _, id string) {
			if err := a.auth.Users().Disable(a.t.Context(), id, ""); err != nil {
				a.t.Fatal(err)
			}
		},
		"revoked": func(a *app, _, id string) {
			if err := a.auth.Users().RevokeAll(a.t.Context(), id); err != nil {
				a.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, cached)
			a.t = t
			value, id := a.signUp(ann)
			bob, _ := a.signUp("bob@example.com")
			for _, cookie := range []string{value, value, bob} {
				if a.guarded(cookie) != 200 {
					t.Fatal("not signed in")
				}
			}
			end(a, value, id)
			if got := a.guarded(value); got != 401 {
				t.Errorf("the session is still good: %d", got)
			}
			if a.guarded(bob) != 200 {
				t.Error("somebody else is signed out")
			}
		})
	}
}

// What another node has ended is served no longer than stated, and an expired session not at all.
func TestSessionCacheLagsNoLongerThanStated(t *testing.T) {
	data := mem.New()
	here, there := newAppOn(t, data, cached), newAppOn(t, data.Again())
	there.clock = here.clock
	value, id := here.signUp(ann)
	if here.guarded(value) != 200 {
		t.Fatal("not signed in")
	}
	if err := there.auth.Users().RevokeAll(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	here.clock.Advance(30*time.Second - time.Millisecond)
	before := here.guarded(value)
	here.clock.Advance(time.Millisecond)
	if after := here.guarded(value); after != 401 {
		t.Errorf("after the stated time: %d (before: %d)", after, before)
	}

	short := newApp(t, cached, func(s *settings) { s.core.Sessions.Idle, s.core.Sessions.Absolute = 10*time.Second, 10*time.Second })
	value, _ = short.signUp(ann)
	if short.guarded(value) != 200 {
		t.Fatal("not signed in")
	}
	short.clock.Advance(10 * time.Second)
	if got := short.guarded(value); got != 401 {
		t.Errorf("an expired session: %d", got)
	}
}

// One tenant's cookie is nobody's in another, remembered or not (A29).
func TestSessionCacheOfTenants(t *testing.T) {
	a := newApp(t, cached, func(s *settings) {
		s.core.MultiTenant = true
		s.web.Entry.Tenant = func(r *http.Request) (string, error) { return r.Header.Get("X-Tenant"), nil }
	})
	value := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}, header: header("X-Tenant", "acme")}).want(201).signedIn()
	for range 2 {
		for tenant, want := range map[string]int{"acme": 200, "globex": 401} {
			if w := serve(a.web.RequireSession(whoami), "GET", header("X-Tenant", tenant), value); w.Code != want {
				t.Errorf("%s: %d", tenant, w.Code)
			}
		}
	}
}

// A session that ends while the store is being asked is not remembered: once its end is told, no request passes.
func TestSessionCacheKeepsNoAnswerFromBefore(t *testing.T) {
	a := newApp(t, cached)
	for i := range 50 {
		value, _ := a.signUp(fmt.Sprintf("ann%d@example.com", i))
		var ended atomic.Bool
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 50 {
					over := ended.Load()
					if code := a.guarded(value); over && code != 401 {
						t.Errorf("after its end: %d", code)
						return
					}
				}
			})
		}
		wait.Go(func() {
			if err := a.auth.SignOut(t.Context(), value); err != nil {
				t.Error(err)
			}
			ended.Store(true)
		})
		wait.Wait()
	}
}

func TestSessionCacheIsChecked(t *testing.T) {
	for _, bad := range []time.Duration{0, -time.Second, time.Minute + 1} {
		if _, err := webauth.NewSessionCache(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	c, err := webauth.NewSessionCache(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := webauth.New(newApp(t).auth, webauth.Options{Sessions: c}); err == nil || !strings.Contains(err.Error(), "Feature") {
		t.Errorf("a cache that hears of nothing: %v", err)
	}
}

// BenchmarkRequireSession is a route of the application behind the session middleware, on a file store.
func BenchmarkRequireSession(b *testing.B) {
	for name, with := range map[string]func(*settings){"file": func(*settings) {}, "cached": cached} {
		b.Run(name, func(b *testing.B) {
			store, err := file.Open(filepath.Join(b.TempDir(), "bench.db"), file.Options{NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			a := newAppOn(b, store, with, func(s *settings) { s.core.Env = core.Env{Now: time.Now} })
			value, _ := a.signUp(ann)
			called := 0
			h := a.web.RequireSession(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
			r, w := httptest.NewRequest("GET", "/app", nil), httptest.NewRecorder()
			r.AddCookie(&http.Cookie{Name: cookie, Value: value})
			b.ReportAllocs()
			for b.Loop() {
				clear(w.Header())
				h.ServeHTTP(w, r)
			}
			if called == 0 {
				b.Fatal("the request was refused")
			}
		})
	}
}
