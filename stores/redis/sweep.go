package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// sweepChunk is how many index entries one sweeping script looks at.
const sweepChunk = 500

// Sweep removes at most limit records whose expiry is before the given time. It also removes the index entries of records
// that Redis expired by itself; those do not count.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	removed := 0
	until := strconv.FormatInt(before.UnixMilli(), 10)
	err := s.eachTenants(ctx, func(tenants []string) error {
		if removed >= limit {
			return nil
		}
		due, err := pipelined(ctx, s, tenants, func(p redis.Pipeliner, tenant string) *redis.StringSliceCmd {
			return p.ZRangeByScore(ctx, s.space(tenant).due(), &redis.ZRangeBy{Min: "-inf", Max: "(" + until, Count: 1})
		})
		if err != nil {
			return err
		}
		for i, tenant := range tenants {
			if len(due[i].Val()) == 0 {
				continue
			}
			n, err := s.sweepTenant(ctx, s.space(tenant), until, limit-removed)
			if removed += n; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("redis store: sweep: %w", err)
	}
	return removed, nil
}

func (s *Store) sweepTenant(ctx context.Context, sp space, until string, limit int) (removed int, err error) {
	for removed < limit {
		chunk := min(limit-removed, sweepChunk)
		answer, err := within(ctx, func() (any, error) {
			return sweepScript.run(ctx, s.client, []string{sp.due()}, until, strconv.Itoa(chunk), string(sp))
		})
		if err != nil {
			return removed, refused(err)
		}
		counts, ok := answer.([]any)
		if !ok || len(counts) != 2 {
			return removed, fmt.Errorf("%w: %v", errAnswer, answer)
		}
		gone, _ := counts[0].(int64)
		looked, _ := counts[1].(int64)
		removed += int(gone)
		if looked < int64(chunk) {
			break
		}
	}
	return removed, nil
}
