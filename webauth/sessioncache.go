package webauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// MaxSessionCache is the most that a SessionCache may lag behind, since the time of last use is noted once a minute.
const MaxSessionCache = time.Minute

const cachedSessions = 10_000 // at most; beyond it any of them is forgotten

// SessionCache lets application routes take a session's cookie for good without asking the store, for a short time after
// it was read. What ends or changes a session on this node counts here at once; what another node did counts after at
// most that time. The endpoints of an account never use it. It is safe for concurrent use.
//
// Entries are found by the digest of the whole cookie and the tenant. Every event about a user drops the user's entries;
// an answer of the store that is older than some event is not kept.
type SessionCache struct {
	maxAge  time.Duration
	auth    *core.Auth
	changes atomic.Uint64 // events so far

	mu      sync.RWMutex
	entries map[cachedKey]cachedSession
	byUser  map[cachedUser]map[cachedKey]struct{}
}

type cachedKey struct {
	tenant string
	cookie [sha256.Size]byte
}

type cachedUser struct{ tenant, id string }

type cachedSession struct {
	principal *core.Principal
	until     time.Time
}

// NewSessionCache makes a cache whose entries are good for maxAge, which is more than nothing and at most
// MaxSessionCache. Give its Feature to core.New, and itself to New.
func NewSessionCache(maxAge time.Duration) (*SessionCache, error) {
	if maxAge <= 0 || maxAge > MaxSessionCache {
		return nil, fmt.Errorf("webauth: a session cache of %v: it must be more than 0 and at most %v", maxAge, MaxSessionCache)
	}
	return &SessionCache{
		maxAge: maxAge, entries: map[cachedKey]cachedSession{}, byUser: map[cachedUser]map[cachedKey]struct{}{},
	}, nil
}

// Feature is what core.New needs, so that the cache hears of every event.
func (c *SessionCache) Feature() core.Feature {
	return core.Feature{
		Name:      "session-cache",
		Listeners: []core.Listener{c.forget},
		Start: func(_ context.Context, a *core.Auth) error {
			if c.auth != nil {
				return errors.New("webauth: a SessionCache belongs to one core.Auth")
			}
			c.auth = a
			return nil
		},
	}
}

func keyOf(tenant, cookie string) cachedKey {
	var value [maxCookie]byte // oneCookie lets no longer one through
	return cachedKey{tenant, sha256.Sum256(value[:copy(value[:], cookie)])}
}

// get returns who a cookie was found to be not long ago, and the present time, for put.
func (c *SessionCache) get(key cachedKey) (p *core.Principal, now time.Time, ok bool) {
	now = c.auth.Env().Now()
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	left := e.until.Sub(now) // more than maxAge only if the clock was set back
	return e.principal, now, ok && left > 0 && left <= c.maxAge
}

// put remembers what the store said when it was asked at a time, unless anything happened since: seen is the count of
// changes from before it was asked.
func (c *SessionCache) put(key cachedKey, p *core.Principal, asked time.Time, seen uint64) {
	e := cachedSession{p, asked.Add(c.maxAge)}
	if p.Expires.Before(e.until) {
		e.until = p.Expires
	}
	user := cachedUser{key.tenant, p.Subject}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes.Load() != seen {
		return
	}
	for old := range c.entries {
		if len(c.entries) < cachedSessions {
			break
		}
		c.remove(old)
	}
	c.entries[key] = e
	if c.byUser[user] == nil {
		c.byUser[user] = map[cachedKey]struct{}{}
	}
	c.byUser[user][key] = struct{}{}
}

// forget drops what is known of the user whom an event is about. It hears of the event after its commit, and counts it
// under the lock, so that an answer from before is not kept afterwards.
func (c *SessionCache) forget(_ context.Context, e core.Event) {
	if e.UserID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes.Add(1)
	for key := range c.byUser[cachedUser{e.Tenant, e.UserID}] {
		c.remove(key)
	}
}

// Forget drops what is known of the tenants for which in is true: another node has changed something there.
func (c *SessionCache) Forget(in func(tenant string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes.Add(1)
	for key := range c.entries {
		if in(key.tenant) {
			c.remove(key)
		}
	}
}

func (c *SessionCache) drop(key cachedKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(key)
}

func (c *SessionCache) remove(key cachedKey) {
	e, ok := c.entries[key]
	if !ok {
		return
	}
	delete(c.entries, key)
	user := cachedUser{key.tenant, e.principal.Subject}
	if delete(c.byUser[user], key); len(c.byUser[user]) == 0 {
		delete(c.byUser, user)
	}
}
