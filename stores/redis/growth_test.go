package redis_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/population"
)

// BenchmarkGrowth measures each operation among more and more users: see population.Growth. A million take some 6 GB of
// memory, which the output states.
//
//	ONEAUTH_GROWTH=1000,100000,1000000 go test -run '^$' -bench '^BenchmarkGrowth$' -benchtime 1x -timeout 120m ./stores/redis
func BenchmarkGrowth(b *testing.B) {
	if parts.Command(b, "redis-server", "redis-server") == "" {
		return
	}
	population.Growth(b, func(users int) population.Place {
		server := parts.Redis(b, parts.Fast)
		raw := goredis.NewClient(&goredis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, ReadTimeout: time.Minute})
		b.Cleanup(func() { _ = raw.Close() })
		store := open(b, raw)
		return population.Place{Store: store, Add: population.Committing(b, store), Loaded: func() {
			used := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(raw.Info(b.Context(), "memory").Val())
			bytes, err := strconv.Atoi(used[1])
			must(b, err)
			b.ReportMetric(float64(bytes>>20), fmt.Sprintf("MiB-memory-%d", users))
		}}
	})
}
