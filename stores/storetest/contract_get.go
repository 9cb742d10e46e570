package storetest

import (
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

var getLaws = []law{
	{"returns the records that exist among the keys", getReturnsWhatExists},
	{"returns nothing for no keys", getOfNothing},
	{"allows keys to repeat", getRepeated},
	{"takes as many keys as a commit has operations", getMany},
	{"sees every acknowledged commit, on every instance", getSeesCommits},
	{"returns fresh copies", getReturnsCopies},
	{"does not keep what was given to Commit", commitTakesCopies},
	{"returns expired records", getReturnsExpired},
}

func getReturnsWhatExists(e *env) {
	b := e.backend()
	r1, r3 := itemRecord(e.rev(), "a", "x", 1), itemRecord(e.rev(), "c", "y", 3)
	e.must(e.commit(b, putOp(0, r1), putOp(0, r3)))
	got, err := b.Get(e.ctx, itemKey("c"), itemKey("b"), itemKey("a"))
	e.must(err)
	if len(got) != 2 {
		e.Fatalf("got %d records, want 2: %v", len(got), got)
	}
	for _, r := range got {
		want := r1
		if r.ID == "c" {
			want = r3
		}
		e.wantRecord(r, want)
	}
}

func getOfNothing(e *env) {
	if got, err := e.backend().Get(e.ctx); err != nil || len(got) != 0 {
		e.Errorf("Get() = %v, %v", got, err)
	}
}

func getRepeated(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(b, putOp(0, r)))
	got, err := b.Get(e.ctx, r.Key, r.Key, itemKey("none"), itemKey("none"))
	e.must(err)
	if len(got) < 1 || len(got) > 2 {
		e.Fatalf("got %d records for one key named twice", len(got))
	}
	for _, g := range got {
		e.wantRecord(g, r)
	}
}

func getMany(e *env) {
	b := e.backend()
	var ops []record.Op
	var keys []record.Key
	for i := range record.MaxOps {
		r := itemRecord(e.rev(), fmt.Sprintf("id-%03d", i), "x", int64(i))
		ops, keys = append(ops, putOp(0, r)), append(keys, r.Key)
	}
	e.must(e.commit(b, ops...))
	got, err := b.Get(e.ctx, keys...)
	e.must(err)
	if len(got) != record.MaxOps {
		e.Errorf("got %d records, want %d", len(got), record.MaxOps)
	}
}

func getSeesCommits(e *env) {
	rev := int64(0)
	for i := range 20 {
		r := itemRecord(e.rev(), "a", fmt.Sprint("owner", i), int64(i))
		e.must(e.commit(e.instance(i%3), putOp(rev, r)))
		rev = r.Rev
		for j := range 3 {
			got := e.get(e.instance(j), r.Key)
			if got == nil || got.Rev != rev {
				e.Fatalf("instance %d does not see revision %d that instance %d committed: %v", j, rev, i%3, got)
			}
			e.wantIDs(e.find(e.instance(j), itemQuery("owner", fmt.Sprint("owner", i))), "a")
		}
	}
}

func getReturnsCopies(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(b, putOp(0, r)))
	first := e.get(b, r.Key)
	found, err := b.Find(e.ctx, itemQuery("", ""))
	e.must(err)
	first.Row[1] = record.IntValue(66)
	found[0].Row[0] = record.StringValue("changed")
	e.wantRecord(*e.get(b, r.Key), r)
	again, err := b.Find(e.ctx, itemQuery("", ""))
	e.must(err)
	e.wantRecord(again[0], r)
}

func commitTakesCopies(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	given := itemRecord(r.Rev, "a", "x", 1)
	ops := []record.Op{putOp(0, given)}
	e.must(b.Commit(e.ctx, ops))
	given.Row[1] = record.IntValue(66)
	ops[0].ID = "b"
	e.wantRecord(*e.get(b, r.Key), r)
}

func getReturnsExpired(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	r.Expires = e.clock.Now().AddDate(-20, 0, 0)
	e.must(e.commit(b, putOp(0, r)))
	if got := e.get(b, r.Key); got == nil {
		e.Errorf("Get does not return an expired record")
	} else {
		e.wantRecord(*got, r)
	}
	e.wantIDs(e.find(b, itemQuery("", "")), "a")
	e.wantIDs(e.find(b, itemQuery("owner", "x")), "a")
}

// wantRecord checks everything of a stored record.
func (e *env) wantRecord(got, want record.Record) {
	e.Helper()
	if got.Key != want.Key || got.Rev != want.Rev || got.Version != want.Version || !got.Expires.Equal(want.Expires) {
		e.Errorf("record is\n%+v, want\n%+v", got, want)
		return
	}
	for i := range max(len(got.Row), len(want.Row)) {
		var g, w record.Value
		if i < len(got.Row) {
			g = got.Row[i]
		}
		if i < len(want.Row) {
			w = want.Row[i]
		}
		if g != w {
			e.Errorf("%v: value %d is %v %q %d, want %v %q %d",
				got.Key, i, g.Type(), g.Text(), g.Int(), w.Type(), w.Text(), w.Int())
		}
	}
}
