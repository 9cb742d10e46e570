package file

import (
	"context"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

// Prepare makes the file ready for the kinds of s: it creates what is missing and rebuilds the index of a term that was
// added later, or of a kind whose version was raised with an Upgrade. A kind or field that s lacks stays in the file, with
// its indexes kept up. ErrSchema says which field does not fit: a field never changes its name, type or position.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	release, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	var building []*kind
	err = s.exclusive(ctx, func() error {
		kinds, changed, err := merge(*s.kinds.Load(), schema)
		if err == nil && changed {
			err = s.update(func(tx *bolt.Tx) error { return kinds.install(tx) })
		}
		if err != nil {
			return err
		}
		s.kinds.Store(&kinds) // from here on each commit keeps the new indexes up
		building = kinds.building()
		return nil
	})
	if err != nil || len(building) == 0 {
		return err
	}
	for _, k := range building {
		if err := s.rebuild(ctx, k); err != nil {
			return fmt.Errorf("file store %s: build index of %s: %w", s.path, k.Name, err)
		}
	}
	return s.exclusive(ctx, func() error {
		kinds := s.kinds.Load().built()
		err := s.update(func(tx *bolt.Tx) error { return kinds.save(tx) })
		if err == nil {
			s.kinds.Store(&kinds)
		}
		return err
	})
}

func (ks kindSet) names() []string { return slices.Sorted(maps.Keys(ks)) }

// merge returns the kinds in the file together with those of the program.
func merge(have kindSet, schema record.Schema) (merged kindSet, changed bool, err error) {
	merged = maps.Clone(have)
	for _, d := range schema.Kinds {
		k := newKind(*d, func(string) bool { return true })
		k.Fields = slices.Clone(d.Fields)
		if old := have[d.Name]; old != nil {
			var grown bool
			if k, grown, err = old.extend(d); err != nil {
				return nil, false, err
			}
			changed = changed || grown
		} else {
			changed = true
		}
		merged[d.Name] = k
	}
	return merged, changed, nil
}

// extend returns k with what d adds to it.
func (k *kind) extend(d *record.Kind) (*kind, bool, error) {
	next := k.Kind
	if d.Version >= k.Version && d.Upgrade != nil {
		next.Upgrade = d.Upgrade
	}
	next.Version = max(k.Version, d.Version)
	next.Fields = slices.Clone(k.Fields)
	rebuild := map[string]bool{}
	for _, t := range k.terms {
		rebuild[k.Fields[t.field].Name] = t.building
	}
	changed := next.Version != k.Version
	for i, f := range d.Fields {
		if i >= len(next.Fields) {
			next.Fields = append(next.Fields, f)
			rebuild[f.Name], changed = f.Term, true
			continue
		}
		switch have := &next.Fields[i]; {
		case have.Name != f.Name:
			return nil, false, fmt.Errorf("%w: kind %s: field %d is %s in the file, not %s; fields are only added at the end",
				ErrSchema, k.Name, i+1, have.Name, f.Name)
		case have.Type != f.Type:
			return nil, false, fmt.Errorf("%w: kind %s: field %s is of type %s in the file, not %s",
				ErrSchema, k.Name, f.Name, have.Type, f.Type)
		case f.Term && !have.Term:
			have.Term, rebuild[f.Name], changed = true, true, true
		}
	}
	if d.Version > k.Version && d.Upgrade != nil { // older rows are now found by what Upgrade makes of them
		for _, f := range next.Fields {
			rebuild[f.Name] = f.Term
		}
	}
	return newKind(next, func(field string) bool { return rebuild[field] }), changed, nil
}

// building returns the kinds with incomplete indexes.
func (ks kindSet) building() []*kind {
	var out []*kind
	for _, name := range ks.names() {
		if slices.ContainsFunc(ks[name].terms, func(t term) bool { return t.building }) {
			out = append(out, ks[name])
		}
	}
	return out
}

// built returns the kinds with all indexes complete.
func (ks kindSet) built() kindSet {
	done := kindSet{}
	for name, k := range ks {
		c := *k
		c.terms = slices.Clone(k.terms)
		for i := range c.terms {
			c.terms[i].building = false
		}
		done[name] = &c
	}
	return done
}

// install makes the buckets, empties the indexes that are to be built, and saves the schema.
func (ks kindSet) install(tx *bolt.Tx) error {
	for _, k := range ks {
		if _, err := tx.CreateBucketIfNotExists(k.bucket); err != nil {
			return err
		}
		for _, t := range k.terms {
			if t.building && tx.Bucket(t.bucket) != nil {
				if err := tx.DeleteBucket(t.bucket); err != nil {
					return err
				}
			}
			if _, err := tx.CreateBucketIfNotExists(t.bucket); err != nil {
				return err
			}
		}
	}
	return ks.save(tx)
}

func (ks kindSet) save(tx *bolt.Tx) error {
	b, err := ks.encode()
	if err != nil {
		return err
	}
	return tx.Bucket(metaBucket).Put(schemaKey, b)
}

const rebuildChunk = 2000 // records in one transaction

// rebuild writes the index entries of all records of k, some at a time so that other commits get their turn.
func (s *Store) rebuild(ctx context.Context, k *kind) error {
	for from := []byte(nil); ; {
		done := false
		err := s.exclusive(ctx, func() error {
			return s.update(func(tx *bolt.Tx) (err error) {
				from, err = k.index(tx, from, rebuildChunk)
				done = from == nil
				return err
			})
		})
		if err != nil || done {
			return err
		}
	}
}

// index writes the index entries of n records after key from, and returns the last key, or nil at the end.
func (k *kind) index(tx *bolt.Tx, from []byte, n int) ([]byte, error) {
	c := tx.Bucket(k.bucket).Cursor()
	key, value := c.Seek(from)
	if from != nil && string(key) == string(from) {
		key, value = c.Next()
	}
	for ; key != nil; key, value = c.Next() {
		r, err := decode(k, key, value)
		if err != nil {
			return nil, err
		}
		row := k.upgraded(r)
		for _, t := range k.terms {
			if v := t.value(row); v != "" {
				entry := record.AppendKey(nil, r.Tenant, v, r.ID)
				if err := tx.Bucket(t.bucket).Put(entry, present); err != nil {
					return nil, err
				}
			}
		}
		if n--; n == 0 {
			return slices.Clone(key), nil
		}
	}
	return nil, nil
}
