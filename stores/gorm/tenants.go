package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// tenanted is a keeper that can find the tenants of its records one by one.
type tenanted interface {
	nextTenant(r reader, after string) (tenant string, ok bool, err error)
}

// Tenants implements record.Lister. It looks into the primary key once for each tenant and table.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	kinds, err := s.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, k := range kinds {
		kind := k.Name
		for after, more := "", true; more; {
			found, err := s.read(ctx, kind, func(k keeper, r reader) ([]record.Record, error) {
				t, ok := k.(tenanted)
				if !ok {
					return nil, fmt.Errorf("gormstore: the tenants of %s cannot be listed", kind)
				}
				tenant, ok, err := t.nextTenant(r, after)
				if err != nil || !ok {
					return nil, err
				}
				return []record.Record{{Key: record.Key{Tenant: tenant}}}, nil
			})
			if err != nil {
				return nil, err
			}
			if more = len(found) > 0; more {
				after = found[0].Tenant
				seen[after] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

func (t *table) nextTenant(r reader, after string) (tenant string, ok bool, err error) {
	rows, err := r.db.Raw("SELECT MIN(tenant) FROM "+t.name+" WHERE tenant > ?", after).Rows()
	if err != nil {
		return "", false, err
	}
	defer rows.Close()
	var next sql.NullString
	for rows.Next() {
		err = rows.Scan(&next)
	}
	return next.String, next.Valid, errors.Join(err, rows.Err(), rows.Close())
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	c, err := s.readCatalogue(own(ctx, s.db))
	if err != nil {
		return nil, err
	}
	var out []record.Kind
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		out = append(out, record.Kind{Name: name, Fields: c.fields[name]})
	}
	return out, nil
}
