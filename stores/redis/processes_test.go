package redis_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// contendEnv makes the test binary play another process of an installation; its value is the server's address.
const contendEnv = "ONEAUTH_TEST_REDIS"

func TestMain(m *testing.M) {
	if addr := os.Getenv(contendEnv); addr != "" {
		store, err := redis.Open(context.Background(), goredis.NewClient(&goredis.Options{Addr: addr, PoolSize: 30}), redis.Options{Log: quiet()})
		if err == nil {
			err = storetest.Contend(store)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Of 66 contenders in three processes, one redeems a token, and one claims an id.
func TestProcesses(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	storetest.Contenders(t, func() (record.Backend, error) { return open(t, dial(t, server.Addr())), nil }, contendEnv+"="+server.Addr())
}
