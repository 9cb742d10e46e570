package redis_test

import (
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// allCached are the kinds of the suite.
var allCached = []string{"table", "item", "item_", "note", "late", "together0", "together1", "thing", "token"}

func TestCacheConformance(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		must(t, dial(t, server.Addr()).FlushAll(t.Context()).Err())
		data := mem.New()
		return storetest.Harness{Open: func() (record.Backend, error) {
			return redis.Cache(data.Again(), dial(t, server.Addr()), redis.CacheOptions{
				Kinds: allCached, TTL: time.Minute, Timeout: 10 * time.Second, Log: quiet(),
			})
		}}
	})
}
