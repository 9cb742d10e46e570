package file

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// Tenants implements record.Lister. It looks at one record of each tenant and kind.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	seen := map[string]bool{}
	for _, k := range *s.kinds.Load() {
		err := s.view(ctx, func(tx *bolt.Tx) error {
			c := tx.Bucket(k.bucket).Cursor()
			for key, _ := c.First(); key != nil; {
				tenant, _, ok := bytes.Cut(key, []byte{0})
				if !ok {
					return fmt.Errorf("file store %s: %w: key of a %s", s.path, record.ErrCorrupt, k.Name)
				}
				seen[string(tenant)] = true
				key, _ = c.Seek(append(bytes.Clone(tenant), 1)) // behind all keys of the tenant
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	if err := s.readable(); err != nil {
		return nil, err
	}
	var out []record.Kind
	kinds := *s.kinds.Load()
	for _, name := range kinds.names() {
		out = append(out, record.Kind{Name: name, Fields: slices.Clone(kinds[name].Fields)})
	}
	return out, ctx.Err()
}
