package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var closeLaws = []law{
	{"makes calls after it fail", closedFails},
	{"loses nothing that was acknowledged", closeKeeps},
	{"of one instance leaves the others open", closeOne},
	{"and a second Open of a single-process store is refused", openTwice},
}

func closedFails(e *env) {
	b := e.backend()
	e.fill(b, "x", "a")
	e.must(b.Close())
	calls := map[string]func() error{
		"Get":    func() error { _, err := b.Get(e.ctx, itemKey("a")); return err },
		"Find":   func() error { _, err := b.Find(e.ctx, itemQuery("", "")); return err },
		"Commit": func() error { return e.commit(b, putOp(0, itemRecord(e.rev(), "b", "x", 1))) },
		"Sweep":  func() error { _, err := b.Sweep(e.ctx, e.clock.Now(), 1); return err },
	}
	for name, call := range calls {
		if call() == nil {
			e.Errorf("%s after Close does not fail", name)
		}
	}
}

func closeKeeps(e *env) {
	r := itemRecord(e.rev(), "a", "x", 1)
	r.Expires = e.clock.Now()
	gone := itemRecord(e.rev(), "b", "x", 1)
	e.must(e.commit(e.backend(), putOp(0, r), putOp(0, gone)))
	e.must(e.commit(e.backend(), keyOp(record.Delete, gone.Rev, "b")))
	if e.h.Volatile {
		return
	}
	e.closeAll()
	b := e.backend()
	if got := e.get(b, r.Key); got == nil {
		e.Errorf("the record is gone after Close and Open")
	} else {
		e.wantRecord(*got, r)
	}
	e.wantIDs(e.find(b, itemQuery("owner", "x")), "a")
	if n, err := b.Sweep(e.ctx, e.clock.Now().Add(time.Second), 10); n != 1 || err != nil {
		e.Errorf("after Close and Open, Sweep = %d, %v, want 1", n, err)
	}
}

func closeOne(e *env) {
	if e.h.Single {
		return
	}
	e.fill(e.instance(0), "x", "a")
	e.instance(1)
	e.must(e.instance(0).Close())
	e.wantIDs(e.find(e.instance(1), itemQuery("", "")), "a")
	e.fill(e.instance(1), "x", "b")
}

func openTwice(e *env) {
	if !e.h.Single {
		return
	}
	e.fill(e.backend(), "x", "a")
	refused := make(chan error, 1)
	go func() {
		b, err := e.h.Open()
		if err == nil {
			err = b.Close()
			refused <- errors.Join(errors.New("a second Open is not refused"), err)
			return
		}
		refused <- nil
	}()
	select {
	case err := <-refused:
		e.must(err)
	case <-time.After(20 * time.Second):
		e.Fatalf("a second Open neither fails nor returns")
	}
	e.wantIDs(e.find(e.backend(), itemQuery("", "")), "a")
}

var prepareLaws = []law{
	{"is idempotent", prepareTwice},
	{"is safe while others run with an older schema", prepareNewer},
	{"indexes records that were there before their term", prepareNewTerm},
	{"is safe from several instances at once", prepareTogether},
}

func prepareTwice(e *env) {
	b := e.backend()
	e.fill(b, "x", "a")
	e.must(b.Prepare(e.ctx, record.Schema{Kinds: allKinds}))
	e.wantIDs(e.find(b, itemQuery("owner", "x")), "a")
}

// newerItem is the item kind of a later release: one more field, by which it can be found.
func newerItem() *record.Kind {
	k := *items.Kind()
	k.Version = 2
	k.Fields = append(k.Fields[:len(k.Fields):len(k.Fields)], record.Field{Name: "city", Type: record.String, Term: true})
	return &k
}

func prepareNewer(e *env) {
	older, newer := e.instance(0), e.instance(1)
	e.fill(older, "x", "a")
	e.must(newer.Prepare(e.ctx, record.Schema{Kinds: []*record.Kind{newerItem()}}))
	r := itemRecord(e.rev(), "b", "x", 1)
	r.Version, r.Row = 2, append(r.Row, record.StringValue("Bern"))
	e.must(e.commit(newer, putOp(0, r)))
	e.wantIDs(e.find(newer, itemQuery("city", "Bern")), "b")
	e.wantIDs(e.find(older, itemQuery("owner", "x")), "a", "b")
	e.wantRecord(*e.get(older, r.Key), r)
	again := r
	again.Rev = e.rev()
	e.must(e.commit(older, putOp(r.Rev, again)))
	e.wantRecord(*e.get(newer, r.Key), again)
	e.fill(older, "x", "c")
	e.wantIDs(e.find(newer, itemQuery("owner", "x")), "a", "b", "c")
}

func prepareNewTerm(e *env) {
	b := e.backend()
	k := *items.Kind()
	k.Name = "late"
	k.Fields = []record.Field{{Name: "owner", Type: record.String}, {Name: "n", Type: record.Int}}
	e.must(b.Prepare(e.ctx, record.Schema{Kinds: []*record.Kind{&k}}))
	r := itemRecord(e.rev(), "a", "x", 1)
	r.Kind = "late"
	e.must(e.commit(b, putOp(0, r)))
	later := k
	later.Fields = []record.Field{{Name: "owner", Type: record.String, Term: true}, {Name: "n", Type: record.Int}}
	e.must(b.Prepare(e.ctx, record.Schema{Kinds: []*record.Kind{&later}}))
	q := itemQuery("owner", "x")
	q.Kind = "late"
	e.wantIDs(e.find(b, q), "a")
}

func prepareTogether(e *env) {
	if e.h.Single {
		e.backend()
	}
	together(4, func(i int) {
		k := newerItem()
		k.Name = fmt.Sprint("together", i%2)
		if err := e.instance(i).Prepare(e.ctx, record.Schema{Kinds: []*record.Kind{k}}); err != nil {
			e.Errorf("prepare: %v", err)
		}
	})
	r := itemRecord(e.rev(), "a", "x", 1)
	r.Kind = "together1"
	e.must(e.commit(e.instance(0), putOp(0, r)))
	q := itemQuery("owner", "x")
	q.Kind = "together1"
	e.wantIDs(e.find(e.instance(1), q), "a")
}
