package file

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

// op is an operation made ready for the writer, by the goroutine that commits.
type op struct {
	record.Op
	key     []byte // in the bucket of the kind
	encoded []byte // nil unless the verb is Put
}

// Commit implements record.Backend. When ctx ends while the commit waits for its turn, it is not applied and the error is
// ctx.Err(); once its turn has come, Commit waits for the outcome, which is a matter of one fsync.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closing.Err() != nil {
		return record.ErrClosed
	}
	if len(ops) == 0 {
		return nil
	}
	r, err := newRequest(ops)
	if err != nil {
		return fmt.Errorf("file store: commit: %w", err)
	}
	return s.queue.do(ctx, r)
}

// newRequest checks what the contract asks of ops, and encodes them.
func newRequest(ops []record.Op) (*request, error) {
	r := &request{ops: make([]op, len(ops)), done: make(chan struct{})}
	size := 0
	for i, o := range ops {
		if err := checkOp(ops, i); err != nil {
			return nil, err
		}
		size += len(o.Tenant) + len(o.ID) + 2
	}
	keys := make([]byte, 0, size)
	for i, o := range ops {
		p := op{Op: o}
		start := len(keys)
		keys = record.AppendKey(keys, o.Tenant, o.ID)
		p.key = keys[start:len(keys):len(keys)]
		if o.Verb == record.Put {
			p.encoded = record.AppendRecord(nil, o.Record)
		}
		r.writes = r.writes || o.Verb != record.Check
		r.size += len(p.encoded)
		r.ops[i] = p
	}
	return r, nil
}

func checkOp(ops []record.Op, i int) error {
	o := ops[i]
	switch {
	case o.Verb < record.Put || o.Verb > record.Check:
		return fmt.Errorf("operation %d has no verb", i)
	case o.Tenant == "" || o.ID == "" || unstorable(o.Tenant) || unstorable(o.ID):
		return fmt.Errorf("operation %d: tenant %q or id %q is empty or contains U+0000", i, o.Tenant, o.ID)
	case o.Rev == 0 && o.Verb == record.Put:
		return fmt.Errorf("operation %d puts %s %q without a revision", i, o.Kind, o.ID)
	case i > 0 && o.Tenant != ops[0].Tenant:
		return fmt.Errorf("operation %d belongs to another tenant than the first", i)
	case i > 0 && ops[i-1].Key.Compare(o.Key) >= 0:
		return fmt.Errorf("operation %d is not after the one before it in the order of keys", i)
	}
	return nil
}

// judge says whether the conditions of r hold in tx.
func (r *request) judge(tx *bolt.Tx, kinds kindSet) error {
	for i := range r.ops {
		o := &r.ops[i]
		k, err := kinds.of(o.Kind)
		if err != nil {
			return err
		}
		rev := int64(0)
		if b := tx.Bucket(k.bucket).Get(o.key); b != nil {
			if rev, err = record.EncodedRev(b); err != nil {
				return fmt.Errorf("%s %q: %w", o.Kind, o.ID, err)
			}
		}
		if rev != o.Want || rev == 0 && o.Verb != record.Put { // nothing is there to delete or check
			return record.ErrConflict
		}
	}
	return nil
}

// changes returns what r does to the file, whose conditions hold.
func (r *request) changes(tx *bolt.Tx, kinds kindSet) (out []change, err error) {
	for i := range r.ops {
		o := &r.ops[i]
		if o.Verb == record.Check {
			continue
		}
		if out, err = appendChanges(out, tx, kinds[o.Kind], o.key, o.encoded, o.Record); err != nil {
			return nil, err
		}
	}
	return out, nil
}
