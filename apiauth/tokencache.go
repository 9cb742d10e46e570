package apiauth

import (
	"strings"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// tokenCache remembers tokens whose signature was good. It finds them by the end of the signature, which is as good as
// random, and compares the whole token. It is bounded in entries and in bytes; a full shard forgets entries at random.
type tokenCache struct {
	shards [tokenShards]tokenShard
}

const (
	tokenShards   = 64
	bytesPerToken = 2 << 10 // memory of an entry, on average
	entryOverhead = 512     // of an entry beside token and payload, about
	tailBytes     = 22      // 132 bits of the signature
)

type tokenShard struct {
	mu       sync.RWMutex
	entries  map[string]*tokenEntry // by the token's tail
	bytes    int
	maxBytes int
	most     int
}

type tokenEntry struct {
	token     string
	tenant    string
	keyID     string
	key       *jwt.Key
	keys      *keyState // the key was in it; while it is current there is nothing to look up
	expires   int64     // Unix seconds
	principal *core.Principal
}

// newTokenCache makes a cache of n entries; nil, which remembers nothing, where n is not positive.
func newTokenCache(n int) *tokenCache {
	if n <= 0 {
		return nil
	}
	c := &tokenCache{}
	for i := range c.shards {
		most := max(1, n/tokenShards)
		c.shards[i] = tokenShard{entries: map[string]*tokenEntry{}, most: most, maxBytes: most * bytesPerToken}
	}
	return c
}

// find returns where a token is kept, and under which key. Anything shorter than a signature's end is no token.
func (c *tokenCache) find(token string) (sh *tokenShard, tail string) {
	n := len(token)
	if c == nil || n < tailBytes {
		return nil, ""
	}
	h := uint32(token[n-2]) | uint32(token[n-3])<<8 | uint32(token[n-4])<<16
	return &c.shards[h*2654435769>>26], token[n-tailBytes:]
}

// get returns the principal of a token that was verified before, in the same tenant and with a key that is still in the
// set, and has not expired.
func (c *tokenCache) get(tenant, token string, now time.Time, keys *keyState) (*core.Principal, bool) {
	sh, tail := c.find(token)
	if sh == nil {
		return nil, false
	}
	sh.mu.RLock()
	e := sh.entries[tail]
	sh.mu.RUnlock()
	if e == nil || e.token != token || e.tenant != tenant {
		return nil, false
	}
	if now.Unix() >= e.expires || !e.knownTo(keys) {
		sh.drop(e)
		return nil, false
	}
	return e.principal, true
}

// knownTo reports whether the key that verified the token is still in the set.
func (e *tokenEntry) knownTo(keys *keyState) bool {
	if keys == e.keys {
		return true
	}
	key, ok := keys.set.Lookup(e.keyID)
	return ok && key == e.key
}

func (sh *tokenShard) drop(e *tokenEntry) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.entries[e.tail()] == e {
		sh.remove(e)
	}
}

func (sh *tokenShard) remove(e *tokenEntry) {
	delete(sh.entries, e.tail())
	sh.bytes -= e.size()
}

func (e *tokenEntry) tail() string { return e.token[len(e.token)-tailBytes:] }

// size is about what an entry occupies: the token, and the payload twice, as text and as bytes.
func (e *tokenEntry) size() int { return len(e.token) + 2*len(e.principal.Claims) + entryOverhead }

// put remembers a verified token. One that is too large for its shard, or whose key has just left the set, is not kept.
func (c *tokenCache) put(tenant, token, keyID string, p *core.Principal, keys *keyState) {
	sh, _ := c.find(token)
	if sh == nil {
		return
	}
	key, ok := keys.set.Lookup(keyID)
	if !ok {
		return
	}
	e := &tokenEntry{
		token:  strings.Clone(token), // the caller's may be part of a larger buffer
		tenant: tenant, keyID: strings.Clone(keyID), key: key, keys: keys, expires: p.Expires.Unix(), principal: p,
	}
	size := e.size()
	if size > sh.maxBytes {
		return
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if old := sh.entries[e.tail()]; old != nil {
		sh.remove(old)
	}
	for _, old := range sh.entries {
		if len(sh.entries) < sh.most && sh.bytes+size <= sh.maxBytes {
			break
		}
		sh.remove(old)
	}
	sh.entries[e.tail()] = e
	sh.bytes += size
}
