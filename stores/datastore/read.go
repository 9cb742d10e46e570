package datastore

import (
	"context"
	"fmt"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// Get returns the records that exist among keys.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	var unique []record.Key
	var names []*datastore.Key
	seen := make(map[record.Key]bool, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			unique, names = append(unique, k), append(names, s.names.entity(k))
		}
	}
	found, err := s.read(ctx, func(r reader) ([]entity, error) {
		list, err := r.get(names)
		out := make([]entity, len(list))
		for i, props := range list {
			out[i] = entity{names[i], props}
		}
		return out, err
	})
	if err != nil {
		return nil, failed(ctx, err)
	}
	out := make([]record.Record, 0, len(found))
	for i, e := range found {
		if e.props == nil {
			continue
		}
		r, err := s.record(ctx, unique[i], e.props)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Find returns the records that match q, ascending by id.
//
// It is a query by one equality and a range of keys, in the order of keys. Those are among the queries for which "the
// built-in indexes are sufficient": "queries using only ancestor filters, equality filters on properties, and inequality
// filters on keys" (Datastore documentation, Indexes). The range is always given, since it keeps tenants apart.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	l, err := s.layout(ctx, q.Kind, 0)
	if err != nil {
		return nil, err
	}
	if q.Term != "" && !l.terms[q.Term] {
		return nil, fmt.Errorf("datastore: kind %s has no term %q", q.Kind, q.Term)
	}
	low, high, inclusive := s.names.bounds(q)
	if low >= high || q.Term != "" && (q.Value == "" || len(q.Value) > maxIndexed) {
		return nil, nil
	}
	ns := s.names.namespace(q.Tenant)
	from := ">"
	if inclusive {
		from = ">="
	}
	dq := datastore.NewQuery(s.names.prefix+q.Kind).Namespace(ns).
		FilterField("__key__", from, s.names.key(ns, q.Kind, low)).
		FilterField("__key__", "<", s.names.key(ns, q.Kind, high)).
		Order("__key__").Limit(q.Limit)
	if q.Term != "" {
		dq = dq.FilterField(q.Term, "=", q.Value)
	}
	found, err := s.read(ctx, func(r reader) ([]entity, error) { return r.run(dq) })
	if err != nil {
		return nil, failed(ctx, err)
	}
	out := make([]record.Record, len(found))
	for i, e := range found {
		id, err := s.names.id(q.Tenant, e.key)
		if err != nil {
			return nil, err
		}
		if out[i], err = s.record(ctx, record.Key{Tenant: q.Tenant, Kind: q.Kind, ID: id}, e.props); err != nil {
			return nil, err
		}
	}
	return out, nil
}
