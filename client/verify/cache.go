package verify

import (
	"strings"
	"sync"
	"time"
)

// cache remembers valid tokens. It finds them by their end, which for a signed token is as good as random, and compares
// the whole token. A full shard forgets at random.
type cache struct{ shards [cacheShards]shard }

const (
	cacheShards = 32
	tailBytes   = 20
	maxToken    = 8 << 10
	bytesEach   = 2 << 10 // memory that an entry may take on average
	overhead    = 512     // of an entry beside its texts, about
)

type shard struct {
	mu       sync.RWMutex
	entries  map[string]entry // by the token's tail
	most     int
	bytes    int
	maxBytes int
}

// entry is a valid token.
type entry struct {
	token  string
	claims *Claims
	keys   *keys // that verified it; nil for introspection
	until  int64 // Unix seconds
}

func (e entry) size() int { return len(e.token) + 2*len(e.claims.raw) + overhead }

// newCache makes a cache of n tokens; nil, which remembers nothing, where n is negative.
func newCache(n int) *cache {
	if n <= 0 {
		return nil
	}
	c := &cache{}
	for i := range c.shards {
		most := max(1, n/cacheShards)
		c.shards[i] = shard{entries: map[string]entry{}, most: most, maxBytes: most * bytesEach}
	}
	return c
}

// find returns where a token is kept, and under which name.
func (c *cache) find(token string) (*shard, string) {
	n := len(token)
	if c == nil || n < tailBytes || n > maxToken {
		return nil, ""
	}
	h := uint32(token[n-3]) | uint32(token[n-4])<<8 | uint32(token[n-5])<<16
	return &c.shards[h*2654435769>>27], token[n-tailBytes:]
}

// get returns the claims of a token that these very keys have verified and that has not expired; nil for any other.
func (c *cache) get(token string, k *keys, now time.Time) *Claims {
	s, tail := c.find(token)
	if s == nil {
		return nil
	}
	s.mu.RLock()
	e, ok := s.entries[tail]
	s.mu.RUnlock()
	if !ok || e.token != token || e.keys != k || now.Unix() >= e.until {
		return nil
	}
	return e.claims
}

// put remembers a token until a Unix second.
func (c *cache) put(token string, e entry) {
	s, _ := c.find(token)
	if s == nil {
		return
	}
	e.token = strings.Clone(token) // the caller's may be part of a larger buffer
	size, tail := e.size(), e.token[len(token)-tailBytes:]
	if size > s.maxBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(tail)
	for old := range s.entries {
		if len(s.entries) < s.most && s.bytes+size <= s.maxBytes {
			break
		}
		s.remove(old)
	}
	s.entries[tail], s.bytes = e, s.bytes+size
}

func (s *shard) remove(tail string) {
	if old, ok := s.entries[tail]; ok {
		s.bytes -= old.size()
		delete(s.entries, tail)
	}
}
