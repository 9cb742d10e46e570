package redis_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/population"
)

// BenchmarkGrowth measures each operation among more and more users: see population.Growth. A million take some 6 GB of
// memory, which the output states.
//
//	ONEAUTH_GROWTH=1000,100000,1000000 go test -run '^$' -bench '^BenchmarkGrowth$' -benchtime 1x -timeout 120m ./stores/redis
func BenchmarkGrowth(b *testing.B) {
	server := parts.Redis(b, parts.Fast)
	if server == nil {
		return
	}
	raw := dial(b, server.Addr())
	store := open(b, raw)
	population.Growth(b, store, population.Committing(b, store), func(users int) {
		used := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(raw.Info(b.Context(), "memory").Val())
		bytes, err := strconv.Atoi(used[1])
		must(b, err)
		b.ReportMetric(float64(bytes>>20), fmt.Sprintf("MiB-memory-%d", users))
	})
}
