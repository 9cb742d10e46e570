package apiauth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A flood of announcements, forged ones among them, makes a node look at the store twenty times in a second at most, and a
// flood of revocations is few announcements.
func TestWakeFlood(t *testing.T) {
	store, c, wake := mem.New(), clock.Noon(), newBus()
	faults := storetest.Faulty(store.Again())
	slow := func(s *setup) { s.clock, s.api.Wake, s.api.FeedEvery = c, wake, 30*time.Second }
	a := start(t, func(s *setup) { slow(s); s.store = store })
	b := start(t, func(s *setup) { slow(s); s.store = faults })
	began := time.Now()
	for _, n := range []*node{a, b} {
		done := make(chan error, 1)
		go func() { done <- n.auth.Run(t.Context()) }()
		<-wake.listening
		t.Cleanup(func() {
			_ = n.auth.Close()
			<-done
		})
	}
	got := a.login()
	token := got.str("access_token")
	b.get("/me", token).want(200)
	faults.Clear()
	for i := range 20_000 {
		_ = wake.Announce(t.Context(), []string{"", "default", fmt.Sprint("forged", i)}[i%3])
	}
	wake.mu.Lock()
	wake.announced = 0
	wake.mu.Unlock()
	last := ""
	for range 200 {
		got = a.refresh(got.str("refresh_token")).want(200)
		last = got.str("access_token")
		b.get("/me", last).want(200)
		a.form("/auth/revoke", "token", last).want(200)
	}
	eventually(t, "the last token is bad on the other node", func() bool { return b.get("/me", last).status == 401 })
	most := int(time.Since(began)/(50*time.Millisecond)) + 2
	wake.mu.Lock()
	defer wake.mu.Unlock()
	if wake.announced > most {
		t.Errorf("%d announcements, want %d at most", wake.announced, most)
	}
	looks := 0
	for _, call := range faults.Calls() {
		if call.Method == storetest.Find && call.Kinds[0] == "revocation" {
			looks++
		}
	}
	if buckets := 6; looks == 0 || looks > most*buckets {
		t.Errorf("%d reads of the feed, want %d at most", looks, most*buckets)
	}
	t.Logf("%v, %d announcements, %d reads of the feed", time.Since(began), wake.announced, looks)
}
