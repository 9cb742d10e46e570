package redis_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// A server that syncs every write is killed under load, again and again: nothing that was acknowledged is lost, nothing
// that was deleted is back, no token is redeemed twice, and soon after its start everything works.
func TestKilledServer(t *testing.T) {
	server := parts.Redis(t, parts.Durable)
	if server == nil {
		return
	}
	storeproof.Killed(t, server, func() (record.Backend, error) { return open(t, dial(t, server.Addr())), nil })
}

// The cache's server is killed under load: that costs time, and nothing else. What the store acknowledged is there, and no
// token is redeemed twice.
func TestKilledCache(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := mem.New()
	storeproof.Killed(t, server, func() (record.Backend, error) {
		return redis.Cache(data.Again(), dial(t, server.Addr()), redis.CacheOptions{Kinds: everyKind, Log: quiet()})
	})
}
