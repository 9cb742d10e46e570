package storetest

import (
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

var commitLaws = []law{
	{"puts where nothing must be", commitInserts},
	{"refuses to put where something is", commitRefusesInsert},
	{"replaces the wanted revision only", commitReplaces},
	{"deletes the wanted revision only", commitDeletes},
	{"checks without changing anything", commitChecks},
	{"applies all or none, whichever operation fails", commitAllOrNone},
	{"takes MaxOps operations", commitMaxOps},
	{"takes MaxBytes bytes", commitMaxBytes},
	{"accepts nothing to do", commitNothing},
	{"keeps a revision of 63 bits", commitLargeRevision},
	{"replaces the whole row and the expiry", commitReplacesWhole},
	{"that fails is never seen, not in part", commitFailureUnseen},
}

func commitInserts(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(b, putOp(0, r)))
	e.wantRecord(*e.get(b, r.Key), r)
}

func commitRefusesInsert(e *env) {
	r := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(e.instance(0), putOp(0, r)))
	for i := range 3 {
		e.wantErr(e.commit(e.instance(i), putOp(0, itemRecord(e.rev(), "a", "y", 2))), record.ErrConflict)
	}
	e.wantRecord(*e.get(e.backend(), r.Key), r)
	e.wantIDs(e.find(e.backend(), itemQuery("owner", "y")))
}

func commitReplaces(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.wantErr(e.commit(b, putOp(e.rev(), r)), record.ErrConflict)
	e.must(e.commit(b, putOp(0, r)))
	next := itemRecord(e.rev(), "a", "x", 2)
	e.wantErr(e.commit(b, putOp(e.rev(), next)), record.ErrConflict)
	e.wantRecord(*e.get(b, r.Key), r)
	e.must(e.commit(b, putOp(r.Rev, next)))
	e.wantErr(e.commit(e.instance(1), putOp(r.Rev, itemRecord(e.rev(), "a", "x", 3))), record.ErrConflict)
	e.wantRecord(*e.get(b, r.Key), next)
}

func commitDeletes(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.wantErr(e.commit(b, keyOp(record.Delete, r.Rev, "a")), record.ErrConflict)
	e.must(e.commit(b, putOp(0, r)))
	e.wantErr(e.commit(b, keyOp(record.Delete, e.rev(), "a")), record.ErrConflict)
	e.wantRecord(*e.get(b, r.Key), r)
	e.must(e.commit(b, keyOp(record.Delete, r.Rev, "a")))
	if got := e.get(e.instance(1), r.Key); got != nil {
		e.Errorf("deleted record is still there: %v", got)
	}
	e.wantErr(e.commit(b, keyOp(record.Delete, r.Rev, "a")), record.ErrConflict)
	e.must(e.commit(b, putOp(0, r)))
	e.wantRecord(*e.get(b, r.Key), r)
}

func commitChecks(e *env) {
	b := e.backend()
	r, other := itemRecord(e.rev(), "a", "x", 1), itemRecord(e.rev(), "b", "x", 1)
	check := func(want int64) []record.Op {
		return []record.Op{keyOp(record.Check, want, "a"), putOp(0, other)}
	}
	e.wantErr(e.commit(b, check(r.Rev)...), record.ErrConflict)
	e.must(e.commit(b, putOp(0, r)))
	e.wantErr(e.commit(b, check(e.rev())...), record.ErrConflict)
	if e.get(b, other.Key) != nil {
		e.Errorf("a commit whose check failed was applied")
	}
	e.must(e.commit(b, check(r.Rev)...))
	e.wantRecord(*e.get(b, r.Key), r)
	e.wantRecord(*e.get(b, other.Key), other)
	e.must(e.commit(b, keyOp(record.Check, r.Rev, "a"), keyOp(record.Check, other.Rev, "b")))
	e.must(e.commit(b, keyOp(record.Delete, other.Rev, "b")))
	e.wantErr(e.commit(b, keyOp(record.Check, r.Rev, "a"), keyOp(record.Check, other.Rev, "b")), record.ErrConflict)
}

func commitAllOrNone(e *env) {
	b := e.backend()
	stored := map[string]record.Record{}
	for _, id := range []string{"a", "b", "c", "d"} {
		stored[id] = itemRecord(e.rev(), id, "x", 1)
		e.must(e.commit(b, putOp(0, stored[id])))
	}
	for _, bad := range []string{"a", "b", "c", "d", "new"} {
		want := func(id string) int64 {
			if id == bad {
				return e.rev()
			}
			return stored[id].Rev
		}
		err := e.commit(b,
			putOp(want("a"), itemRecord(e.rev(), "a", "y", 2)),
			keyOp(record.Delete, want("b"), "b"),
			keyOp(record.Check, want("c"), "c"),
			putOp(want("d"), itemRecord(e.rev(), "d", "y", 2)),
			putOp(want("new"), itemRecord(e.rev(), "new", "y", 2)),
		)
		if !errors.Is(err, record.ErrConflict) {
			e.Errorf("with %q at another revision: %v, want %v", bad, err, record.ErrConflict)
		}
		for id, r := range stored {
			if got := e.get(b, itemKey(id)); got == nil || got.Rev != r.Rev {
				e.Fatalf("with %q at another revision, %q was changed to %v", bad, id, got)
			}
		}
		e.wantIDs(e.find(b, itemQuery("owner", "y")))
		e.wantIDs(e.find(b, itemQuery("", "")), "a", "b", "c", "d")
	}
}

func commitMaxOps(e *env) {
	b := e.backend()
	var put, check, del []record.Op
	for i := range record.MaxOps {
		r := itemRecord(e.rev(), fmt.Sprintf("id-%03d", i), "x", int64(i))
		put = append(put, putOp(0, r))
		check = append(check, keyOp(record.Check, r.Rev, r.ID))
		del = append(del, keyOp(record.Delete, r.Rev, r.ID))
	}
	e.must(e.commit(b, put...))
	e.must(e.commit(b, check...))
	if n := len(e.find(b, itemQuery("owner", "x"))); n != record.MaxOps {
		e.Errorf("found %d records, want %d", n, record.MaxOps)
	}
	e.must(e.commit(b, del...))
	e.wantIDs(e.find(b, itemQuery("", "")))
}

func commitNothing(e *env) { e.must(e.commit(e.backend())) }

func commitLargeRevision(e *env) {
	b := e.backend()
	for i, rev := range []int64{1, 1<<53 + 1, 1<<63 - 1} {
		r := itemRecord(rev, fmt.Sprint("id", i), "x", 1)
		e.must(e.commit(b, putOp(0, r)))
		e.wantRecord(*e.get(b, r.Key), r)
		e.wantErr(e.commit(b, keyOp(record.Delete, rev-1, r.ID)), record.ErrConflict)
		e.must(e.commit(b, keyOp(record.Delete, rev, r.ID)))
	}
}

func commitReplacesWhole(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	r.Expires, r.Version = e.clock.Now(), 3
	e.must(e.commit(b, putOp(0, r)))
	next := itemRecord(e.rev(), "a", "", 0)
	next.Row[1] = record.Value{}
	e.must(e.commit(b, putOp(r.Rev, next)))
	e.wantRecord(*e.get(b, r.Key), next)
}

// commitFailureUnseen lets commits fail in their last operation while somebody reads: no part of them is ever seen, and
// whatever is found by a term has it.
func commitFailureUnseen(e *env) {
	w, r := e.instance(0), e.instance(1)
	rev := e.rev()
	e.must(e.commit(w, putOp(0, itemRecord(rev, "a", "x", 0)), putOp(0, itemRecord(e.rev(), "z", "z", 0))))
	stop := make(chan struct{})
	together(2, func(who int) {
		if who == 1 {
			e.watchOwner(r, stop)
			return
		}
		defer close(stop)
		for n := range 10 * e.rounds {
			poison := itemRecord(e.rev(), "a", "y", -1)
			if e.commitRetry(w, putOp(rev, poison), putOp(0, itemRecord(e.rev(), "b", "x", -1)), keyOp(record.Check, e.rev(), "z")) {
				e.Errorf("a commit with a wrong revision was applied")
			}
			next := itemRecord(e.rev(), "a", "x", int64(n))
			if !e.commitRetry(w, putOp(rev, next)) {
				e.Errorf("a commit without competition was refused")
				return
			}
			rev = next.Rev
		}
	})
}

// watchOwner reads until stop: record "a" is there with owner "x" and a count that is not negative.
func (e *env) watchOwner(b record.Backend, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x"), itemQuery("owner", "y")} {
			found, err := b.Find(e.ctx, q)
			if err != nil && !errors.Is(err, record.ErrBusy) {
				e.Errorf("find: %v", err)
				return
			}
			for _, r := range found {
				if r.Row[1].Int() < 0 || q.Term != "" && r.Row[0].Text() != q.Value {
					e.Errorf("Find by %q %q returned part of a commit that was not applied: %v", q.Term, q.Value, r)
					return
				}
			}
		}
	}
}
