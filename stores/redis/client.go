package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// checkClient refuses clients that may answer with old data.
func checkClient(client redis.UniversalClient) error {
	switch c := client.(type) {
	case nil:
		return errors.New("redis: the client is nil")
	case *redis.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			return errors.New("redis: the client caches reads in memory (ClientSideCache), which would keep revoked sessions alive")
		}
		return nil
	case *redis.ClusterClient:
		if o := c.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return errors.New("redis: the client may read from replicas (ReadOnly, RouteByLatency, RouteRandomly), " +
				"which do not see every acknowledged commit")
		}
		return nil
	}
	return fmt.Errorf("redis: a %T is neither a *redis.Client nor a *redis.ClusterClient", client)
}

// master returns the client of the node that has the key.
func (s *Store) master(ctx context.Context, key string) (*redis.Client, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, key)
	}
	return s.client.(*redis.Client), nil
}

// once is a command that go-redis does not send again when it does not know whether it was carried out.
type once struct{ *redis.Cmd }

// NoRetry is asked by go-redis.
func (once) NoRetry() bool { return true }

// within runs f, and leaves it alone when ctx ends first: go-redis does not look at contexts while it waits for an answer.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
