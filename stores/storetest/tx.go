package storetest

import (
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

var txLaws = []law{
	{"sees its own writes and deletes", txSeesItself},
	{"sees its own writes and deletes in lists", txListsItself},
	{"sees lists page by page with its own writes in their places", txPagesItself},
	{"that fails undoes everything", txUndone},
	{"fails only over what was so at one moment", txBelieved},
	{"validates what Get returned", txValidatesGet},
	{"validates what Find returned", txValidatesFind},
	{"does not validate what lies beyond a page", txPageBounds},
	{"does not validate what Peek, PeekFind and All returned", txPeeks},
	{"writes only over what it read", txPutOverRead},
	{"sees a record that appeared after it was looked for", txAppeared},
	{"that only reads cannot write", txReadOnly},
	{"inserts, puts, sets and deletes as documented", txVerbs},
	{"commits nothing when it wrote nothing", txNothing},
	{"of several instances sees what others committed", txInstances},
	{"without a tenant is refused", txTenant},
	{"reuses an id after a delete", txReinserts},
}

// errStop ends a transaction from inside.
var errStop = errors.New("stop")

// update runs fn over the items of one transaction.
func (e *env) update(db *record.DB, fn func(record.Rows[item]) error) error {
	return db.Update(e.ctx, func(tx *record.Tx) error { return fn(items.In(tx)) })
}

// idsOf is for lists inside a transaction.
func idsOf(its []*item, err error) ([]string, error) {
	ids := []string{}
	for _, it := range its {
		ids = append(ids, it.ID)
	}
	return ids, err
}

func txSeesItself(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "old", N: 1})
	e.must(e.update(db, func(rows record.Rows[item]) error {
		e.must(rows.Insert(&item{ID: "new", N: 1}))
		e.wantErr(rows.Insert(&item{ID: "new"}), record.ErrExists)
		it, err := rows.Get("new")
		e.must(err)
		it.N = 99 // a copy
		if it, err = rows.Get("new"); err != nil || it.N != 1 {
			e.Errorf("own insert is read as %v, %v", it, err)
		}
		e.must(rows.Put(&item{ID: "new", N: 2}))
		e.must(rows.Put(&item{ID: "old", N: 2}))
		for _, id := range []string{"new", "old"} {
			if it, err := rows.Peek(id); err != nil || it.N != 2 {
				e.Errorf("own write of %s is read as %v, %v", id, it, err)
			}
			e.must(rows.Delete(id))
			_, err := rows.Get(id)
			e.wantErr(err, record.ErrNotFound)
			e.wantErr(rows.Put(&item{ID: id}), record.ErrNotFound)
		}
		return rows.Insert(&item{ID: "old", N: 3})
	}))
	if got := e.item(db, "old"); got == nil || got.N != 3 {
		e.Errorf("deleted and inserted in one transaction: %v", got)
	}
	e.wantIDs(e.ids(db, ""), "old")
}

func txListsItself(e *env) {
	db := e.db(0)
	for _, id := range []string{"b", "d", "f"} {
		e.insert(db, item{ID: id, Owner: "x"})
	}
	e.must(e.update(db, func(rows record.Rows[item]) error {
		list := func(owner string, want ...string) {
			e.Helper()
			for _, find := range []func(string, string, record.Page) ([]*item, error){rows.Find, rows.PeekFind} {
				ids, err := idsOf(find("owner", owner, record.Page{}))
				e.must(err)
				e.wantIDs(ids, want...)
			}
		}
		list("x", "b", "d", "f")
		e.must(rows.Insert(&item{ID: "a", Owner: "x"}))
		e.must(rows.Insert(&item{ID: "e", Owner: "x"}))
		e.must(rows.Insert(&item{ID: "g", Owner: "x"}))
		e.must(rows.Delete("d"))
		list("x", "a", "b", "e", "f", "g")
		e.must(rows.Put(&item{ID: "b", Owner: "y"}))
		e.must(rows.Delete("g"))
		list("x", "a", "e", "f")
		list("y", "b")
		ids, err := idsOf(rows.All(record.Page{From: "b", To: "f"}))
		e.must(err)
		e.wantIDs(ids, "b", "e")
		return nil
	}))
	e.wantIDs(e.ids(db, "x"), "a", "e", "f")
	e.wantIDs(e.ids(db, "y"), "b")
}

func txPagesItself(e *env) {
	db := e.db(0)
	for i := range 10 {
		e.insert(db, item{ID: fmt.Sprintf("%02d", 2*i), Owner: "x"})
	}
	e.must(e.update(db, func(rows record.Rows[item]) error {
		var want []string
		for i := range 20 {
			id := fmt.Sprintf("%02d", i)
			switch {
			case i%2 == 1 && i%3 != 0:
				e.must(rows.Insert(&item{ID: id, Owner: "x"}))
			case i%2 == 0 && i%3 == 0:
				e.must(rows.Delete(id))
			}
			if i%3 != 0 {
				want = append(want, id)
			}
		}
		for limit := 1; limit <= 11; limit++ {
			var got []string
			for p := (record.Page{Limit: limit}); ; {
				page, err := idsOf(rows.Find("owner", "x", p))
				e.must(err)
				if got = append(got, page...); len(page) < limit {
					break
				}
				p.After = page[limit-1]
			}
			e.wantIDs(got, want...)
		}
		return nil
	}))
}

func txUndone(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a", Owner: "x"})
	e.insert(db, item{ID: "b", Owner: "x"})
	after := false
	err := db.Update(e.ctx, func(tx *record.Tx) error {
		tx.After(func() { after = true })
		rows := items.In(tx)
		return errors.Join(rows.Insert(&item{ID: "c", Owner: "x"}), rows.Delete("a"), rows.Put(&item{ID: "b", Owner: "y"}), errStop)
	})
	e.wantErr(err, errStop)
	e.wantIDs(e.ids(e.db(1), "x"), "a", "b")
	if after {
		e.Errorf("After ran although the transaction failed")
	}
}

// txBelieved: of two records one is there at any time, so no transaction may end with the word that neither is, or both are.
func txBelieved(e *env) {
	errNeither, errBoth := errors.New("neither is there"), errors.New("both are there")
	gone := func(err error) bool { return errors.Is(err, record.ErrNotFound) }
	swap := func(from, to string) func(record.Rows[item]) error {
		return func(rows record.Rows[item]) error {
			return errors.Join(rows.Delete(from), rows.Insert(&item{ID: to, Owner: "x"}))
		}
	}
	judge := func(first, second string, swap func(record.Rows[item]) error) error {
		runs := 0
		return e.update(e.db(0), func(rows record.Rows[item]) error {
			_, err1 := rows.Get(first)
			if runs++; runs == 1 {
				e.must(e.update(e.db(1), swap))
			}
			_, err2 := rows.Get(second)
			switch {
			case gone(err1) && gone(err2):
				return errNeither
			case err1 == nil && err2 == nil:
				return errBoth
			}
			return nil
		})
	}
	e.insert(e.db(0), item{ID: "a", Owner: "x"})
	e.must(judge("b", "a", swap("a", "b"))) // neither, to whom it reads
	e.must(judge("b", "a", swap("b", "a"))) // both
	runs := 0
	e.must(e.update(e.db(0), func(rows record.Rows[item]) error {
		_, err := rows.Get("b")
		if runs++; runs == 1 {
			e.must(e.update(e.db(1), swap("a", "b")))
		}
		found, failed := rows.Find("owner", "x", record.Page{})
		e.must(failed)
		if gone(err) && len(found) == 1 && found[0].ID == "b" {
			return errBoth
		}
		return nil
	}))
	var both bool // an answer that is no error
	runs = 0
	e.must(e.update(e.db(0), func(rows record.Rows[item]) error {
		_, err := rows.Get("a")
		if runs++; runs == 1 {
			e.must(e.update(e.db(1), swap("b", "a")))
		}
		found, failed := rows.Find("owner", "x", record.Page{})
		both = gone(err) && len(found) == 1 && found[0].ID == "a"
		return failed
	}))
	if both {
		e.Errorf("%v, to a function that was done with it", errBoth)
	}
	e.wantErr(e.update(e.db(0), func(rows record.Rows[item]) error {
		_, err1 := rows.Get("b")
		_, err2 := rows.Get("c")
		return errors.Join(err1, err2)
	}), record.ErrNotFound)
	e.wantErr(e.update(e.db(0), func(rows record.Rows[item]) error {
		return errors.Join(rows.Insert(&item{ID: "a", Owner: "x"}), errNeither)
	}), record.ErrExists)
}

// interfere runs a transaction in which, between read and write of the first try, another instance does something. It
// returns how often the function ran.
func (e *env) interfere(read func(record.Rows[item]) error, other func(record.Rows[item]) error) (runs int) {
	e.Helper()
	db, db2 := e.db(0), e.db(1)
	e.must(e.update(db, func(rows record.Rows[item]) error {
		runs++
		if err := read(rows); err != nil {
			return err
		}
		if runs == 1 {
			e.must(e.update(db2, other))
		}
		return rows.Set(&item{ID: "result", N: int64(runs)})
	}))
	return runs
}

// changes are what another transaction may do to record "a".
var changes = map[string]func(record.Rows[item]) error{
	"put":    func(rows record.Rows[item]) error { return rows.Put(&item{ID: "a", Owner: "x", N: 2}) },
	"delete": func(rows record.Rows[item]) error { return rows.Delete("a") },
}

func txValidatesGet(e *env) {
	for name, change := range changes {
		e.must(e.update(e.db(0), func(rows record.Rows[item]) error { return rows.Set(&item{ID: "a", Owner: "x"}) }))
		runs := e.interfere(func(rows record.Rows[item]) error {
			_, err := rows.Get("a")
			if errors.Is(err, record.ErrNotFound) {
				err = nil
			}
			return err
		}, change)
		if runs != 2 {
			e.Errorf("%s of what was read: the function ran %d times, want 2", name, runs)
		}
	}
}

func txValidatesFind(e *env) {
	for name, change := range changes {
		e.must(e.update(e.db(0), func(rows record.Rows[item]) error {
			return errors.Join(rows.Set(&item{ID: "a", Owner: "x"}), rows.Set(&item{ID: "b", Owner: "x"}))
		}))
		runs := e.interfere(func(rows record.Rows[item]) error {
			_, err := rows.Find("owner", "x", record.Page{})
			return err
		}, change)
		if runs != 2 {
			e.Errorf("%s of what was found: the function ran %d times, want 2", name, runs)
		}
	}
}

// txPageBounds makes Find look at more than it returns, since some records on the way are expired.
func txPageBounds(e *env) {
	for _, id := range []string{"b", "c", "d", "e", "f"} {
		e.insert(e.db(0), item{ID: id, Owner: "x"})
	}
	e.insert(e.db(0), item{ID: "a", Owner: "x", Until: e.clock.Now()})
	runs := e.interfere(func(rows record.Rows[item]) error {
		ids, err := idsOf(rows.Find("owner", "x", record.Page{Limit: 2}))
		e.wantIDs(ids, "b", "c")
		return err
	}, func(rows record.Rows[item]) error { return rows.Put(&item{ID: "d", Owner: "x", N: 2}) })
	if runs != 1 {
		e.Errorf("a change beyond the page made the function run %d times, want 1", runs)
	}
}

func txPeeks(e *env) {
	for name, read := range map[string]func(record.Rows[item]) error{
		"Peek":     func(rows record.Rows[item]) error { _, err := rows.Peek("a"); return err },
		"PeekFind": func(rows record.Rows[item]) error { _, err := rows.PeekFind("owner", "x", record.Page{}); return err },
		"All":      func(rows record.Rows[item]) error { _, err := rows.All(record.Page{}); return err },
	} {
		e.must(e.update(e.db(0), func(rows record.Rows[item]) error {
			return errors.Join(rows.Set(&item{ID: "a", Owner: "x"}), rows.Set(&item{ID: "result"}))
		}))
		if runs := e.interfere(read, changes["put"]); runs != 1 {
			e.Errorf("%s: the function ran %d times, want 1", name, runs)
		}
	}
}

func txPutOverRead(e *env) {
	e.insert(e.db(0), item{ID: "a", N: 1})
	db, db2 := e.db(0), e.db(1)
	for name, read := range map[string]func(record.Rows[item]) (*item, error){
		"Get":  func(rows record.Rows[item]) (*item, error) { return rows.Get("a") },
		"Peek": func(rows record.Rows[item]) (*item, error) { return rows.Peek("a") },
	} {
		e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Set(&item{ID: "a", N: 1}) }))
		runs := 0
		e.must(e.update(db, func(rows record.Rows[item]) error {
			it, err := read(rows)
			if err != nil {
				return err
			}
			if runs++; runs == 1 {
				e.must(e.update(db2, func(rows record.Rows[item]) error { return rows.Put(&item{ID: "a", N: 10}) }))
			}
			it.N++
			return rows.Put(it)
		}))
		if got := e.item(db, "a"); got.N != 11 {
			e.Errorf("%s and Put lost an update: %d, want 11", name, got.N)
		}
	}
}

func txAppeared(e *env) {
	db, db2 := e.db(0), e.db(1)
	runs := 0
	e.must(e.update(db, func(rows record.Rows[item]) error {
		_, err := rows.Get("a")
		if runs++; runs == 1 {
			e.wantErr(err, record.ErrNotFound)
			e.insert(db2, item{ID: "a", Owner: "x", N: 7})
		}
		found, err := rows.Find("owner", "x", record.Page{})
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0].ID != "a" || found[0].N != 7 {
			e.Errorf("run %d: found %+v, want the record that appeared", runs, found)
		}
		return rows.Set(&item{ID: "result"})
	}))
}

func txReadOnly(e *env) {
	db := e.db(0)
	e.insert(db, item{ID: "a"})
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		rows := items.In(tx)
		e.wantErr(rows.Insert(&item{ID: "b"}), record.ErrReadOnly)
		e.wantErr(rows.Put(&item{ID: "a"}), record.ErrReadOnly)
		e.wantErr(rows.Set(&item{ID: "a"}), record.ErrReadOnly)
		e.wantErr(rows.Delete("a"), record.ErrReadOnly)
		return nil
	}))
	e.wantIDs(e.ids(db, ""), "a")
}

func txVerbs(e *env) {
	db := e.db(0)
	e.wantErr(e.update(db, func(rows record.Rows[item]) error { return rows.Put(&item{ID: "a"}) }), record.ErrNotFound)
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Delete("a") }))
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Set(&item{ID: "a", N: 1}) }))
	e.wantErr(e.update(db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: "a"}) }), record.ErrExists)
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Set(&item{ID: "a", N: 2}) }))
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Put(&item{ID: "a", N: 3}) }))
	if got := e.item(db, "a"); got == nil || got.N != 3 {
		e.Errorf("got %v, want N 3", got)
	}
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Delete("a") }))
	if got := e.item(db, "a"); got != nil {
		e.Errorf("deleted record is there: %v", got)
	}
	e.must(e.update(db, func(rows record.Rows[item]) error {
		return errors.Join(rows.Insert(&item{ID: "b"}), rows.Delete("b"))
	}))
	e.wantIDs(e.ids(db, ""))
	e.insert(db, item{ID: "c"})
	e.wantErr(e.update(db, func(rows record.Rows[item]) error {
		if err := rows.Insert(&item{ID: "c"}); err != nil {
			return err
		}
		return rows.Delete("c")
	}), record.ErrExists)
	e.wantIDs(e.ids(db, ""), "c")
}

func txNothing(e *env) {
	f := Faulty(e.backend())
	db := e.dbOver(f, allKinds...)
	e.insert(db, item{ID: "a", Owner: "x"})
	f.Clear()
	e.must(e.update(db, func(record.Rows[item]) error { return nil }))
	e.must(e.update(db, func(rows record.Rows[item]) error { _, err := rows.Get("a"); return err }))
	e.must(e.update(db, func(rows record.Rows[item]) error {
		return errors.Join(rows.Insert(&item{ID: "b"}), rows.Delete("b"))
	}))
	for _, c := range f.Calls() {
		if c.Method == Commit {
			e.Errorf("a transaction that wrote nothing committed: %v", f.Calls())
		}
	}
}

func txInstances(e *env) {
	for i := range 12 {
		e.must(e.update(e.db(i%3), func(rows record.Rows[item]) error {
			it, err := rows.Get("a")
			if errors.Is(err, record.ErrNotFound) {
				return rows.Insert(&item{ID: "a", Owner: "x", N: 1})
			}
			if err != nil {
				return err
			}
			it.N++
			return rows.Put(it)
		}))
		for j := range 3 {
			if got := e.item(e.db(j), "a"); got == nil || got.N != int64(i+1) {
				e.Fatalf("after %d updates instance %d sees %v", i+1, j, got)
			}
		}
	}
}

func txTenant(e *env) {
	db := e.db(0)
	nothing := func(*record.Tx) error { e.Errorf("the function ran"); return nil }
	for _, c := range []struct {
		tenant string
		check  func(error) bool
	}{
		{"", func(err error) bool { return errors.Is(err, record.ErrNoTenant) }},
		{"a\x00item\x00b", func(err error) bool { return errors.As(err, new(*record.ValueError)) }},
		{"a\xff", func(err error) bool { return errors.As(err, new(*record.ValueError)) }},
		{fmt.Sprintf("%0201d", 1), func(err error) bool { return errors.As(err, new(*record.ValueError)) }},
	} {
		ctx := record.WithTenant(e.ctx, c.tenant)
		if err := db.View(ctx, nothing); !c.check(err) {
			e.Errorf("View in tenant %.20q: %v", c.tenant, err)
		}
		if err := db.Update(ctx, nothing); !c.check(err) {
			e.Errorf("Update in tenant %.20q: %v", c.tenant, err)
		}
	}
}

func txReinserts(e *env) {
	db := e.db(0)
	for n := range int64(5) {
		e.insert(db, item{ID: "a", N: n})
		if got := e.item(e.db(1), "a"); got == nil || got.N != n {
			e.Errorf("inserted again: %v, want N %d", got, n)
		}
		e.must(e.update(e.db(2), func(rows record.Rows[item]) error { return rows.Delete("a") }))
	}
}
