package redis

import (
	"context"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

// Get returns the records that exist among keys: one HGETALL for one key, one script for several of a tenant, which all
// see the same moment.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	byTenant := map[string][]record.Key{}
	for _, k := range keys {
		byTenant[k.Tenant] = append(byTenant[k.Tenant], k)
	}
	var out []record.Record
	for tenant, keys := range byTenant {
		if err := s.caughtUp(ctx, tenant); err != nil {
			return nil, err
		}
		rs, err := s.read(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("redis store: get: %w", refused(err))
		}
		out = append(out, rs...)
	}
	return out, nil
}

// read reads keys of one tenant.
func (s *Store) read(ctx context.Context, keys []record.Key) ([]record.Record, error) {
	sp := s.space(keys[0].Tenant)
	if len(keys) == 1 {
		values, err := within(ctx, func() (map[string]string, error) {
			return s.client.HGetAll(ctx, sp.record(keys[0])).Result()
		})
		if err != nil || len(values) == 0 {
			return nil, err
		}
		r, err := s.decoded(ctx, keys[0].Kind, func(k *kind) (record.Record, error) { return k.fromHash(keys[0], values) })
		return []record.Record{r}, err
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = sp.record(k)
	}
	answer, err := within(ctx, func() (any, error) { return getScript.run(ctx, s.client, names) })
	if err != nil {
		return nil, err
	}
	hashes, ok := answer.([]any)
	if !ok || len(hashes) != len(keys) {
		return nil, fmt.Errorf("%w: %T for %d keys", errAnswer, answer, len(keys))
	}
	var out []record.Record
	for i, h := range hashes {
		r, there, err := s.hashed(ctx, keys[i], h)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, r)
		}
	}
	return out, nil
}

// hashed decodes one hash of a script's answer; an empty one is no record.
func (s *Store) hashed(ctx context.Context, key record.Key, hash any) (r record.Record, there bool, err error) {
	values, ok := hash.([]any)
	if !ok {
		return r, false, fmt.Errorf("%w: a hash is %T", errAnswer, hash)
	}
	if len(values) == 0 {
		return r, false, nil
	}
	r, err = s.decoded(ctx, key.Kind, func(k *kind) (record.Record, error) { return k.decode(key, values) })
	return r, true, err
}

// decoded decodes a record by its kind.
func (s *Store) decoded(ctx context.Context, kind string, decode func(*kind) (record.Record, error)) (r record.Record, err error) {
	err = s.withSchema(ctx, func(c *catalogue) error {
		k, err := c.kind(kind)
		if err == nil {
			r, err = decode(k)
		}
		return err
	})
	return r, err
}
