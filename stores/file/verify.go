package file

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

const maxFaults = 20 // reported by Verify

// Verify reads the whole file as of one moment and reports whether it is sound: every record can be decoded, every index
// has exactly the entries that the records call for, and nothing else is in the file. It returns nil, or record.ErrCorrupt
// with the first faults. Reads and writes go on meanwhile. It waits for a backup or compaction.
func (s *Store) Verify(ctx context.Context) error {
	release, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	v := &verification{store: s, ctx: ctx, kinds: *s.kinds.Load(), entries: map[string]int{}, known: map[string]bool{}}
	if err := s.view(ctx, v.run); err != nil {
		return fmt.Errorf("verify file store %s: %w", s.path, err)
	}
	return nil
}

type verification struct {
	store   *Store
	ctx     context.Context
	kinds   kindSet
	entries map[string]int // by index bucket, how many entries the records call for
	known   map[string]bool
	unsure  map[string]bool
	faults  []error
	steps   int
}

var errEnough = errors.New("more faults are not reported")

func (v *verification) fault(format string, args ...any) error {
	v.faults = append(v.faults, fmt.Errorf("%w: %w", record.ErrCorrupt, fmt.Errorf(format, args...)))
	if len(v.faults) >= maxFaults {
		return errEnough
	}
	return nil
}

func (v *verification) run(tx *bolt.Tx) error {
	v.unsure = map[string]bool{}
	err := v.all(tx)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return errors.Join(append(v.faults, err)...)
}

func (v *verification) all(tx *bolt.Tx) error {
	v.known[string(metaBucket)], v.known[string(expiryBucket)] = true, true
	for _, name := range v.kinds.names() {
		if err := v.records(tx, v.kinds[name]); err != nil {
			return err
		}
	}
	for _, name := range v.kinds.names() {
		for _, t := range v.kinds[name].terms {
			if err := v.count(tx, t.bucket, t.building); err != nil {
				return err
			}
		}
	}
	if err := v.count(tx, expiryBucket, false); err != nil {
		return err
	}
	return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
		if !v.known[string(name)] {
			return v.fault("unknown bucket %q", name)
		}
		return nil
	})
}

// records checks the records of k, and that each has its entries.
func (v *verification) records(tx *bolt.Tx, k *kind) error {
	b := tx.Bucket(k.bucket)
	v.known[string(k.bucket)] = true
	if b == nil {
		return v.fault("bucket %s is missing", k.bucket)
	}
	return v.walk(b, func(key, value []byte) error {
		r, err := decode(k, key, value)
		if err != nil {
			return v.fault("bucket %s: %w", k.bucket, err)
		}
		if r.Rev == 0 {
			return v.fault("%s %q has no revision", k.Name, r.ID)
		}
		if r.Version < k.Version && k.Upgrade == nil {
			for _, t := range k.terms { // a release with an Upgrade may have indexed something else
				v.unsure[string(t.bucket)] = true
			}
		}
		row := k.upgraded(r)
		for _, t := range k.terms {
			if value := t.value(row); value != "" && !t.building {
				entry := record.AppendKey(nil, r.Tenant, value, r.ID)
				if err := v.entry(tx, t.bucket, entry, k, r.ID); err != nil {
					return err
				}
			}
		}
		if entry := expiryEntry(r); entry != nil {
			return v.entry(tx, expiryBucket, entry, k, r.ID)
		}
		return nil
	})
}

func (v *verification) entry(tx *bolt.Tx, bucket, entry []byte, k *kind, id string) error {
	v.entries[string(bucket)]++
	if b := tx.Bucket(bucket); b == nil || b.Get(entry) == nil {
		if v.unsure[string(bucket)] {
			v.entries[string(bucket)]--
			return nil
		}
		return v.fault("%s %q is missing from index %s", k.Name, id, bucket)
	}
	return nil
}

// count makes sure that an index has no more entries than the records call for. None is missing: so they are the same.
func (v *verification) count(tx *bolt.Tx, bucket []byte, building bool) error {
	v.known[string(bucket)] = true
	b := tx.Bucket(bucket)
	if b == nil {
		return v.fault("index %s is missing", bucket)
	}
	n := 0
	if err := v.walk(b, func(_, _ []byte) error { n++; return nil }); err != nil {
		return err
	}
	if want := v.entries[string(bucket)]; n != want && !building && !v.unsure[string(bucket)] {
		return v.fault("index %s has %d entries, the records call for %d", bucket, n, want)
	}
	return nil
}

// walk calls fn for each entry, and sees to it that keys ascend.
func (v *verification) walk(b *bolt.Bucket, fn func(key, value []byte) error) error {
	last := ""
	c := b.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if v.steps++; v.steps%1024 == 0 {
			if err := v.store.interrupted(v.ctx); err != nil {
				return err
			}
		}
		if string(key) <= last {
			if err := v.fault("keys do not ascend at %q", key); err != nil {
				return err
			}
		}
		last = string(key)
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return nil
}
