package storeproof

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

const (
	workers   = 8
	linksEach = 16 // reset links that all race for between two kills
	recoverIn = 5 * time.Second
)

// Killed kills the server that an application keeps its data on, in the midst of requests, STORETEST_KILLS times (default
// 3), and starts it again. A request is answered by what it asked for or by 503. What was acknowledged is so afterwards:
// accounts, sessions and keys are there, and those that have ended are not back; a refresh token that was used and a link
// that was redeemed are of no use; no link was redeemed twice. Within five seconds of the start there is new work done.
// Then it does the same to a kernel: see [storetest.Killed]. open opens the data set, as a process of its own does.
func Killed(t *testing.T, server storetest.Server, open func() (record.Backend, error)) {
	t.Helper()
	t.Run("application", func(t *testing.T) {
		h := storetest.Harness{Open: open}
		watch := start(t, opened(t, h), "")
		u := &usage{app: start(t, opened(t, h), ""), redeemed: map[link]int{}}
		u.mail(watch, 0)
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for g := range workers {
			load.Go(func() { u.work(ctx, g) })
		}
		var slowest time.Duration
		for round := range times("STORETEST_KILLS", 3) {
			at := u.acked.Load()
			parts.Until(t, "the load goes on", func() bool { return u.acked.Load() > at+int64(workers*(1+round%7)) })
			server.Kill()
			server.Start()
			began, mark := time.Now(), u.acked.Load()
			parts.Until(t, "the load goes on after a restart", func() bool { return u.acked.Load() > mark })
			slowest = max(slowest, time.Since(began))
			u.pause.Lock() // one looks slower than eight work
			u.check(watch)
			u.mail(watch, round+1)
			u.pause.Unlock()
		}
		stop()
		load.Wait()
		u.check(watch)
		t.Logf("%d kills, %d requests acknowledged, %d answered by 503, %d links redeemed, slowest recovery %v",
			times("STORETEST_KILLS", 3), u.acked.Load(), u.failed.Load(), u.links, slowest)
		if slowest > recoverIn {
			t.Errorf("recovery took %v, want at most %v", slowest, recoverIn)
		}
		if u.links == 0 {
			t.Error("no link was redeemed")
		}
	})
	t.Run("records", func(t *testing.T) { storetest.Killed(t, server, open) })
}

// usage is what people do while the server is killed, and what they were told has been done.
type usage struct {
	*app
	acked, failed atomic.Int64
	pause         sync.RWMutex // held by who works

	mailed []link // the links of the round
	asked  int    // how often another process tried whether it is answered

	mu       sync.Mutex
	deeds    []deed
	strange  []string     // answers that nobody should get
	redeemed map[link]int // how often each was
	links    int          // that were redeemed in all
}

// link resets the password of somebody.
type link struct{ email, token string }

// deed is something that was acknowledged, and how another process sees that it is so.
type deed struct {
	what  string
	holds func(a *app) bool
}

// work lives one life after the other, and tries a link after each.
func (u *usage) work(ctx context.Context, g int) {
	for n := g; ctx.Err() == nil; n += workers {
		u.pause.RLock()
		u.live(n)
		u.redeem(u.mailed[n/workers%len(u.mailed)], fmt.Sprintf("%s, says %d", newPassword, g))
		u.pause.RUnlock()
	}
}

// live makes an account and uses it in one of four ways.
func (u *usage) live(n int) {
	email := numbered("life", n)
	joined := u.post("/signup", signUpOf(email))
	cookie := withCookie(joined.cookie)
	if !u.did("sign up "+email, 201, joined, signsIn(email, goodPassword)) {
		return
	}
	switch n % 4 {
	case 0:
		u.did("sign out", 204, u.post("/logout", nil, cookie), answers(401, cookie))
		return
	case 1:
		key := u.post("/keys", keyOf, cookie)
		u.did("make a key", 201, key, answers(204, bearer(key.str("key"))))
	case 2:
		key := u.post("/keys", keyOf, cookie)
		if u.did("make a key", 201, key, nil) {
			u.did("revoke a key", 204, u.post("/keys/"+key.str("id")+"/revoke", nil, cookie), answers(401, bearer(key.str("key"))))
		}
	case 3:
		first := u.post("/api/login", signInOf(email))
		if !u.did("sign a program in", 200, first, nil) {
			return
		}
		used := refreshOf(first.str("refresh_token"))
		next := u.post("/token", used)
		u.did("refresh", 200, next, func(a *app) bool {
			return a.post("/token", refreshOf(next.str("refresh_token"))).code == 200 && a.post("/token", used).code == 400
		})
	}
	u.did("stay signed in", 204, send(u.guarded, "GET", "/", nil, cookie), answers(204, cookie))
}

func signsIn(email, password string) func(*app) bool {
	return func(a *app) bool {
		return a.post("/login", object{"identifier": email, "password": password}).code == 200
	}
}

func answers(code int, with edit) func(*app) bool {
	return func(a *app) bool { return a.opens(with) == code }
}

// did notes the answer to a request, and reports whether it was done.
func (u *usage) did(what string, code int, got answer, holds func(*app) bool) bool {
	switch got.code {
	case code:
		u.acked.Add(1)
		if holds != nil {
			u.mu.Lock()
			u.deeds = append(u.deeds, deed{what, holds})
			u.mu.Unlock()
		}
		return true
	case 503:
		u.failed.Add(1)
	default:
		u.mu.Lock()
		u.strange = append(u.strange, fmt.Sprintf("%s: %d %s", what, got.code, got.text))
		u.mu.Unlock()
	}
	return false
}

// redeem sets a password by a link that others try at the same time.
func (u *usage) redeem(l link, password string) {
	got := u.reset(l, password)
	if got.code == 400 {
		return
	}
	if u.did("redeem the link of "+l.email, 204, got, signsIn(l.email, password)) {
		u.mu.Lock()
		u.redeemed[l]++
		u.mu.Unlock()
	}
}

func (a *app) reset(l link, password string) answer {
	return a.post("/password/reset", object{"token": l.token, "password": password})
}

// mail makes the links of a round.
func (u *usage) mail(watch *app, round int) {
	watch.t.Helper()
	var all []link
	for i := range linksEach {
		email := numbered(fmt.Sprintf("linked%d.", round), i)
		watch.person(email)
		all = append(all, link{email, watch.resetLink(email)})
	}
	u.mailed = all
}

// check looks through another process at what was acknowledged since the last time, once that process is answered too.
func (u *usage) check(watch *app) {
	watch.t.Helper()
	parts.Until(watch.t, "another process is answered", func() bool {
		u.asked++
		return watch.post("/signup", signUpOf(numbered("asked", u.asked))).code == 201
	})
	u.mu.Lock()
	deeds, strange, redeemed := u.deeds, u.strange, u.redeemed
	u.deeds, u.strange, u.redeemed = nil, nil, map[link]int{}
	u.links += len(redeemed)
	u.mu.Unlock()
	for _, d := range deeds {
		if !d.holds(watch) {
			watch.t.Errorf("%s: acknowledged, and after a crash it is not so", d.what)
		}
	}
	for _, answer := range strange {
		watch.t.Errorf("%s, want what was asked for or 503", answer)
	}
	for l, n := range redeemed {
		if again := watch.reset(l, newPassword); n != 1 || again.code != 400 {
			watch.t.Errorf("the link of %s was redeemed %d times, and is now answered by %d %s", l.email, n, again.code, again.text)
		}
	}
}
