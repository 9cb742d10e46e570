package mem

import (
	"context"
	"maps"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// Tenants implements record.Lister.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.data.mu.RLock()
	defer s.data.mu.RUnlock()
	seen := map[string]bool{}
	for key := range s.data.tables {
		seen[key.tenant] = true
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.data.mu.RLock()
	defer s.data.mu.RUnlock()
	var out []record.Kind
	for _, name := range slices.Sorted(maps.Keys(s.data.schema)) {
		out = append(out, record.Kind{Name: name, Fields: slices.Clone(s.data.schema[name].fields)})
	}
	return out, nil
}
