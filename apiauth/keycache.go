package apiauth

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// keyCache remembers good API keys for some seconds, by the SHA-256 of their text. Bad ones are not remembered.
type keyCache struct {
	keep    time.Duration
	mu      sync.RWMutex
	changes uint64 // how often entries were forgotten because something about keys changed
	entries map[keyCacheID]keyEntry
}

type keyCacheID struct {
	tenant string
	sum    [sha256.Size]byte
}

type keyEntry struct {
	principal *core.Principal
	checked   time.Time
}

// maxCachedKeys bounds the cache to about 4 MiB.
const maxCachedKeys = 8192

func newKeyCache(keep time.Duration) *keyCache {
	return &keyCache{keep: keep, entries: map[keyCacheID]keyEntry{}}
}

// get returns what was found out about a key not long ago, and the state of the cache, for put.
func (c *keyCache) get(id keyCacheID, now time.Time) (p *core.Principal, changes uint64) {
	c.mu.RLock()
	e, ok := c.entries[id]
	changes = c.changes
	c.mu.RUnlock()
	age := now.Sub(e.checked)
	if !ok || age < 0 || age >= c.keep || !e.principal.Expires.IsZero() && !now.Before(e.principal.Expires) {
		return nil, changes
	}
	return e.principal, changes
}

// put remembers a key, unless something was forgotten since get: then what the store said may be outdated.
func (c *keyCache) put(id keyCacheID, e keyEntry, changes uint64) {
	if c.keep <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != changes {
		return
	}
	for victim := range c.entries {
		if len(c.entries) < maxCachedKeys {
			break
		}
		delete(c.entries, victim)
	}
	c.entries[id] = e
}

// forget drops the keys that match.
func (c *keyCache) forget(match func(tenant string, p *core.Principal) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for id, e := range c.entries {
		if match(id.tenant, e.principal) {
			delete(c.entries, id)
		}
	}
}

// checkKey authenticates an API key.
func (s *Service) checkKey(ctx context.Context, tenant, key string) (*core.Principal, error) {
	now := s.now()
	id := keyCacheID{tenant: tenant, sum: sha256.Sum256([]byte(key))}
	p, changes := s.apiKeys.get(id, now)
	if p != nil {
		return p, nil
	}
	p, err := s.auth.CheckKey(ctx, key)
	if err != nil {
		return nil, err
	}
	s.apiKeys.put(id, keyEntry{principal: p, checked: now}, changes)
	return p, nil
}

// forgetKeys makes this node look anew at API keys that an event concerns.
func (s *Service) forgetKeys(_ context.Context, e core.Event) {
	switch e.Type {
	case core.EventKeyRevoked:
		s.apiKeys.forget(func(tenant string, p *core.Principal) bool {
			return tenant == e.Tenant && slices.Contains(e.Keys, p.KeyID)
		})
	case core.EventAccountDisabled, core.EventAccountEnabled, core.EventAccountPurged, core.EventProfileChanged:
		s.apiKeys.forget(func(tenant string, p *core.Principal) bool {
			return tenant == e.Tenant && p.Subject == e.UserID
		})
	}
}
