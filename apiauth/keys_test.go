package apiauth_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// kids returns the ids of the published keys.
func (n *node) kids() []string {
	n.t.Helper()
	var out []string
	for _, k := range n.do("GET", "/auth/jwks.json", nil).want(200).body["keys"].([]any) {
		out = append(out, k.(map[string]any)["kid"].(string))
	}
	return out
}

func kid(t testing.TB, token string) string { t.Helper(); return segment(t, token, 0)["kid"].(string) }

// A new key is published before it signs, and the old one stays until its last token has expired.
func TestRotationOverlaps(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	old := kid(t, got.str("access_token"))
	n.must(n.api.RotateKeys(t.Context()))
	n.must(n.api.RotateKeys(t.Context())) // one is on its way already
	if all := n.kids(); len(all) != 2 {
		t.Fatalf("published are %v", all)
	}
	got = n.refresh(got.str("refresh_token")).want(200)
	if kid(t, got.str("access_token")) != old {
		t.Error("the new key signs before others can know it")
	}
	n.clock.Advance(9*time.Minute + 59*time.Second)
	got = n.refresh(got.str("refresh_token")).want(200)
	last := got.str("access_token")
	if kid(t, last) != old {
		t.Error("the new key signs too soon")
	}
	n.clock.Advance(time.Second)
	got = n.refresh(got.str("refresh_token")).want(200)
	if kid(t, got.str("access_token")) == old {
		t.Error("the old key signs on")
	}
	n.clock.Advance(9 * time.Minute)
	n.get("/me", last).want(200)
	n.clock.Advance(15 * time.Minute)
	n.poll()
	if all := n.kids(); len(all) != 1 || all[0] == old {
		t.Errorf("published are %v, the old one being %s", all, old)
	}
}

func TestKeysAreReplacedInTime(t *testing.T) {
	n := start(t, func(s *setup) { s.api.RotateEvery = 24 * time.Hour })
	old := n.kids()[0]
	n.clock.Advance(23 * time.Hour)
	n.poll()
	if len(n.kids()) != 1 {
		t.Fatal("the key was replaced too soon")
	}
	n.clock.Advance(50 * time.Minute)
	n.poll()
	n.clock.Advance(10 * time.Minute)
	if now := kid(t, n.login().str("access_token")); now == old {
		t.Error("the key was not replaced")
	}
}

// Nodes that start at once over an empty store agree on one key; others learn of a new one by meeting its tokens.
func TestNodesAgreeOnKeys(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	nodes := make([]*node, 8)
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() { nodes[i] = start(t, func(s *setup) { s.store, s.clock = store.Again(), c }) })
	}
	all.Wait()
	got := nodes[0].login()
	for _, n := range nodes {
		if kids := n.kids(); len(kids) != 1 || kids[0] != kid(t, got.str("access_token")) {
			t.Errorf("a node publishes %v", kids)
		}
		n.get("/me", got.str("access_token")).want(200)
	}
	n := nodes[0]
	n.must(n.api.RotateKeys(t.Context()))
	c.Advance(10 * time.Minute)
	fresh := n.refresh(got.str("refresh_token")).want(200).str("access_token")
	if kid(t, fresh) == kid(t, got.str("access_token")) {
		t.Fatal("the new key does not sign")
	}
	for _, n := range nodes {
		n.get("/me", fresh).want(200)
	}
}

// Another algorithm means a new key; tokens of the old one stay good.
func TestAlgorithmCanChange(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	with := func(alg string) func(*setup) {
		return func(s *setup) { s.store, s.clock, s.api.Alg = store.Again(), c, alg }
	}
	before := start(t, with("HS256"))
	got := before.login()
	if len(before.kids()) != 0 {
		t.Fatal("a symmetric key is published")
	}
	if m := before.do("GET", "/.well-known/oauth-authorization-server", nil); m.body["jwks_uri"] != nil {
		t.Error("metadata names a key set in which there is nothing")
	}
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		n := start(t, with(alg))
		n.get("/me", got.str("access_token")).want(200)
		c.Advance(10 * time.Minute)
		got = n.refresh(got.str("refresh_token")).want(200)
		if h := segment(t, got.str("access_token"), 0); h["alg"] != alg {
			t.Errorf("the token is signed with %v, want %s", h["alg"], alg)
		}
		n.get("/me", got.str("access_token")).want(200)
	}
}

// Master secrets can be replaced while tokens live; a wrong one fails at start.
func TestReseal(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	next := []byte("fedcba9876543210-another-master-secret-of-tests")
	with := func(current []byte, old ...[]byte) func(*setup) {
		return func(s *setup) {
			keys, err := seal.New(rand.Reader, current, old...)
			if err != nil {
				t.Fatal(err)
			}
			s.store, s.clock, s.core.Secrets = store.Again(), c, keys
		}
	}
	got := start(t, with(master)).login()
	both := start(t, with(next, master))
	both.must(both.auth.Reseal(context.Background()))
	both.must(both.api.Reseal(context.Background()))
	both.must(both.api.Reseal(context.Background()))
	start(t, with(next)).get("/me", got.str("access_token")).want(200)
	if _, err := tryStart(t, with(master)); err == nil || !strings.Contains(err.Error(), "master secrets") {
		t.Errorf("with a wrong master secret: %v", err)
	}
}
