package file

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

// keySize is enough for a tenant, a value and an id without another allocation, mostly.
const keySize = 128

// Get implements record.Backend.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	kinds := *s.kinds.Load()
	out := make([]record.Record, 0, len(keys))
	err := s.view(ctx, func(tx *bolt.Tx) error {
		var buf [keySize]byte
		for _, key := range keys {
			k, err := kinds.of(key.Kind)
			if err != nil {
				return err
			}
			if unstorable(key.Tenant) || unstorable(key.ID) {
				continue
			}
			b := tx.Bucket(k.bucket).Get(record.AppendKey(buf[:0], key.Tenant, key.ID))
			if b == nil {
				continue
			}
			r := record.Record{Key: key}
			if err := record.DecodeRecord(b, &r); err != nil {
				return fmt.Errorf("file store %s: %s %q: %w", s.path, key.Kind, key.ID, err)
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// unstorable reports whether p cannot be part of a key, which separates its parts by U+0000.
func unstorable(p string) bool { return strings.IndexByte(p, 0) >= 0 }

// Find implements record.Backend.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	if q.Limit <= 0 {
		return nil, ctx.Err()
	}
	k, err := s.kinds.Load().of(q.Kind)
	if err != nil {
		return nil, err
	}
	if unstorable(q.Tenant) || unstorable(q.Value) {
		return nil, ctx.Err()
	}
	var out []record.Record
	err = s.view(ctx, func(tx *bolt.Tx) (err error) {
		if q.Term == "" {
			out, err = k.list(tx, q)
		} else {
			out, err = k.find(tx, q)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("file store %s: %w", s.path, err)
	}
	return out, nil
}

// list returns all records of the kind in a tenant, within the bounds of q.
func (k *kind) list(tx *bolt.Tx, q record.Query) ([]record.Record, error) {
	var out []record.Record
	prefix := record.AppendKey(make([]byte, 0, keySize), q.Tenant)
	scan := newScan(tx.Bucket(k.bucket), prefix, q)
	for id, value, ok := scan.first(); ok && len(out) < q.Limit; id, value, ok = scan.next() {
		r := record.Record{Key: record.Key{Tenant: q.Tenant, Kind: k.Name, ID: id}}
		if err := record.DecodeRecord(value, &r); err != nil {
			return nil, fmt.Errorf("%s %q: %w", k.Name, id, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// find returns the records whose term has q.Value.
func (k *kind) find(tx *bolt.Tx, q record.Query) ([]record.Record, error) {
	t, ok := k.term(q.Term)
	if !ok {
		return nil, fmt.Errorf("kind %s has no term %q", k.Name, q.Term)
	}
	var out []record.Record
	records := tx.Bucket(k.bucket)
	key := record.AppendKey(make([]byte, 0, keySize), q.Tenant)
	prefix := record.AppendKey(make([]byte, 0, 2*keySize), q.Tenant, q.Value)
	scan := newScan(tx.Bucket(t.bucket), prefix, q)
	for id, _, ok := scan.first(); ok && len(out) < q.Limit; id, _, ok = scan.next() {
		// An entry is a hint. It may be stale where a release with another Upgrade wrote; Verify tells.
		b := records.Get(record.AppendKey(key, id))
		if b == nil {
			continue
		}
		r := record.Record{Key: record.Key{Tenant: q.Tenant, Kind: k.Name, ID: id}}
		if err := record.DecodeRecord(b, &r); err != nil {
			return nil, fmt.Errorf("%s %q: %w", k.Name, id, err)
		}
		if t.value(k.upgraded(r)) == q.Value {
			out = append(out, r)
		}
	}
	return out, nil
}

// scan walks the keys prefix + id + U+0000 in the order of ids, within From, To and After.
type scan struct {
	cursor *bolt.Cursor
	prefix []byte
	q      record.Query
}

func newScan(b *bolt.Bucket, prefix []byte, q record.Query) *scan {
	return &scan{cursor: b.Cursor(), prefix: prefix, q: q}
}

func (s *scan) first() (id string, value []byte, ok bool) {
	from := max(s.q.From, s.q.After)
	return s.accept(s.cursor.Seek(append(bytes.Clone(s.prefix), from...)))
}

func (s *scan) next() (id string, value []byte, ok bool) { return s.accept(s.cursor.Next()) }

func (s *scan) accept(key, value []byte) (string, []byte, bool) {
	for {
		if key == nil || !bytes.HasPrefix(key, s.prefix) {
			return "", nil, false
		}
		id := string(bytes.TrimSuffix(key[len(s.prefix):], []byte{0}))
		if s.q.To != "" && id >= s.q.To {
			return "", nil, false
		}
		if s.q.After == "" || id > s.q.After {
			return id, value, true
		}
		key, value = s.cursor.Next()
	}
}
