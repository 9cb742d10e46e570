package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

const (
	leaseOld  = time.Second           // a lease of this age is taken from its holder, who has probably died
	leaseWait = 50 * time.Millisecond // how long to wait for a value that another node is reading
	leasePoll = 5 * time.Millisecond
)

// trusted reports whether Redis may be asked: it works, and it holds nothing that this node failed to invalidate.
func (c *CachedStore) trusted() bool {
	now := c.opt.Now().UnixNano()
	return now >= c.asleep.Load() && now >= c.doubt.Load()
}

// fetch reads one record from the cache, or else from the inner store, filling the cache.
func (c *CachedStore) fetch(ctx context.Context, k record.Key) ([]record.Record, error) {
	token := c.node + strconv.FormatUint(c.tokens.Add(1), 36)
	for waited := time.Duration(0); waited <= leaseWait; waited += leasePoll {
		answer, err := c.call(ctx, leaseScript, c.entry(k), token, c.ttl, strconv.FormatInt(leaseOld.Milliseconds(), 10))
		if err != nil {
			break
		}
		value, cached := strings.CutPrefix(answer, "V")
		switch {
		case cached:
			r := record.Record{Key: k}
			if err := record.DecodeRecord([]byte(value), &r); err == nil {
				return []record.Record{r}, nil
			}
			c.opt.Log.WarnContext(ctx, "oneauth cache: an entry is corrupt and not used", "kind", k.Kind)
			return c.inner.Get(ctx, k)
		case answer == "lease":
			return c.fill(ctx, k, token)
		}
		if err := pause(ctx, leasePoll); err != nil {
			return nil, err
		}
	}
	return c.inner.Get(ctx, k)
}

// fill reads one record from the inner store and caches it, unless somebody took the lease away.
func (c *CachedStore) fill(ctx context.Context, k record.Key, token string) ([]record.Record, error) {
	found, err := c.inner.Get(ctx, k)
	value := ""
	if err == nil && len(found) > 0 {
		value = string(record.AppendRecord(nil, found[0]))
	}
	if ctx.Err() == nil {
		_, _ = c.call(ctx, fillScript, c.entry(k), token, value) // a lease that is not filled expires
	}
	return found, err
}

// call runs a script on one entry. A failure puts Redis to sleep.
func (c *CachedStore) call(ctx context.Context, sc script, key string, args ...string) (string, error) {
	short, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	answer, err := within(short, func() (any, error) { return sc.run(short, c.client, []string{key}, args...) })
	if err != nil {
		if ctx.Err() == nil {
			c.failed(ctx, err)
		}
		return "", err
	}
	return fmt.Sprint(answer), nil
}

// failed leaves Redis alone for a while.
func (c *CachedStore) failed(ctx context.Context, err error) {
	c.asleep.Store(c.opt.Now().Add(c.opt.Pause).UnixNano())
	c.opt.Log.WarnContext(ctx, "oneauth cache: Redis failed, reading from the store", "error", err)
}

// invalidate drops entries and leases, here and for all nodes. If it cannot, this node does without the cache until they
// have expired.
func (c *CachedStore) invalidate(ctx context.Context, keys []record.Key) {
	c.flight.drop(keys)
	now := c.opt.Now()
	if now.UnixNano() >= c.asleep.Load() {
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.opt.Timeout)
		defer cancel()
		_, err := within(short, func() ([]redis.Cmder, error) {
			return c.client.Pipelined(short, func(p redis.Pipeliner) error {
				for _, k := range keys {
					p.Del(short, c.entry(k))
				}
				return nil
			})
		})
		if err == nil {
			return
		}
		c.failed(ctx, err)
	}
	c.doubt.Store(c.opt.Now().Add(c.opt.TTL).UnixNano())
	c.flight.drop(keys)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
