package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/oneauth-go/oneauth/core/record"
)

// findPatience is how many index entries one script looks at. More are only needed where Redis expired many records by
// itself and nobody swept.
const findPatience = 2 * record.MaxPage

// Find returns the records that match q, ascending by id: one script, which sees one moment.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.caughtUp(ctx, q.Tenant); err != nil {
		return nil, err
	}
	out, err := s.find(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("redis store: find: %w", refused(err))
	}
	return out, nil
}

func (s *Store) find(ctx context.Context, q record.Query) ([]record.Record, error) {
	sp := s.space(q.Tenant)
	index := sp.all(q.Kind)
	if q.Term != "" {
		index = sp.by(q.Kind, q.Term)
	}
	out := []record.Record{}
	for min, max := bounds(q); ; {
		var generation string
		err := s.withSchema(ctx, func(c *catalogue) error {
			generation = c.generation()
			return c.searchable(q)
		})
		if err != nil {
			return nil, err
		}
		answer, err := within(ctx, func() (any, error) {
			return findScript.run(ctx, s.client, []string{sp.meta(), index}, generation, q.Term, q.Value, min, max,
				strconv.Itoa(q.Limit-len(out)), strconv.Itoa(findPatience), sp.records(q.Kind))
		})
		if err != nil {
			return nil, err
		}
		if answer == "building" {
			if err := s.index(ctx, q.Tenant); err != nil {
				return nil, err
			}
			continue
		}
		page, last, err := s.page(ctx, q, answer)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if last == "" || len(out) >= q.Limit {
			return out, nil
		}
		min = "(" + last
	}
}

// searchable reports a kind or term that is not declared.
func (c *catalogue) searchable(q record.Query) error {
	k, err := c.kind(q.Kind)
	if err != nil || q.Term == "" {
		return err
	}
	if !slices.ContainsFunc(k.terms(), func(f field) bool { return f.Name == q.Term }) {
		return fmt.Errorf("%w: term %q of kind %s", errUndeclared, q.Term, q.Kind)
	}
	return nil
}

// page decodes the answer of the script.
func (s *Store) page(ctx context.Context, q record.Query, answer any) (out []record.Record, last string, err error) {
	parts, ok := answer.([]any)
	if !ok || len(parts)%2 != 1 {
		return nil, "", fmt.Errorf("%w: a page is %T", errAnswer, answer)
	}
	if last, ok = parts[0].(string); !ok {
		return nil, "", fmt.Errorf("%w: the last entry is %T", errAnswer, parts[0])
	}
	for i := 1; i < len(parts); i += 2 {
		id, ok := parts[i].(string)
		if !ok {
			return nil, "", fmt.Errorf("%w: an id is %T", errAnswer, parts[i])
		}
		r, _, err := s.hashed(ctx, record.Key{Tenant: q.Tenant, Kind: q.Kind, ID: id}, parts[i+1])
		if err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	return out, last, nil
}

// bounds returns the range of index entries, in ZRANGEBYLEX's notation. The entries of a term are value NUL id, and no
// value has a NUL.
func bounds(q record.Query) (min, max string) {
	prefix := ""
	max = "+"
	if q.Term != "" {
		prefix = q.Value + "\x00"
		max = "(" + q.Value + "\x01"
	}
	min = "[" + prefix + q.From
	if q.After != "" && q.After >= q.From {
		min = "(" + prefix + q.After
	}
	if q.To != "" {
		max = "(" + prefix + q.To
	}
	return min, max
}
