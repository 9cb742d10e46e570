package redis

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// Tenants implements record.Lister. A tenant stays on the list when its last record is gone.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	var all []string
	err := s.eachTenants(ctx, func(tenants []string) error {
		all = append(all, tenants...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("redis store: list tenants: %w", err)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.reload(ctx); err != nil {
		return nil, err
	}
	var out []record.Kind
	kinds := s.schema.Load().Kinds
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		k := record.Kind{Name: name}
		for _, f := range kinds[name].Fields {
			k.Fields = append(k.Fields, record.Field{Name: f.Name, Type: f.kind, Term: f.Term > 0})
		}
		out = append(out, k)
	}
	return out, nil
}
