package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var modelLaws = []law{
	{"random transactions do what they do to a map", modelTransactions},
	{"random commits do what they do to a map", modelCommits},
}

// modelIDs are few, so that operations meet.
var modelIDs = []string{"a", "a ", "aa", "A", "b", "%", "a/b", "ä", "😀", "b:"}

// model is what the store should hold.
type model map[string]item

// visible returns the items that are there at a time, found by owner unless that is empty, in order.
func (m model) visible(now time.Time, owner string) []item {
	var out []item
	for _, id := range slices.Sorted(maps.Keys(m)) {
		it := m[id]
		if (owner == "" || it.Owner == owner) && (it.Until.IsZero() || it.Until.After(now)) {
			out = append(out, it)
		}
	}
	return out
}

func (m model) get(now time.Time, id string) (item, bool) {
	it, ok := m[id]
	return it, ok && (it.Until.IsZero() || it.Until.After(now))
}

func modelTransactions(e *env) {
	s := seed(uint64(time.Now().UnixNano()))
	e.Logf("STORETEST_SEED=%d", s)
	rng := rand.New(rand.NewPCG(s, 1))
	m := model{}
	for step := range 30 * e.rounds {
		next := maps.Clone(m)
		fail := rng.IntN(5) == 0
		db := e.db(rng.IntN(racerInstances))
		plan := rng.Uint64() // the function may run again, and then does the same
		err := e.update(db, func(rows record.Rows[item]) error {
			next = maps.Clone(m)
			choices := rand.New(rand.NewPCG(plan, 2))
			for range 1 + choices.IntN(8) {
				if err := e.modelStep(choices, rows, next); err != nil {
					return err
				}
			}
			if fail {
				return errStop
			}
			return nil
		})
		switch {
		case fail && errors.Is(err, errStop):
		case err == nil && !fail:
			m = next
		default:
			e.Fatalf("step %d: %v", step, err)
		}
		if rng.IntN(4) == 0 {
			e.clock.Advance(time.Duration(rng.IntN(90)) * time.Second)
		}
		if rng.IntN(8) == 0 {
			e.modelSweep(db, m)
		}
		if e.modelCompare(e.db(rng.IntN(racerInstances)), m); e.Failed() {
			e.Fatalf("step %d: repeat with STORETEST_SEED=%d", step, s)
		}
	}
}

// modelStep does one random thing to rows and to m, and compares the answers.
func (e *env) modelStep(rng *rand.Rand, rows record.Rows[item], m model) error {
	now := e.clock.Now()
	it := item{ID: modelIDs[rng.IntN(len(modelIDs))], Owner: []string{"", "x", "y", "X"}[rng.IntN(4)], N: rng.Int64()}
	if rng.IntN(3) == 0 {
		it.Until = now.Add(time.Duration(rng.IntN(60)) * time.Second)
	}
	_, there := m.get(now, it.ID)
	agree := func(what string, err error, want error) error {
		if !errors.Is(err, want) {
			return fmt.Errorf("%s(%q) = %v, want %v", what, it.ID, err, want)
		}
		if err == nil {
			m[it.ID] = it
		}
		return nil
	}
	switch rng.IntN(6) {
	case 0:
		if !there {
			return agree("Insert", rows.Insert(&it), nil)
		}
		if _, err := rows.Peek(it.ID); err != nil { // an insert that does not look first makes the function run again
			return err
		}
		return agree("Insert", rows.Insert(&it), record.ErrExists)
	case 1:
		if !there {
			return agree("Put", rows.Put(&it), record.ErrNotFound)
		}
		return agree("Put", rows.Put(&it), nil)
	case 2:
		return agree("Set", rows.Set(&it), nil)
	case 3:
		delete(m, it.ID)
		return rows.Delete(it.ID)
	case 4:
		got, err := rows.Get(it.ID)
		if want, ok := m.get(now, it.ID); ok != (err == nil) || ok && *got != want {
			return fmt.Errorf("Get(%q) = %+v, %v, want %+v, %v", it.ID, got, err, want, ok)
		}
		return nil
	}
	return e.modelList(rng, rows, m)
}

// modelList compares a random page.
func (e *env) modelList(rng *rand.Rand, rows record.Rows[item], m model) error {
	p := record.Page{Limit: 1 + rng.IntN(4)}
	for _, bound := range []*string{&p.After, &p.From, &p.To} {
		if rng.IntN(3) == 0 {
			*bound = modelIDs[rng.IntN(len(modelIDs))]
		}
	}
	owner := []string{"x", "y", ""}[rng.IntN(3)]
	var got []*item
	var err error
	if owner == "" {
		got, err = rows.All(p)
	} else {
		got, err = rows.Find("owner", owner, p)
	}
	if err != nil {
		return err
	}
	want := slices.DeleteFunc(m.visible(e.clock.Now(), owner), func(it item) bool {
		return it.ID < p.From || p.To != "" && it.ID >= p.To || p.After != "" && it.ID <= p.After
	})
	if !sameItems(got, want[:min(len(want), p.Limit)]) {
		ids, _ := idsOf(got, nil)
		return fmt.Errorf("owner %q, page %+v: found %q, want the first of %+v", owner, p, ids, want)
	}
	return nil
}

func sameItems(got []*item, want []item) bool {
	return slices.EqualFunc(got, want, func(a *item, b item) bool { return *a == b })
}

func (e *env) modelSweep(db *record.DB, m model) {
	n, err := db.Sweep(e.ctx, 1000)
	e.must(err)
	swept := 0
	for id, it := range m {
		if !it.Until.IsZero() && it.Until.Before(e.clock.Now().Add(-5*time.Minute)) {
			delete(m, id)
			swept++
		}
	}
	if n > swept+len(modelIDs) { // expired records that the map has forgotten may be swept too
		e.Errorf("swept %d records, want %d", n, swept)
	}
}

func (e *env) modelCompare(db *record.DB, m model) {
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		for _, owner := range []string{"", "x", "y", "X"} {
			find := func() ([]*item, error) { return items.In(tx).Find("owner", owner, record.Page{}) }
			if owner == "" {
				find = func() ([]*item, error) { return items.In(tx).All(record.Page{}) }
			}
			got, err := find()
			if err != nil {
				return err
			}
			if want := m.visible(e.clock.Now(), owner); !sameItems(got, want) {
				ids, _ := idsOf(got, nil)
				e.Errorf("owner %q: the store has %q, want %+v", owner, ids, want)
			}
		}
		return nil
	}))
}

func modelCommits(e *env) {
	s := seed(uint64(time.Now().UnixNano()))
	e.Logf("STORETEST_SEED=%d", s)
	rng := rand.New(rand.NewPCG(s, 3))
	stored := map[string]record.Record{}
	for step := range 50 * e.rounds {
		var ops []record.Op
		next, good := maps.Clone(stored), true
		for _, i := range rng.Perm(len(modelIDs))[:1+rng.IntN(4)] {
			id := modelIDs[i]
			r := itemRecord(e.rev(), id, []string{"", "x", "y"}[rng.IntN(3)], rng.Int64())
			op := record.Op{Record: r, Verb: record.Verb(1 + rng.IntN(3)), Want: stored[id].Rev}
			if op.Want == 0 {
				op.Verb = record.Put
			}
			if rng.IntN(6) == 0 {
				op.Want, good = e.rev(), false
			}
			switch op.Verb {
			case record.Put:
				next[id] = r
			case record.Delete:
				delete(next, id)
			}
			ops = append(ops, op)
		}
		if applied := e.commitRetry(e.instance(rng.IntN(racerInstances)), ops...); applied != good {
			e.Fatalf("step %d: applied is %v, want %v; STORETEST_SEED=%d", step, applied, good, s)
		}
		if good {
			stored = next
		}
		b := e.instance(rng.IntN(racerInstances))
		ids := slices.Sorted(maps.Keys(stored))
		e.wantIDs(e.find(b, itemQuery("", "")), ids...)
		for _, owner := range []string{"x", "y"} {
			e.wantIDs(e.find(b, itemQuery("owner", owner)), slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
				return stored[id].Row[0].Text() != owner
			})...)
		}
		if id := modelIDs[rng.IntN(len(modelIDs))]; stored[id].Rev != 0 {
			e.wantRecord(*e.get(b, itemKey(id)), stored[id])
		}
		if e.Failed() {
			e.Fatalf("step %d: repeat with STORETEST_SEED=%d", step, s)
		}
	}
}
