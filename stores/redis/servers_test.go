package redis_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// dial returns a client of the server at addr, closed at the end of the test.
func dial(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{
		Addr: addr, ContextTimeoutEnabled: true, DialTimeout: time.Second, ReadTimeout: 3 * time.Second, PoolSize: 100,
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens a store that says nothing of its server's settings.
func open(t testing.TB, client goredis.UniversalClient) *redis.Store {
	t.Helper()
	s, err := redis.Open(context.Background(), client, redis.Options{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// single starts a server for one test and returns a client of it, or nil where there is no Redis.
func single(t testing.TB) *goredis.Client {
	t.Helper()
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return nil
	}
	return dial(t, server.Addr())
}
