package credtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

const (
	recovery   = 20 * time.Second // in which a lock whose holder was killed is free again
	beforeKill = 5                // updates that a process makes at least
)

// Clients that share a place refresh once when the token has ended, however many ask.
func (s Suite) clientsRefreshOnce(t *testing.T) {
	a := serve(t, time.Minute)
	place := s.Place(t)
	store := s.open(t, place)
	session := a.signIn(t, store)
	late := client.WithClock(func() time.Time { return session.ExpiresAt })
	var all sync.WaitGroup
	for range 16 {
		c := must(client.New(a.url, client.WithStore(s.open(t, place)), late))(t)
		all.Go(func() {
			if _, err := c.TokenSource(t.Context()).Token(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := a.refreshes.Load(); n != 1 {
		t.Fatalf("%d refreshes, want 1", n)
	}
	a.wantLast(t, store, session.ID, 1)
}

// Of the updates of several processes none is lost.
func (s Suite) processesTakeTurns(t *testing.T) {
	const many, each = 3, 20
	place := s.Place(t)
	store := s.open(t, place)
	set(t, store, number(0))
	var all sync.WaitGroup
	for range many {
		w := start(t, "count", place, strconv.Itoa(each))
		all.Go(func() {
			if err := w.end(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := text(load(t, store)); got != text(number(many*each)) {
		t.Errorf("%d updates counted to %s", many*each, got)
	}
}

// Processes under load share a place, and tokens live for a second: no request fails, each expiry is one refresh, and the
// last pair is in the store.
func (s Suite) processesRefreshOnce(t *testing.T) {
	a := serve(t, shortLife)
	place := s.Place(t)
	store := s.open(t, place)
	session := a.signIn(t, store)
	began := time.Now()
	var all sync.WaitGroup
	for range processes {
		w := start(t, "call", place, a.url)
		all.Go(func() {
			if err := w.end(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	refreshes := a.refreshes.Load()
	if most := int64(took/(shortLife/2)) + 1; refreshes < 2 || refreshes > most {
		t.Errorf("%d refreshes in %v, want at most %d", refreshes, took, most)
	}
	a.wantLast(t, store, session.ID, refreshes)
}

// A process is killed (SIGKILL) in the middle of its updates, wherever that is: what it had saved is there, nothing is torn,
// and the others go on.
func (s Suite) killed(t *testing.T) {
	place := s.Place(t)
	store := s.open(t, place)
	set(t, store, number(0))
	for round := range kills() {
		w := start(t, "count", place, "1000000000")
		var last int
		began := time.Now()
		for range beforeKill {
			if !w.out.Scan() {
				t.Fatalf("round %d: %v", round, w.end())
			}
			last, _ = strconv.Atoi(w.out.Text())
		}
		time.Sleep(rand.N(time.Since(began)/beforeKill + 1)) // anywhere in an update
		last = w.kill(t, last)
		ctx, cancel := context.WithTimeout(t.Context(), recovery)
		n, err := count(ctx, store)
		cancel()
		if err != nil || n != last+1 && n != last+2 { // one may have been saved and not said
			t.Fatalf("round %d: after %d the next is %d, %v", round, last, n, err)
		}
	}
}

// A process is killed when the server has made the successor and nobody has saved it. The next one presents the refresh token
// that is in the store: the grace window gives it the same successor.
func (s Suite) killedBeforeSave(t *testing.T) {
	a := serve(t, time.Minute)
	place := s.Place(t)
	store := s.open(t, place)
	session := a.signIn(t, store)
	before := load(t, store)
	ended := *before
	ended.ExpiresAt = ended.ObtainedAt // so that the process refreshes
	set(t, store, &ended)

	reached, goOn := make(chan struct{}), make(chan struct{})
	hang := func(http.ResponseWriter) { close(reached); <-goOn }
	a.answer.Store(&hang)
	w := start(t, "refresh", place, a.url)
	<-reached
	w.kill(t, 0)
	close(goOn)

	if got := load(t, store); got.RefreshToken != before.RefreshToken {
		t.Fatal("the store has another refresh token already")
	}
	c := must(client.New(a.url, client.WithStore(s.open(t, place))))(t)
	if _, err := c.TokenSource(t.Context()).Token(); err != nil {
		t.Fatal(errors.Join(errors.New("the session did not survive"), err))
	}
	a.wantLast(t, store, session.ID, 1)
}
