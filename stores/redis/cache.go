package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// DefaultCachePrefix begins the cache's keys where CacheOptions.Prefix is empty.
const DefaultCachePrefix = "oneauth-cache:"

// CacheOptions of a CachedStore. Kinds must be set.
type CacheOptions struct {
	// Kinds are the kinds of records to cache, such as "session", which each request of a signed-in browser reads. All
	// nodes cache the same ones.
	Kinds []string

	// TTL bounds how old an answer can be: what was changed or removed is not served any more so long after its commit,
	// whatever fails; default 5 s. As long as Redis can be reached it is not served any more once the commit returned.
	TTL time.Duration

	Prefix  string        // begins every key, the same on all nodes; default DefaultCachePrefix
	Timeout time.Duration // of one call to Redis; default 100 ms
	Pause   time.Duration // how long Redis is left alone after it failed; default 1 s

	Now  func() time.Time // default time.Now
	Rand io.Reader        // makes the name of this node; default crypto/rand.Reader
	Log  *slog.Logger     // receives failures of Redis; default slog.Default()
}

// CachedStore is a store with Redis in front of it. Redis may be empty, full, slow or away: that costs time, and changes
// no answer beyond the TTL.
type CachedStore struct {
	inner  record.Backend
	client redis.UniversalClient
	opt    CacheOptions
	ttl    string // TTL in milliseconds
	node   string
	tokens atomic.Uint64
	flight flights
	asleep atomic.Int64 // until then Redis is not asked (Unix nanoseconds)
	doubt  atomic.Int64 // until then it may hold what this node could not invalidate
	closed atomic.Bool
}

var _ record.Enlister = (*CachedStore)(nil)

// Cache returns inner with a cache in front of single reads of some kinds. Lists, reads of several records, and all other
// kinds go to inner. Close closes inner, and leaves client open.
//
// An entry is filled by the one who holds its lease, and a commit takes leases away, so a slow reader cannot put back what
// was overwritten meanwhile. A commit that fails drops what it was based on, so that a transaction which read an old
// record reads a new one when it is tried again. The cache holds records as inner does, so it needs the same protection.
func Cache(inner record.Backend, client redis.UniversalClient, o CacheOptions) (*CachedStore, error) {
	if inner == nil {
		return nil, errors.New("redis: Cache: the inner store is nil")
	}
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := checkPrefix(o.Prefix); err != nil {
		return nil, err
	}
	if len(o.Kinds) == 0 || slices.Contains(o.Kinds, "") {
		return nil, errors.New("redis: CacheOptions.Kinds is empty, or names an empty kind")
	}
	if s, ok := inner.(record.Sharer); ok {
		if i := slices.IndexFunc(o.Kinds, s.Shares); i >= 0 {
			return nil, fmt.Errorf("redis: CacheOptions.Kinds: records of kind %s are rows of the application, whose changes no cache hears of", o.Kinds[i])
		}
	}
	if o.TTL != 0 && o.TTL < time.Millisecond || o.Timeout < 0 || o.Pause < 0 {
		return nil, fmt.Errorf("redis: CacheOptions: TTL %v must be a millisecond or more, Timeout %v and Pause %v not negative",
			o.TTL, o.Timeout, o.Pause)
	}
	o.defaults()
	name := make([]byte, 12)
	if _, err := io.ReadFull(o.Rand, name); err != nil {
		return nil, fmt.Errorf("redis: name this node: %w", err)
	}
	return &CachedStore{
		inner: inner, client: client, opt: o, ttl: strconv.FormatInt(o.TTL.Milliseconds(), 10),
		node: hex.EncodeToString(name), flight: flights{open: map[record.Key]*flight{}},
	}, nil
}

func (o *CacheOptions) defaults() {
	o.Kinds = slices.Clone(o.Kinds)
	if o.TTL == 0 {
		o.TTL = 5 * time.Second
	}
	if o.Prefix == "" {
		o.Prefix = DefaultCachePrefix
	}
	if o.Timeout == 0 {
		o.Timeout = 100 * time.Millisecond
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// Prepare passes on.
func (c *CachedStore) Prepare(ctx context.Context, s record.Schema) error {
	return c.inner.Prepare(ctx, s)
}

// Find passes on.
func (c *CachedStore) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	return c.inner.Find(ctx, q)
}

// Sweep passes on. What it removes has expired, and the kernel refuses it wherever it comes from.
func (c *CachedStore) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	return c.inner.Sweep(ctx, before, limit)
}

// Enlists reports what inner can make part of a commit.
func (c *CachedStore) Enlists(part any) bool {
	e, ok := c.inner.(record.Enlister)
	return ok && e.Enlists(part)
}

// Shares reports whether inner keeps records of a kind in rows of the application.
func (c *CachedStore) Shares(kind string) bool {
	s, ok := c.inner.(record.Sharer)
	return ok && s.Shares(kind)
}

// Close closes the inner store.
func (c *CachedStore) Close() error {
	c.closed.Store(true)
	return c.inner.Close()
}

// Get answers one key of a cached kind from Redis if it can and may, and everything else from the inner store.
func (c *CachedStore) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if c.closed.Load() || ctx.Err() != nil || len(keys) != 1 || !c.caches(keys[0].Kind) || record.Anew(ctx) || !c.trusted() {
		return c.inner.Get(ctx, keys...)
	}
	return c.shared(ctx, keys[0])
}

// Commit passes on, and drops from the cache what it wrote before it returns. A commit that failed drops what it was based
// on, too.
func (c *CachedStore) Commit(ctx context.Context, ops []record.Op) error {
	err := c.inner.Commit(ctx, ops)
	var drop []record.Key
	for _, op := range ops {
		if c.caches(op.Kind) && (op.Verb != record.Check || err != nil) {
			drop = append(drop, op.Key)
		}
	}
	if len(drop) > 0 {
		c.invalidate(ctx, drop)
	}
	return err
}

func (c *CachedStore) caches(kind string) bool { return slices.Contains(c.opt.Kinds, kind) }

func (c *CachedStore) entry(k record.Key) string {
	return c.opt.Prefix + escape(k.Tenant) + ":" + k.Kind + ":" + k.ID
}
