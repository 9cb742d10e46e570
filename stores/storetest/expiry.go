package storetest

import (
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var expiryLaws = []law{
	{"is judged against the clock, swept or not", expiryJudged},
	{"holds for a transaction's own writes, lists included", expiryOwnWrites},
	{"frees the id for an insert", expiryFrees},
	{"makes Put and Delete find nothing", expiryPut},
	{"in a page is skipped without ending it", expiryInPages},
	{"at the epoch is an expiry", expiryAtEpoch},
	{"gives grace before it is swept", expiryGrace},
}

// insert stores an item through db.
func (e *env) insert(db *record.DB, it item) {
	e.Helper()
	e.must(db.Update(e.ctx, func(tx *record.Tx) error { return items.In(tx).Insert(&it) }))
}

// item returns the item as db sees it, or nil.
func (e *env) item(db *record.DB, id string) *item {
	e.Helper()
	var got *item
	err := db.View(e.ctx, func(tx *record.Tx) (err error) {
		got, err = items.In(tx).Get(id)
		return err
	})
	if err != nil {
		e.wantErr(err, record.ErrNotFound)
		return nil
	}
	return got
}

// ids lists items of an owner through db; an empty owner is all.
func (e *env) ids(db *record.DB, owner string) []string {
	e.Helper()
	out := []string{}
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		var found []*item
		var err error
		if owner == "" {
			found, err = items.In(tx).All(record.Page{})
		} else {
			found, err = items.In(tx).Find("owner", owner, record.Page{})
		}
		for _, it := range found {
			out = append(out, it.ID)
		}
		return err
	}))
	return out
}

func expiryJudged(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Owner: "x", Until: e.clock.Now().Add(time.Minute)})
	e.clock.Advance(time.Minute - time.Millisecond)
	if e.item(db, "a") == nil {
		e.Errorf("the record is gone a millisecond too early")
	}
	e.clock.Advance(time.Millisecond)
	if e.item(db, "a") != nil {
		e.Errorf("the record is there at its expiry")
	}
	e.wantIDs(e.ids(db, ""))
	e.wantIDs(e.ids(db, "x"))
	if e.get(e.backend(), itemKey("a")) == nil {
		e.Errorf("the backend removed the record without a sweep")
	}
}

func expiryFrees(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Owner: "x", Until: e.clock.Now().Add(time.Minute)})
	e.clock.Advance(time.Hour)
	e.insert(db, item{ID: "a", Owner: "y", N: 2})
	if got := e.item(e.db(1), "a"); got == nil || got.N != 2 || !got.Until.IsZero() {
		e.Errorf("after inserting over an expired record: %v", got)
	}
	e.wantIDs(e.ids(db, "x"))
	e.wantIDs(e.ids(db, "y"), "a")
	e.wantErr(db.Update(e.ctx, func(tx *record.Tx) error { return items.In(tx).Insert(&item{ID: "a"}) }), record.ErrExists)
}

func expiryPut(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Owner: "x", Until: e.clock.Now().Add(time.Minute)})
	e.clock.Advance(time.Hour)
	e.wantErr(db.Update(e.ctx, func(tx *record.Tx) error { return items.In(tx).Put(&item{ID: "a"}) }), record.ErrNotFound)
	e.must(db.Update(e.ctx, func(tx *record.Tx) error { return items.In(tx).Delete("a") }))
	e.must(db.Update(e.ctx, func(tx *record.Tx) error { return items.In(tx).Set(&item{ID: "a", N: 5}) }))
	if got := e.item(db, "a"); got == nil || got.N != 5 {
		e.Errorf("after Set over an expired record: %v", got)
	}
}

func expiryInPages(e *env) {
	db := e.db(0)
	for i, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		it := item{ID: id, Owner: "x"}
		if i%4 != 3 {
			it.Until = e.clock.Now().Add(time.Minute)
		}
		e.insert(db, it)
	}
	e.clock.Advance(time.Hour)
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		for _, limit := range []int{1, 2, 3} {
			found, err := items.In(tx).Find("owner", "x", record.Page{Limit: limit})
			if err != nil {
				return err
			}
			var ids []string
			for _, it := range found {
				ids = append(ids, it.ID)
			}
			e.wantIDs(ids, []string{"d", "h"}[:min(limit, 2)]...)
		}
		return nil
	}))
}

func expiryAtEpoch(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Until: time.Unix(0, 0)})
	if e.item(db, "a") != nil {
		e.Errorf("a record that expired in 1970 is there")
	}
	if n := e.sweep(e.backend(), 10); n != 1 {
		e.Errorf("swept %d records, want 1", n)
	}
}

func expiryGrace(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Until: e.clock.Now().Add(time.Minute)})
	for _, c := range []struct {
		later time.Duration
		swept int
	}{{0, 0}, {2 * time.Minute, 0}, {time.Hour, 1}, {time.Hour, 0}} {
		e.clock.Advance(c.later)
		n, err := db.Sweep(e.ctx, 10)
		e.must(err)
		if n != c.swept {
			e.Errorf("%v later: swept %d records, want %d", c.later, n, c.swept)
		}
	}
}

func expiryOwnWrites(e *env) {
	e.must(e.db(0).Update(e.ctx, func(tx *record.Tx) error {
		rows := items.In(tx)
		e.must(rows.Insert(&item{ID: "past", Owner: "x", Until: e.clock.Now()}))
		e.must(rows.Insert(&item{ID: "future", Owner: "x", Until: e.clock.Now().Add(time.Second)}))
		e.must(items2.In(tx).Insert(&item{ID: "other kind", Owner: "x"}))
		_, err := rows.Get("past")
		e.wantErr(err, record.ErrNotFound)
		ids, err := idsOf(rows.Find("owner", "x", record.Page{}))
		e.wantIDs(ids, "future")
		return err
	}))
}
