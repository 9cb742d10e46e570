package storetest

import (
	"context"
	"errors"
	"testing/iotest"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var unknownLaws = []law{
	{"commit that was applied counts as applied, once", unknownApplied},
	{"commit that was not applied is tried again", unknownNotApplied},
	{"commit that is applied late is not applied twice", unknownLate},
	{"insert that is applied late is not taken for somebody else's", unknownLateInsert},
	{"delete is reported as unknown, never as not found", unknownDelete},
	{"delete that was not applied is tried again", unknownDeleteNotApplied},
	{"outcome stays unknown when the store cannot be asked", unknownUnasked},
	{"outcome is not called contention when time runs out", unknownTimeout},
	{"commit may end the caller's context", unknownCancelled},
	{"redemption has one winner, who knows it", unknownRedemption},
	{"errors of other kinds are never taken for an outcome", otherErrors},
}

// faulty returns a DB over the first instance with faults to inject, and an item "a" in it.
func (e *env) faulty() (*record.DB, *Faults) {
	e.Helper()
	f := Faulty(e.backend())
	db := e.dbOver(f, allKinds...)
	e.insert(db, item{ID: "a", Owner: "x", N: 1})
	f.Clear()
	return db, f
}

// firstCommit is a fault of the first commit only.
func firstCommit(f *Faults, fault Fault) {
	done := false
	f.FailWhen(func(c Call) bool {
		first := c.Method == Commit && !done
		done = done || first
		return first
	}, fault)
}

// increment adds one to item "a" and returns how often it ran.
func (e *env) increment(db *record.DB) (runs int, err error) {
	err = e.update(db, func(rows record.Rows[item]) error {
		runs++
		it, err := rows.Get("a")
		if err != nil {
			return err
		}
		it.N++
		return rows.Put(it)
	})
	return runs, err
}

func (e *env) wantN(want int64) {
	e.Helper()
	if got := e.item(e.db(1), "a"); got == nil || got.N != want {
		e.Errorf("item is %+v, want N %d", got, want)
	}
}

func unknownApplied(e *env) {
	db, f := e.faulty()
	firstCommit(f, CommitThenError)
	if runs, err := e.increment(db); err != nil || runs != 1 {
		e.Errorf("ran %d times, %v; want once and nil", runs, err)
	}
	e.wantN(2)
}

func unknownNotApplied(e *env) {
	db, f := e.faulty()
	firstCommit(f, ErrorBeforeCommit)
	if runs, err := e.increment(db); err != nil || runs != 2 {
		e.Errorf("ran %d times, %v; want twice and nil", runs, err)
	}
	e.wantN(2)
}

func unknownLate(e *env) {
	db, f := e.faulty()
	firstCommit(f, CommitLater)
	_, err := e.increment(db)
	if err != nil && !errors.Is(err, record.ErrUnknown) {
		e.Errorf("error is %v", err)
	}
	e.wantN(2)
}

func unknownLateInsert(e *env) {
	db, f := e.faulty()
	firstCommit(f, CommitLater)
	err := e.update(db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: "claim"}) })
	if errors.Is(err, record.ErrExists) {
		e.Errorf("our own claim is called somebody else's: %v", err)
	}
	e.wantErr(err, record.ErrUnknown)
}

func unknownDelete(e *env) {
	for _, fault := range []Fault{CommitThenError, CommitLater} {
		db, f := e.faulty()
		firstCommit(f, fault)
		err := e.update(db, func(rows record.Rows[item]) error {
			if _, err := rows.Get("a"); err != nil {
				return err
			}
			return rows.Delete("a")
		})
		e.wantErr(err, record.ErrUnknown)
		if e.item(db, "a") != nil {
			e.Errorf("%v: the record is there", fault)
		}
	}
}

func unknownDeleteNotApplied(e *env) {
	db, f := e.faulty()
	firstCommit(f, ErrorBeforeCommit)
	e.must(e.update(db, func(rows record.Rows[item]) error { return rows.Delete("a") }))
	if e.item(db, "a") != nil {
		e.Errorf("the record is there")
	}
}

func unknownUnasked(e *env) {
	db, f := e.faulty()
	for _, fault := range []Fault{CommitThenError, ErrorBeforeCommit} {
		f.Clear()
		firstCommit(f, fault)
		f.FailNth(3, Fail) // after Get and Commit, the second look
		_, err := e.increment(db)
		e.wantErr(err, record.ErrUnknown)
	}
}

func unknownTimeout(e *env) {
	f := Faulty(e.backend())
	db, err := record.Open(e.ctx, f, record.Options{Now: e.clock.Now, RetryFor: 50 * time.Millisecond}, allKinds...)
	e.must(err)
	e.insert(db, item{ID: "a", N: 1})
	f.FailMethod(Commit, "", ErrorBeforeCommit)
	_, err = e.increment(db)
	e.wantErr(err, record.ErrUnknown)
}

func unknownCancelled(e *env) {
	db, f := e.faulty()
	ctx, cancel := context.WithCancel(e.ctx)
	f.FailWhen(func(c Call) bool {
		if c.Method == Commit {
			cancel()
		}
		return false
	}, Fail)
	firstCommit(f, CommitThenError)
	err := db.Update(ctx, func(tx *record.Tx) error {
		it, err := items.In(tx).Get("a")
		if err != nil {
			return err
		}
		it.N++
		return items.In(tx).Put(it)
	})
	if err != nil { // the caller was gone, yet the truth is known
		e.Errorf("an applied commit is reported as %v", err)
	}
	e.wantN(2)
}

// unknownRedemption uses up one token from many sides, while the store loses answers.
func unknownRedemption(e *env) {
	for i := range e.rounds {
		id := "token" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		e.insert(e.db(0), item{ID: id})
		f := Faulty(e.backend())
		db := e.dbOver(f, allKinds...)
		f.FailWhen(func(c Call) bool { return c.Method == Commit && c.N%3 == 0 }, CommitThenError)
		f.FailWhen(func(c Call) bool { return c.Method == Commit && c.N%3 == 1 }, ErrorBeforeCommit)
		var winners, unknown counter
		together(8, func(int) {
			switch err := e.redeem(db, id); {
			case err == nil:
				winners.add()
			case errors.Is(err, record.ErrUnknown):
				unknown.add()
			case !errors.Is(err, errUsed):
				e.Errorf("redeem: %v", err)
			}
		})
		if w, u := winners.get(), unknown.get(); w > 1 || w+u < 1 {
			e.Errorf("%d winners and %d who do not know", w, u)
		}
	}
}

func otherErrors(e *env) {
	db, f := e.faulty()
	for n := 1; n <= 2; n++ {
		f.Clear()
		f.FailNth(n, Fail)
		_, err := e.increment(db)
		e.wantErr(err, ErrInjected)
	}
	e.wantN(1)
	for _, fault := range []Fault{Busy, Conflict} {
		f.Clear()
		firstCommit(f, fault)
		_, err := e.increment(db)
		e.must(err)
	}
	e.wantN(3)
	f.Clear()
	f.FailNth(1, Fail)
	err := db.View(e.ctx, func(tx *record.Tx) error { _, err := items.In(tx).Get("a"); return err })
	e.wantErr(err, ErrInjected)
	mute, err := record.Open(e.ctx, e.backend(), record.Options{Rand: iotest.ErrReader(errStop)}, allKinds...)
	e.must(err)
	_, err = e.increment(mute) // no randomness, no revision
	e.wantErr(err, errStop)
	e.wantN(3)
}
