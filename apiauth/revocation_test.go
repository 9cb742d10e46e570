package apiauth_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// cluster starts two nodes over one store with one clock.
func cluster(t *testing.T, with func(*setup)) (a, b *node) {
	t.Helper()
	store, c := mem.New(), clock.Noon()
	next := store.Again
	begin := func(s *setup) {
		s.store, s.clock = next(), c
		if with != nil {
			with(s)
		}
	}
	return start(t, begin), start(t, begin)
}

// Whatever ends a session ends its access tokens on this node at once.
func TestEndedSessionsRevokeTheirTokens(t *testing.T) {
	for name, end := range map[string]func(n *node, userID, sessionID string) error{
		"session ended": func(n *node, userID, sessionID string) error {
			return n.auth.EndSession(context.Background(), userID, sessionID, "test")
		},
		"others ended": func(n *node, userID, _ string) error {
			return n.auth.EndOtherSessions(context.Background(), userID, "")
		},
		"account disabled": func(n *node, userID, _ string) error {
			return n.auth.Users().Disable(context.Background(), userID, "test")
		},
		"all revoked": func(n *node, userID, _ string) error { return n.auth.Users().RevokeAll(context.Background(), userID) },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, nil)
			got := n.login()
			token := got.str("access_token")
			n.get("/me", token).want(200)
			n.must(end(n, segment(t, token, 1)["sub"].(string), got.str("session_id")))
			n.get("/me", token).want(401, "invalid_token")
			n.refresh(got.str("refresh_token")).want(400, "invalid_grant")
		})
	}
}

// Revoking an access token ends it alone: not its session, and not the next token.
func TestRevokeAccessToken(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	for range 2 {
		n.form("/auth/revoke", "token", got.str("access_token")).want(200)
	}
	n.get("/me", got.str("access_token")).want(401, "invalid_token")
	next := n.refresh(got.str("refresh_token")).want(200)
	n.get("/me", next.str("access_token")).want(200)
}

// RFC 7009 section 2.2: what is no token, or somebody else's, is 200 and nothing happens.
func TestRevokeLeavesOthersAlone(t *testing.T) {
	n := start(t, nil)
	u := n.user(t.Context(), bob)
	shop, got := n.granted(u.ID, "shop", shopSecret), n.login()
	for _, token := range []string{
		"nonsense", "a.b.c", "ort_x", "oak_x", shop.str("access_token"), shop.str("refresh_token"), got.str("access_token") + "x",
	} {
		n.form("/auth/revoke", "token", token).want(200)
	}
	n.form("/auth/revoke", "token", shop.str("refresh_token"), "client_id", "shop").want(401, "invalid_client")
	n.form("/auth/revoke").want(400, "invalid_request")
	n.get("/me", got.str("access_token")).want(200)
	told := n.formWith(basic("shop", shopSecret), "/auth/introspect", "token", shop.str("access_token")).want(200)
	if told.body["active"] != true {
		t.Error("another client revoked the token")
	}
	n.form("/auth/token", "grant_type", "refresh_token", "refresh_token", shop.str("refresh_token"), "client_id", "shop",
		"client_secret", shopSecret).want(200)
}

func TestRevocationReachesOtherNodes(t *testing.T) {
	a, b := cluster(t, nil)
	got := a.login()
	one, two := got.str("access_token"), a.refresh(got.str("refresh_token")).want(200).str("access_token")
	for _, token := range []string{one, two} {
		b.get("/me", token).want(200)
	}
	a.form("/auth/revoke", "token", one).want(200)
	b.get("/me", one).want(200) // within the stated interval
	a.clock.Advance(2 * time.Second)
	b.poll()
	b.get("/me", one).want(401, "invalid_token")
	b.get("/me", two).want(200)
	a.form("/auth/revoke", "token", got.str("refresh_token")).want(200)
	a.clock.Advance(2 * time.Second)
	b.poll()
	b.get("/me", two).want(401, "invalid_token")
}

// When the jobs of a node do not run, it asks the store instead: three intervals are the bound.
func TestStaleFeedAsksTheStore(t *testing.T) {
	a, b := cluster(t, nil)
	got := a.login()
	token, second := got.str("access_token"), a.refresh(got.str("refresh_token")).want(200).str("access_token")
	b.get("/me", token).want(200)
	a.clock.Advance(6*time.Second + time.Millisecond)
	a.form("/auth/revoke", "token", token).want(200)
	b.get("/me", token).want(401, "invalid_token")
	b.get("/me", second).want(200)
	a.form("/auth/revoke", "token", got.str("refresh_token")).want(200)
	b.get("/me", second).want(401, "invalid_token")
}

// With Strict another node's revocation counts at once.
func TestStrict(t *testing.T) {
	a, b := cluster(t, func(s *setup) { s.api.Strict = true })
	got := a.login()
	token := got.str("access_token")
	b.get("/me", token).want(200)
	a.form("/auth/revoke", "token", got.str("refresh_token")).want(200)
	b.get("/me", token).want(401, "invalid_token")
}

// A commit can become visible after polls that were later than its time. Polls overlap, so it is found all the same.
func TestLateCommitIsFound(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	faults := storetest.Faulty(store)
	a := start(t, func(s *setup) { s.store, s.clock = faults, c })
	b := start(t, func(s *setup) { s.store, s.clock = store.Again(), c })
	token := a.login().str("access_token")
	b.get("/me", token).want(200)

	faults.FailMethod(storetest.Commit, "revocation", storetest.ErrorBeforeCommit)
	faults.FailMethod(storetest.Get, "revocation", storetest.Fail)
	a.form("/auth/revoke", "token", token).want(503)
	late := record.Record{Key: record.Key{Tenant: "default", Kind: "revocation", ID: segment(t, token, 1)["jti"].(string)}}
	made := c.Now()
	for range 40 {
		c.Advance(2 * time.Second)
		b.poll()
	}
	b.get("/me", token).want(200)
	n := start(t, func(s *setup) { // the commit arrives 80 seconds late
		s.store, s.clock = store.Again(), clock.At(made)
	})
	n.form("/auth/revoke", "token", token).want(200)
	if rows, err := store.Get(t.Context(), late.Key); err != nil || len(rows) != 1 {
		t.Fatalf("%d revocations, %v", len(rows), err)
	}
	c.Advance(2 * time.Second)
	b.poll()
	b.get("/me", token).want(401, "invalid_token")
}

// Revocations that nobody needs any more are forgotten, in the store and in memory.
func TestRevocationsExpire(t *testing.T) {
	store := mem.New()
	n := start(t, func(s *setup) { s.store = store })
	got := n.login()
	n.form("/auth/revoke", "token", got.str("refresh_token")).want(200)
	count := func() int {
		rows, err := store.Find(t.Context(), record.Query{Tenant: "default", Kind: "revocation", Limit: 10})
		n.must(err)
		return len(rows)
	}
	if count() != 1 {
		t.Fatalf("%d revocations are stored", count())
	}
	n.clock.Advance(time.Hour)
	n.poll()
	if count() != 0 {
		t.Errorf("%d revocations are stored an hour later", count())
	}
}

func tenants(s *setup) {
	s.core.MultiTenant = true
	s.api.Entry = &wire.Entry{Tenant: func(r *http.Request) (string, error) { return r.Header.Get("X-Tenant"), nil }}
}

// A tenant that was idle is forgotten and loaded again: its revocations are known all the same.
func TestIdleTenantsAreLoadedAgain(t *testing.T) {
	a, b := cluster(t, tenants)
	ctx := core.WithTenant(t.Context(), "red")
	a.user(ctx, ann)
	login := func() answer {
		return a.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}, "X-Tenant", "red").want(200)
	}
	old := login()
	b.do("GET", "/me", nil, append(bearer(old.str("access_token")), "X-Tenant", "red")...).want(200)
	a.clock.Advance(16 * time.Minute)
	b.poll()
	got := login()
	a.formWith([]string{"X-Tenant", "red"}, "/auth/revoke", "token", got.str("access_token")).want(200)
	b.do("GET", "/me", nil, append(bearer(got.str("access_token")), "X-Tenant", "red")...).want(401, "invalid_token")
}
