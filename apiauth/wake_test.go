package apiauth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/apiauth"
)

// bus is a Wake within one process.
type bus struct {
	mu        sync.Mutex
	listeners []func(string)
	listening chan struct{} // gets one for each that listens
	announced int
	down      bool
}

func newBus() *bus { return &bus{listening: make(chan struct{}, 10)} }

func (b *bus) Announce(_ context.Context, tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.announced++
	if b.down {
		return errors.New("the bus is down")
	}
	for _, heard := range b.listeners {
		heard(tenant)
	}
	return nil
}

func (b *bus) Listen(ctx context.Context, heard func(string)) error {
	b.mu.Lock()
	b.listeners = append(b.listeners, heard)
	b.mu.Unlock()
	heard("")
	b.listening <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// awake is a cluster of two nodes whose background work runs, with a bus between them and half a minute between polls.
func awake(t *testing.T, wake *bus) (a, b *node) {
	t.Helper()
	a, b = cluster(t, func(s *setup) {
		s.api.Wake, s.api.FeedEvery, s.api.KeyCacheFor = wake, 30*time.Second, time.Minute
	})
	var running sync.WaitGroup
	for _, n := range []*node{a, b} {
		running.Go(func() {
			if err := n.auth.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
		<-wake.listening
	}
	t.Cleanup(func() {
		_, _ = a.auth.Close(), b.auth.Close()
		running.Wait()
	})
	return a, b
}

// eventually waits for something that background work brings about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("not within 20 s: " + what)
		}
	}
}

// With a Wake a revocation on one node counts on the other at once, though the clock stands still and no poll is due.
func TestWakeBringsRevocations(t *testing.T) {
	a, b := awake(t, newBus())
	got := a.login()
	token := got.str("access_token")
	u := a.user(t.Context(), ann)
	_, key := a.key(t.Context(), u.ID, "read")
	b.get("/me", token).want(200)
	b.get("/me", key).want(200)
	a.form("/auth/revoke", "token", token).want(200)
	eventually(t, "the token is bad on the other node", func() bool { return b.get("/me", token).status == 401 })
	b.get("/me", key).want(200)
	keys, err := a.auth.ListKeys(t.Context(), u.ID)
	a.must(err)
	a.must(a.auth.RevokeKey(t.Context(), u.ID, keys[0].ID))
	eventually(t, "the key is bad on the other node", func() bool { return b.get("/me", key).status == 401 })
	next := a.refresh(got.str("refresh_token")).want(200).str("access_token")
	b.get("/me", next).want(200)
	a.must(a.auth.Users().RevokeAll(t.Context(), u.ID))
	eventually(t, "the session is over on the other node", func() bool { return b.get("/me", next).status == 401 })
}

// A bus that is down hinders nothing and nobody: the polls go on.
func TestWakeDown(t *testing.T) {
	wake := newBus()
	a, b := awake(t, wake)
	token := a.login().str("access_token")
	b.get("/me", token).want(200)
	wake.mu.Lock()
	wake.down = true
	wake.mu.Unlock()
	a.form("/auth/revoke", "token", token).want(200)
	a.get("/me", token).want(401)
	eventually(t, "it was tried", func() bool { wake.mu.Lock(); defer wake.mu.Unlock(); return wake.announced > 0 })
	b.poll()
	b.get("/me", token).want(401)
}

// Many revocations at once are few announcements, and none is missed.
func TestWakeGathers(t *testing.T) {
	wake := newBus()
	a, b := awake(t, wake)
	u := a.user(t.Context(), ann)
	var tokens []string
	for range 50 {
		tokens = append(tokens, a.login().str("access_token"))
	}
	b.get("/me", tokens[0]).want(200)
	a.must(a.auth.Users().RevokeAll(t.Context(), u.ID))
	for _, token := range tokens {
		eventually(t, "every token is bad", func() bool { return b.get("/me", token).status == 401 })
	}
}

// Words of tenants that nobody asks for, and made-up ones, are nothing.
func TestWakeForged(t *testing.T) {
	wake := newBus()
	a, b := awake(t, wake)
	token := a.login().str("access_token")
	b.get("/me", token).want(200)
	for _, tenant := range []string{"", "other", "no tenant at all", "\x00"} {
		_ = wake.Announce(t.Context(), tenant)
	}
	b.get("/me", token).want(200)
}

// Without background work there is no waiting for a word that never comes.
func TestRunJobsDoesNotListen(t *testing.T) {
	n := start(t, func(s *setup) { s.api.Wake = newBus() })
	n.poll()
}

var _ apiauth.Wake = (*bus)(nil)
