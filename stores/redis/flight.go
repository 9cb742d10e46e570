package redis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// flights are the reads that are under way in this process, so that callers for one key share one.
type flights struct {
	mu   sync.Mutex
	open map[record.Key]*flight
}

type flight struct {
	began time.Time
	done  chan struct{}
	found []record.Record // set before done is closed
	err   error
}

// join returns the flight for k, and whether the caller is to fly it. One that began longer ago than within is left to
// those who are on it: its answer may be older than a newcomer should get.
func (fs *flights) join(k record.Key, now time.Time, within time.Duration) (f *flight, leads bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.open[k]; f != nil && now.Sub(f.began) < within {
		return f, false
	}
	f = &flight{began: now, done: make(chan struct{})}
	fs.open[k] = f
	return f, true
}

// land ends a flight.
func (fs *flights) land(k record.Key, f *flight, found []record.Record, err error) {
	fs.mu.Lock()
	if fs.open[k] == f {
		delete(fs.open, k)
	}
	fs.mu.Unlock()
	f.found, f.err = found, err
	close(f.done)
}

// drop closes the flights for keys to newcomers.
func (fs *flights) drop(keys []record.Key) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, k := range keys {
		delete(fs.open, k)
	}
}

var errLost = errors.New("redis: the shared read was lost")

// shared is fetch, once for all who ask for k at the same time.
func (c *CachedStore) shared(ctx context.Context, k record.Key) ([]record.Record, error) {
	f, leads := c.flight.join(k, c.opt.Now(), c.opt.TTL)
	if leads {
		err := errLost // for the others, if fetch panics
		var found []record.Record
		defer func() { c.flight.land(k, f, copies(found), err) }()
		found, err = c.fetch(ctx, k)
		return found, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.err != nil { // of the leader's context, perhaps
		return c.inner.Get(ctx, k)
	}
	return copies(f.found), nil
}

// copies returns records that share no row with the given ones.
func copies(rs []record.Record) []record.Record {
	rs = slices.Clone(rs)
	for i := range rs {
		rs[i].Row = slices.Clone(rs[i].Row)
	}
	return rs
}
