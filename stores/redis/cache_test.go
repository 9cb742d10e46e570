package redis_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// watched is an inner store that counts reads, and does something after one of them.
type watched struct {
	record.Backend
	reads atomic.Int64
	after atomic.Pointer[func()] // called once, between the read and its return
}

func (w *watched) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	w.reads.Add(1)
	rs, err := w.Backend.Get(ctx, keys...)
	if f := w.after.Swap(nil); f != nil {
		(*f)()
	}
	return rs, err
}

func (w *watched) afterRead(f func()) { w.after.Store(&f) }

// clock is a clock that is moved by hand.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// node is one process of an installation: a cache of its own over a store and a Redis that are shared.
type node struct {
	*redis.CachedStore
	inner *watched
	clock *clock
}

// newNode returns a node over data whose Redis is at addr.
func newNode(t *testing.T, data *mem.Store, addr string, ttl time.Duration) node {
	t.Helper()
	n := node{inner: &watched{Backend: data.Again()}, clock: &clock{}}
	client := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	var err error
	n.CachedStore, err = redis.Cache(n.inner, client, redis.CacheOptions{
		Kinds: []string{"thing", "token"}, TTL: ttl, Timeout: 2 * time.Second, Now: n.clock.Now, Log: quiet(),
	})
	must(t, err)
	prepare(t, n)
	return n
}

// owner returns the owner of thing "a", "" if there is none.
func (n node) owner(t *testing.T) string {
	t.Helper()
	rs, err := n.Get(t.Context(), thingKey("t1", "a"))
	must(t, err)
	if len(rs) == 0 {
		return ""
	}
	return rs[0].Row[0].Text()
}

func (n node) wantOwner(t *testing.T, want string) {
	t.Helper()
	if got := n.owner(t); got != want {
		t.Errorf("the owner is %q, want %q", got, want)
	}
}

func remove(id string, want int64) record.Op {
	return record.Op{Verb: record.Delete, Want: want, Record: record.Record{Key: thingKey("t1", id)}}
}

// What one node read the others find in Redis, and what one commits the others see.
func TestCache(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	a, b := newNode(t, data, server.Addr(), time.Minute), newNode(t, data, server.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	for range 5 {
		a.wantOwner(t, "x")
		b.wantOwner(t, "x")
	}
	if n := a.inner.reads.Load() + b.inner.reads.Load(); n != 1 {
		t.Errorf("the store was read %d times, want once", n)
	}
	must(t, b.Commit(t.Context(), []record.Op{put("t1", "a", "y", 2, 1)}))
	a.wantOwner(t, "y")
	b.wantOwner(t, "y")
	must(t, a.Commit(t.Context(), []record.Op{remove("a", 2)}))
	a.wantOwner(t, "")
	b.wantOwner(t, "")
}

// A reader that was slow does not put back what was overwritten or removed while it read.
func TestCacheSlowReader(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	a, b := newNode(t, data, server.Addr(), time.Minute), newNode(t, data, server.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "old", 1, 0)}))
	a.inner.afterRead(func() { must(t, b.Commit(t.Context(), []record.Op{put("t1", "a", "new", 2, 1)})) })
	a.owner(t) // began before the commit: either is right
	a.wantOwner(t, "new")
	b.wantOwner(t, "new")
	must(t, b.Commit(t.Context(), []record.Op{put("t1", "a", "newer", 3, 2)}))
	a.inner.afterRead(func() {
		must(t, b.Commit(t.Context(), []record.Op{remove("a", 3)}))
		b.wantOwner(t, "") // takes a lease of its own, and gives it back
	})
	a.owner(t)
	a.wantOwner(t, "")
	b.wantOwner(t, "")
}

// A transaction that read an old record from the cache conflicts once, and reads the new one when it runs again.
func TestCacheConflictReadsAnew(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	a := newNode(t, data, server.Addr(), time.Hour)
	db := openDB(t, a)
	must(t, issue(t.Context(), db, "a"))
	peek := func() error {
		return db.View(inTenant(t.Context()), func(tx *record.Tx) error { _, err := tokens.In(tx).Get("a"); return err })
	}
	must(t, peek())                                            // cached
	must(t, redeem(t.Context(), openDB(t, data.Again()), "a")) // behind the cache's back, as by a node that crashed at once
	runs := 0
	err := db.Update(inTenant(t.Context()), func(tx *record.Tx) error {
		runs++
		tok, err := tokens.In(tx).Get("a")
		if err != nil {
			return err
		}
		if tok.Used != 0 {
			return errUsed
		}
		tok.Used++
		return tokens.In(tx).Put(tok)
	})
	if !errors.Is(err, errUsed) || runs != 2 {
		t.Errorf("redeemed again: %v after %d runs, want %v after 2", err, runs, errUsed)
	}
}

// An error that rests on an old record from the cache is not believed, and the cache is not asked when it is confirmed.
func TestCacheDoesNotConfirmItself(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	db, errUnused := openDB(t, newNode(t, data, server.Addr(), time.Hour)), errors.New("not used")
	for name, second := range map[string]func(rows record.Rows[token]) error{
		"got":    func(rows record.Rows[token]) error { _, err := rows.Get("none"); return err },
		"peeked": func(rows record.Rows[token]) error { _, err := rows.Peek("none"); return err },
	} {
		must(t, issue(t.Context(), db, name))
		must(t, db.View(inTenant(t.Context()), func(tx *record.Tx) error { _, err := tokens.In(tx).Get(name); return err })) // cached
		must(t, redeem(t.Context(), openDB(t, data.Again()), name))                                                          // behind the cache's back
		runs := 0
		err := db.Update(inTenant(t.Context()), func(tx *record.Tx) error {
			runs++
			tok, err := tokens.In(tx).Get(name)
			if err != nil {
				return err
			}
			if err := second(tokens.In(tx)); !errors.Is(err, record.ErrNotFound) {
				return err
			}
			if tok.Used != 0 {
				return errUsed
			}
			return errUnused
		})
		if !errors.Is(err, errUsed) || runs != 2 {
			t.Errorf("%s: %v after %d runs, want %v after 2", name, err, runs, errUsed)
		}
	}
}

// Readers of one record share one read, in one process and across two.
func TestCacheStampede(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	a, b := newNode(t, data, server.Addr(), time.Minute), newNode(t, data, server.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() { []node{a, b}[i%2].wantOwner(t, "x") })
	}
	wg.Wait()
	if n := a.inner.reads.Load() + b.inner.reads.Load(); n > 2 {
		t.Errorf("64 readers read the store %d times", n)
	}
}

// A newcomer does not join a read that is older than answers may be, nor one from before a commit of its own node.
func TestCacheJoinsNoOldRead(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	a := newNode(t, mem.New(), server.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "old", 1, 0)}))
	a.inner.afterRead(func() {
		must(t, a.inner.Commit(t.Context(), []record.Op{put("t1", "a", "new", 2, 1)})) // by nobody who tells
		a.clock.offset.Add(int64(2 * time.Minute))
		a.wantOwner(t, "new")
	})
	a.wantOwner(t, "old")
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "newer", 3, 2)}))
	a.inner.afterRead(func() {
		must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "newest", 4, 3)}))
		a.wantOwner(t, "newest")
	})
	a.wantOwner(t, "newer")
}

// A read that is under way when a commit of its node drops the key answers those who are on it and nobody after them, and
// does not put back, here or for other nodes, what was overwritten.
func TestCacheDropsReadsUnderWay(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	a, b := newNode(t, data, server.Addr(), time.Hour), newNode(t, data, server.Addr(), time.Hour)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "old", 1, 0)}))
	has, leave, left := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	a.inner.afterRead(func() { close(has); <-leave })
	go func() { left <- a.owner(t) }()
	<-has // the old record, and has not answered yet
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "new", 2, 1)}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	rs, err := a.Get(ctx, thingKey("t1", "a"))
	if err != nil || len(rs) != 1 || rs[0].Row[0].Text() != "new" {
		t.Errorf("who comes after the commit gets %v, %v", rs, err)
	}
	close(leave)
	if got := <-left; got != "old" && got != "new" { // it began before the commit: either is right
		t.Errorf("who came before it got %q", got)
	}
	for range 3 {
		a.wantOwner(t, "new")
		b.wantOwner(t, "new")
	}
}

// A record that was removed behind the cache's back, as by a node that crashed or could not reach Redis, is not served
// longer than the TTL.
func TestCacheBound(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	const ttl = 300 * time.Millisecond
	data := mem.New()
	a := newNode(t, data, server.Addr(), ttl)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "revoked", 1, 0)}))
	var removed time.Time
	a.inner.afterRead(func() { // even a slow fill does not begin the time anew
		must(t, data.Commit(t.Context(), []record.Op{remove("a", 1)}))
		removed = time.Now()
	})
	a.owner(t)
	var last time.Time
	eventually(t, 10*time.Second, func() error {
		asked := time.Now()
		if a.owner(t) == "" {
			return nil
		}
		last = asked
		return errors.New("a removed record is served on and on")
	})
	if late := last.Sub(removed); late > ttl {
		t.Errorf("a removed record was served after %v, the bound is %v", late, ttl)
	}
}

// Without Redis, everything works and is right; a node that could not invalidate does not use the cache until what it
// holds has expired.
func TestCacheWithoutRedis(t *testing.T) {
	server := parts.Redis(t, parts.Durable) // keeps its entries over a restart
	if server == nil {
		return
	}
	const ttl = time.Minute
	a := newNode(t, mem.New(), server.Addr(), ttl)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	a.wantOwner(t, "x") // cached
	server.Kill()
	a.wantOwner(t, "x")
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "y", 2, 1)}))
	a.wantOwner(t, "y")
	server.Start()
	a.clock.offset.Add(int64(2 * time.Second)) // it may be asked again, and holds "x" still
	a.wantOwner(t, "y")
	a.clock.offset.Add(int64(ttl))
	must(t, dial(t, server.Addr()).FlushAll(t.Context()).Err()) // the entry has expired
	a.wantOwner(t, "y")
	before := a.inner.reads.Load()
	a.wantOwner(t, "y")
	if a.inner.reads.Load() != before {
		t.Error("the cache is not used again")
	}
}

// While Redis is known to fail, nobody waits for it.
func TestCacheLeavesRedisAlone(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	p := parts.StartProxy(t, server.Addr())
	var asked atomic.Int64
	p.Obey(func([]byte) parts.Action { asked.Add(1); return parts.Action{Cut: true} })
	a := newNode(t, mem.New(), p.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	first := asked.Load()
	for range 100 {
		a.wantOwner(t, "x")
	}
	if n := asked.Load(); n != first {
		t.Errorf("Redis was asked %d times after it had failed", n-first)
	}
}

// What Redis answers is not believed blindly, and errors of the store stay errors.
func TestCacheFailsClosed(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	raw := dial(t, server.Addr())
	a := newNode(t, mem.New(), server.Addr(), time.Minute)
	must(t, a.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	entry := redis.DefaultCachePrefix + "t1:thing:a"
	for _, bad := range []string{"V", "Vgarbage", "L", "Lsomebody", ""} {
		must(t, raw.Set(t.Context(), entry, bad, time.Minute).Err())
		a.wantOwner(t, "x")
	}
	must(t, raw.Set(t.Context(), entry, "Vforever", 0).Err()) // an entry without an end is not ours
	a.wantOwner(t, "x")
	must(t, raw.Del(t.Context(), entry).Err())
	must(t, raw.LPush(t.Context(), entry, "x").Err())
	a.wantOwner(t, "x")
	must(t, a.Close())
	a.clock.offset.Add(int64(time.Hour))
	if _, err := a.Get(t.Context(), thingKey("t1", "a")); err == nil {
		t.Error("Get after Close does not fail")
	}
}

func TestCacheOptions(t *testing.T) {
	client := dial(t, "127.0.0.1:1")
	for name, o := range map[string]redis.CacheOptions{
		"no kinds": {}, "empty kind": {Kinds: []string{""}}, "TTL": {Kinds: []string{"a"}, TTL: -1},
		"Timeout": {Kinds: []string{"a"}, Timeout: -1}, "Prefix": {Kinds: []string{"a"}, Prefix: "{x}"},
	} {
		if _, err := redis.Cache(mem.New(), client, o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := redis.Cache(nil, client, redis.CacheOptions{Kinds: []string{"a"}}); err == nil {
		t.Error("no inner store was accepted")
	}
	if _, err := redis.Cache(mem.New(), nil, redis.CacheOptions{Kinds: []string{"a"}}); err == nil {
		t.Error("no client was accepted")
	}
}

// shared keeps users in rows of the application.
type shared struct{ record.Backend }

func (shared) Shares(kind string) bool { return kind == "user" }

// What the application changes by itself is not cached, and the cache says of the store before it what that says.
func TestCacheOfSharedKinds(t *testing.T) {
	client := dial(t, "127.0.0.1:1")
	if _, err := redis.Cache(shared{mem.New()}, client, redis.CacheOptions{Kinds: []string{"session", "user"}}); err == nil {
		t.Error("kind user was accepted")
	}
	c, err := redis.Cache(shared{mem.New()}, client, redis.CacheOptions{Kinds: []string{"session"}})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Shares("user") || c.Shares("session") {
		t.Error("users are not shared, or sessions are")
	}
}
