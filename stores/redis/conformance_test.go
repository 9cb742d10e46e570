package redis_test

import (
	"context"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestConformance(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		c := dial(t, server.Addr())
		if err := c.FlushAll(context.Background()).Err(); err != nil {
			t.Fatal(err)
		}
		return storetest.Harness{Open: opens(t, func() goredis.UniversalClient { return dial(t, server.Addr()) })}
	})
}

// opens returns an Open whose stores share nothing in this process.
func opens(t *testing.T, client func() goredis.UniversalClient) func() (record.Backend, error) {
	return func() (record.Backend, error) {
		return redis.Open(t.Context(), client(), redis.Options{Log: quiet()})
	}
}
