package apiauth_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// What a dropped key has signed is refused at once on this node, and on the other with its next poll; everybody goes on with
// tokens of the next key.
func TestDropKey(t *testing.T) {
	a, b := cluster(t, nil)
	got := a.login()
	stolen := got.str("access_token")
	a.get("/me", stolen).want(200)
	b.get("/me", stolen).want(200)
	a.must(a.api.DropKey(t.Context(), kid(t, stolen)))
	a.get("/me", stolen).want(401, "invalid_token")
	if kids := a.kids(); len(kids) != 1 || kids[0] == kid(t, stolen) {
		t.Errorf("published are %v, and %s was dropped", kids, kid(t, stolen))
	}
	got = a.refresh(got.str("refresh_token")).want(200)
	fresh := got.str("access_token")
	for _, n := range []*node{a, b} {
		n.get("/me", fresh).want(200) // at once, on the other node too
	}
	a.clock.Advance(2 * time.Second)
	b.poll()
	b.get("/me", stolen).want(401, "invalid_token")
	b.form("/auth/introspect", "token", stolen).want(401)
	b.get("/me", b.refresh(got.str("refresh_token")).want(200).str("access_token")).want(200)
	if err := a.api.DropKey(t.Context(), kid(t, stolen)); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("dropped again: %v", err)
	}
}

// A node whose background work does not run, or whose store is down, takes no dropped key for longer than revoked tokens.
func TestDroppedKeyIsBounded(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	faults := storetest.Faulty(store.Again())
	a := start(t, func(s *setup) { s.store, s.clock = store, c })
	b := start(t, func(s *setup) { s.store, s.clock = faults, c })
	stolen := a.login().str("access_token")
	b.get("/me", stolen).want(200)
	a.must(a.api.DropKey(t.Context(), kid(t, stolen)))
	c.Advance(6*time.Second + time.Millisecond)
	faults.FailMethod(storetest.Get, "signing_keys", storetest.Fail)
	b.get("/me", stolen).want(503)
	faults.Clear()
	b.get("/me", stolen).want(401, "invalid_token")
}

// A node that dropped a key and could not read what is left judges nothing by the old set.
func TestDropKeyWhenTheStoreFails(t *testing.T) {
	faults := storetest.Faulty(mem.New())
	n := start(t, func(s *setup) { s.store = faults })
	stolen := n.login().str("access_token")
	n.get("/me", stolen).want(200)
	faults.Clear()
	committed := false
	faults.FailWhen(func(c storetest.Call) bool {
		keys := slices.Contains(c.Kinds, "signing_keys")
		committed = committed || keys && c.Method == storetest.Commit
		return committed && keys && c.Method == storetest.Get
	}, storetest.Fail)
	if err := n.api.DropKey(t.Context(), kid(t, stolen)); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("DropKey: %v", err)
	}
	n.get("/me", stolen).want(503)
	faults.Clear()
	n.get("/me", stolen).want(401, "invalid_token")
}

// With a Wake the others hear of it at once, and no poll is needed.
func TestDroppedKeyIsAnnounced(t *testing.T) {
	a, b := awake(t, newBus())
	got := a.login()
	for range 3 { // the first time it may be that a node has only just begun to work
		stolen := got.str("access_token")
		b.get("/me", stolen).want(200)
		a.must(a.api.DropKey(t.Context(), kid(t, stolen)))
		eventually(t, "the key is gone on the other node", func() bool { return b.get("/me", stolen).status == 401 })
		got = a.refresh(got.str("refresh_token")).want(200)
	}
}

// Whichever key is dropped, one that is to stay signs afterwards: never one that is being retired.
func TestDropKeyWhileKeysChange(t *testing.T) {
	drop := func(n *node, id string) {
		t.Helper()
		n.must(n.api.DropKey(t.Context(), id))
	}
	for name, which := range map[string]int{"the one that signs": 0, "the one that waits": 1} {
		t.Run(name, func(t *testing.T) {
			n := start(t, nil)
			got := n.login()
			n.must(n.api.RotateKeys(t.Context()))
			before := n.kids()
			drop(n, before[which])
			got = n.refresh(got.str("refresh_token")).want(200)
			signs, left := kid(t, got.str("access_token")), n.kids()
			if slices.Contains(left, before[which]) || !slices.Contains(left, signs) || signs == before[0] {
				t.Errorf("%s was dropped of %v: %v are left, %s signs", before[which], before, left, signs)
			}
			n.clock.Advance(time.Hour)
			n.poll()
			got = n.refresh(got.str("refresh_token")).want(200)
			if now := kid(t, got.str("access_token")); now != signs {
				t.Errorf("an hour later %s signs, not %s", now, signs)
			}
			n.get("/me", got.str("access_token")).want(200)
		})
	}
	n := start(t, nil) // and one that was replaced already
	old := n.kids()[0]
	n.must(n.api.RotateKeys(t.Context()))
	n.clock.Advance(11 * time.Minute)
	got := n.login()
	drop(n, old)
	n.get("/me", got.str("access_token")).want(200)
	if left := n.kids(); len(left) != 1 || left[0] != kid(t, got.str("access_token")) {
		t.Errorf("left are %v", left)
	}
}

// Of many who drop a key one does, and one key takes its place.
func TestDropKeyAtOnce(t *testing.T) {
	a, b := cluster(t, nil)
	old := a.kids()[0]
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = []*node{a, b}[i%2].api.DropKey(t.Context(), old) })
	}
	all.Wait()
	dropped := 0
	for _, err := range errs {
		switch {
		case err == nil:
			dropped++
		case !errors.Is(err, core.ErrNotFound):
			t.Error(err)
		}
	}
	a.poll()
	if left := a.kids(); dropped != 1 || len(left) != 1 || left[0] == old {
		t.Errorf("dropped %d times, left are %v", dropped, left)
	}
}
