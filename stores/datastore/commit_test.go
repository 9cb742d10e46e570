package datastore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

// Somebody else commits between the lookup and the commit of a transaction that only checks the record: whichever of the
// many records it is, also one that the server deferred to a second lookup.
func TestEveryCheckedRecordIsValidated(t *testing.T) {
	const width = 24
	p := fake(t, dstest.Options{}, datastore.Shared)
	s, other := p.prepared(t), p.prepared(t)
	ops := []record.Op{putNote(0, 1, "new", "x")}
	for i := range width {
		id := fmt.Sprintf("r%02d", i)
		noError(t, s.Commit(t.Context(), []record.Op{putNote(0, 1, id, "x")}))
		ops = append(ops, keyOp(record.Check, 1, id))
	}
	for i := range width {
		id := fmt.Sprintf("r%02d", i)
		p.server.Fail(func(c dstest.Call) dstest.Fault {
			if c.Method == "Commit" && c.N == 1 {
				if err := other.Commit(t.Context(), []record.Op{putNote(1, 2, id, "y")}); err != nil {
					t.Errorf("the one in between: %v", err)
				}
			}
			return dstest.Fault{}
		})
		if err := s.Commit(t.Context(), ops); !errors.Is(err, record.ErrBusy) {
			t.Errorf("%s changed, and the commit that checked it returned %v", id, err)
		}
		p.server.Fail(nil)
		if err := s.Commit(t.Context(), ops); !errors.Is(err, record.ErrConflict) {
			t.Errorf("%s has changed before, and the commit that checks it returned %v", id, err)
		}
		noError(t, other.Commit(t.Context(), []record.Op{putNote(2, 1, id, "x")}))
	}
	noError(t, s.Commit(t.Context(), ops))
}

// Sweep judges each expiry again in the transaction that deletes.
func TestSweepSparesWhatIsRenewedMeanwhile(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	s, other := p.prepared(t), p.prepared(t)
	for _, id := range []string{"a", "b"} {
		op := putNote(0, 1, id, "x")
		op.Expires = noon
		noError(t, s.Commit(t.Context(), []record.Op{op}))
	}
	p.server.Fail(func(c dstest.Call) dstest.Fault {
		if c.Method == "BeginTransaction" && c.N == 1 {
			if err := other.Commit(t.Context(), []record.Op{putNote(1, 2, "a", "x")}); err != nil { // never expires
				t.Errorf("renew: %v", err)
			}
		}
		return dstest.Fault{}
	})
	n, err := s.Sweep(t.Context(), noon.AddDate(0, 0, 1), 10)
	noError(t, err)
	if n != 1 || revision(t, s, "a") != 2 || revision(t, s, "b") != 0 {
		t.Errorf("swept %d; a is at revision %d and b at %d", n, revision(t, s, "a"), revision(t, s, "b"))
	}
}
