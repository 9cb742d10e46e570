package storetest

import (
	"fmt"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

var pagingLaws = []law{
	{"under concurrent writes repeats nothing and misses nothing that stays", pagingUnderWrites},
	{"by cursor goes through everything", pagingByCursor},
}

func pagingUnderWrites(e *env) {
	dbs := e.dbs()
	var stable []string
	for i := range 120 {
		id := fmt.Sprintf("s%03d", i)
		stable = append(stable, id)
		e.insert(dbs[0], item{ID: id, Owner: "x"})
	}
	stop := make(chan struct{})
	together(3, func(who int) {
		if who > 0 {
			e.churn(dbs[who], who, stop)
			return
		}
		defer close(stop)
		for _, limit := range []int{1, 7, 50} {
			got, err := e.pageThrough(dbs[0], "x", limit)
			if err != nil {
				e.Errorf("paging: %v", err)
				return
			}
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				e.Errorf("pages of %d are not in order or repeat: %q", limit, got)
			}
			got = slices.DeleteFunc(got, func(id string) bool { return id[0] != 's' || len(id) != 4 })
			if !slices.Equal(got, stable) {
				e.Errorf("pages of %d miss records that were there all the time: %d of %d", limit, len(got), len(stable))
			}
		}
	})
}

// churn inserts and deletes records between the stable ones, and rewrites stable ones, until stop.
func (e *env) churn(db *record.DB, who int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := fmt.Sprintf("s%03d-%d", n%120, who)
		err := e.update(db, func(rows record.Rows[item]) error {
			if n/120%2 == 1 {
				return rows.Delete(id)
			}
			if err := rows.Set(&item{ID: id, Owner: "x", N: int64(n)}); err != nil {
				return err
			}
			return rows.Put(&item{ID: id[:4], Owner: "x", N: int64(n)})
		})
		if err != nil {
			e.Errorf("churn: %v", err)
			return
		}
	}
}

// pageThrough lists an owner's items page by page, each in a transaction of its own.
func (e *env) pageThrough(db *record.DB, owner string, limit int) ([]string, error) {
	var got []string
	for cursor := ""; ; {
		after, err := record.ParseCursor(cursor)
		if err != nil {
			return nil, err
		}
		var page []string
		err = db.View(e.ctx, func(tx *record.Tx) (err error) {
			page, err = idsOf(items.In(tx).Find("owner", owner, record.Page{After: after, Limit: limit}))
			return err
		})
		if err != nil {
			return nil, err
		}
		if got = append(got, page...); len(page) < limit {
			return got, nil
		}
		cursor = record.Cursor(page[limit-1])
	}
}

func pagingByCursor(e *env) {
	db := e.db(0)
	ids := trickyIDs()
	for _, id := range ids {
		e.insert(db, item{ID: id, Owner: "x"})
	}
	for _, limit := range []int{1, 10, len(ids) - 1, len(ids), len(ids) + 1} {
		got, err := e.pageThrough(db, "x", limit)
		e.must(err)
		e.wantIDs(got, ids...)
	}
}
