package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

var expiryBucket = []byte("expiry")

// change is one Put or Delete of a bucket. A nil value deletes; an empty one does not.
type change struct {
	bucket, key, value []byte
}

var present = []byte{}

// appendChanges appends what replaces the record under key: r, or nothing when encoded is nil. It reads, and writes
// nothing, so whatever is wrong shows before the transaction has been touched.
func appendChanges(dst []change, tx *bolt.Tx, k *kind, key, encoded []byte, r record.Record) ([]change, error) {
	var was record.Record
	var wasRow, row record.Row
	if old := tx.Bucket(k.bucket).Get(key); old != nil {
		var err error
		if was, err = decode(k, key, old); err != nil {
			return dst, err
		}
		wasRow = k.upgraded(was)
	} else if encoded == nil {
		return dst, nil
	}
	if encoded != nil {
		row = k.upgraded(r)
	}
	dst = append(dst, change{k.bucket, key, encoded})
	for _, t := range k.terms {
		before, after := t.value(wasRow), t.value(row)
		if before != after && before != "" {
			dst = append(dst, change{t.bucket, record.AppendKey(nil, was.Tenant, before, was.ID), nil})
		}
		// An entry that should be there already may still be unwritten while its index is being built.
		if after != "" && (before != after || t.building) {
			dst = append(dst, change{t.bucket, record.AppendKey(nil, r.Tenant, after, r.ID), present})
		}
	}
	if encoded == nil {
		r.Expires = time.Time{}
	}
	if before, after := expiryEntry(was), expiryEntry(r); !bytes.Equal(before, after) {
		if before != nil {
			dst = append(dst, change{expiryBucket, before, nil})
		}
		if after != nil {
			dst = append(dst, change{expiryBucket, after, present})
		}
	}
	return dst, nil
}

// apply carries out changes.
func apply(tx *bolt.Tx, changes []change) error {
	for _, c := range changes {
		b := tx.Bucket(c.bucket)
		var err error
		if c.value == nil {
			err = b.Delete(c.key)
		} else {
			err = b.Put(c.key, c.value)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", c.bucket, err)
		}
	}
	return nil
}

// decode makes a record out of an entry of k's bucket, sharing no memory with it.
func decode(k *kind, key, value []byte) (record.Record, error) {
	parts, err := record.SplitKey(key, 2)
	if err != nil {
		return record.Record{}, fmt.Errorf("kind %s: %w", k.Name, err)
	}
	r := record.Record{Key: record.Key{Tenant: parts[0], Kind: k.Name, ID: parts[1]}}
	if err := record.DecodeRecord(value, &r); err != nil {
		return r, fmt.Errorf("%s %q: %w", k.Name, r.ID, err)
	}
	return r, nil
}

// expiryEntry is the key of r in the expiry index, or nil when it never expires.
func expiryEntry(r record.Record) []byte {
	if r.Expires.IsZero() {
		return nil
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(r.Expires.UnixMilli())^1<<63) // sorts as signed numbers do
	return record.AppendKey(b, r.Kind, r.Tenant, r.ID)
}

func splitExpiryKey(b []byte) (ms int64, k record.Key, err error) {
	if len(b) < 8 {
		return 0, k, fmt.Errorf("expiry: %w: key", record.ErrCorrupt)
	}
	parts, err := record.SplitKey(b[8:], 3)
	if err != nil {
		return 0, k, fmt.Errorf("expiry: %w", err)
	}
	ms = int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	return ms, record.Key{Kind: parts[0], Tenant: parts[1], ID: parts[2]}, nil
}
