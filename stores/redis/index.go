package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

const (
	tenantChunk = 200 // tenants that are looked at in one round trip
	indexChunk  = 500 // records that are indexed in one script
)

// eachTenants calls f with all tenants, some at a time; one may come twice.
func (s *Store) eachTenants(ctx context.Context, f func(tenants []string) error) error {
	type page struct {
		names []string
		next  uint64
	}
	for cursor := uint64(0); ; {
		p, err := within(ctx, func() (p page, err error) {
			p.names, p.next, err = s.client.SScan(ctx, s.tenantsKey(), cursor, "", tenantChunk).Result()
			return p, err
		})
		if err != nil {
			return refused(err)
		}
		if err := f(p.names); err != nil {
			return err
		}
		if cursor = p.next; cursor == 0 {
			return nil
		}
	}
}

// indexAll completes the indexes of all tenants.
func (s *Store) indexAll(ctx context.Context) error {
	return s.eachTenants(ctx, func(tenants []string) error {
		ready, err := pipelined(ctx, s, tenants, func(p redis.Pipeliner, tenant string) *redis.StringCmd {
			return p.HGet(ctx, s.space(tenant).meta(), "ready")
		})
		if err != nil {
			return err
		}
		for i, tenant := range tenants {
			if n, err := ready[i].Int64(); err == nil && n < s.schema.Load().Generation {
				if err := s.index(ctx, tenant); err != nil {
					return fmt.Errorf("redis store: index tenant %q: %w", tenant, err)
				}
			}
		}
		return nil
	})
}

// pipelined sends one command for each tenant in one go. Absent values are no error.
func pipelined[C redis.Cmder](ctx context.Context, s *Store, tenants []string, add func(redis.Pipeliner, string) C) ([]C, error) {
	return within(ctx, func() ([]C, error) {
		cmds := make([]C, len(tenants))
		if len(tenants) == 0 {
			return cmds, nil
		}
		_, _ = s.client.Pipelined(ctx, func(p redis.Pipeliner) error { // its error is the first command's, below
			for i, t := range tenants {
				cmds[i] = add(p, t)
			}
			return nil
		})
		for _, c := range cmds {
			if err := c.Err(); err != nil && err != redis.Nil {
				return nil, refused(err)
			}
		}
		return cmds, nil
	})
}

// index enters a tenant's records into the indexes of terms that were declared since they were last complete. Others may
// do the same at the same time, and write: from the first script on, they keep the new indexes up.
func (s *Store) index(ctx context.Context, tenant string) error {
	c, sp := s.schema.Load(), s.space(tenant)
	text, err := within(ctx, func() (string, error) { return s.client.HGet(ctx, sp.meta(), "ready").Result() })
	if err != nil {
		return refused(err)
	}
	ready, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: ready is %q", errAnswer, text)
	}
	for name, k := range c.Kinds {
		if err := s.indexKind(ctx, c, sp, name, k.terms(), ready); err != nil {
			return err
		}
	}
	_, err = within(ctx, func() (any, error) {
		return readyScript.run(ctx, s.client, []string{sp.meta()}, c.generation())
	})
	return refused(err)
}

func (s *Store) indexKind(ctx context.Context, c *catalogue, sp space, name string, terms []field, ready int64) error {
	keys, fields, anyNew := []string{sp.meta(), sp.due(), sp.all(name)}, []string(nil), false
	for _, f := range terms {
		age := "old"
		if f.Term > ready {
			age, anyNew = "new", true
		}
		keys, fields = append(keys, sp.by(name, f.Name)), append(fields, f.Name, age)
	}
	for from := "-"; anyNew; {
		args := append([]string{c.generation(), from, strconv.Itoa(indexChunk), name, sp.records(name)}, fields...)
		answer, err := within(ctx, func() (any, error) { return indexScript.run(ctx, s.client, keys, args...) })
		if err != nil {
			return refused(err)
		}
		last, ok := answer.(string)
		if !ok {
			return fmt.Errorf("%w: %T", errAnswer, answer)
		}
		if last == "" {
			return nil
		}
		from = "(" + last
	}
	return nil
}
