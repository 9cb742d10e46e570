package file

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

const sweepChunk = 256 // records removed in one transaction

// Sweep implements record.Backend. It walks an index of expiries, not the records.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	swept := 0
	for swept < limit {
		var due []expired
		err := s.view(ctx, func(tx *bolt.Tx) (err error) {
			due, err = expiredBefore(tx, before, min(limit-swept, sweepChunk))
			return err
		})
		if err != nil || len(due) == 0 {
			return swept, err
		}
		removed := 0
		err = s.exclusive(ctx, func() error {
			return s.update(func(tx *bolt.Tx) (err error) {
				removed, err = s.remove(tx, due)
				return err
			})
		})
		if err != nil {
			return swept, err
		}
		if swept += removed; len(due) < sweepChunk {
			break
		}
	}
	return swept, ctx.Err()
}

// expired is an entry of the expiry index.
type expired struct {
	entry []byte
	key   record.Key
}

func expiredBefore(tx *bolt.Tx, before time.Time, limit int) ([]expired, error) {
	var out []expired
	c := tx.Bucket(expiryBucket).Cursor()
	for entry, _ := c.First(); entry != nil && len(out) < limit; entry, _ = c.Next() {
		ms, key, err := splitExpiryKey(entry)
		if err != nil {
			return nil, err
		}
		if !time.UnixMilli(ms).Before(before) {
			break
		}
		out = append(out, expired{bytes.Clone(entry), key})
	}
	return out, nil
}

// remove deletes the records whose entries are still there: the others were written or deleted in the meantime.
func (s *Store) remove(tx *bolt.Tx, due []expired) (n int, err error) {
	kinds := *s.kinds.Load()
	for _, d := range due {
		if tx.Bucket(expiryBucket).Get(d.entry) == nil {
			continue
		}
		k, err := kinds.of(d.key.Kind)
		if err != nil {
			return 0, err
		}
		changes, err := appendChanges(nil, tx, k, record.AppendKey(nil, d.key.Tenant, d.key.ID), nil, record.Record{})
		if err != nil {
			return 0, err
		}
		if len(changes) > 0 {
			n++
		}
		// The entry goes too where its record is missing, or the sweep would find it for ever.
		changes = append(changes, change{bucket: expiryBucket, key: d.entry})
		if err := apply(tx, changes); err != nil {
			return 0, err
		}
		s.journal.noteKey(d.key)
	}
	return n, nil
}
