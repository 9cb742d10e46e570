package record_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// joining is a store that takes words as parts of its commits.
type joining struct {
	record.Backend
	said   []any
	ops    int
	answer []error // of the commits, in turn
}

func (j *joining) Enlists(part any) bool { _, ok := part.(string); return ok }

func (j *joining) Commit(ctx context.Context, ops []record.Op) error {
	j.said, j.ops = record.Parts(ctx), len(ops)
	if len(j.answer) > 0 {
		err := j.answer[0]
		j.answer = j.answer[1:]
		if err != nil {
			return err
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return j.Backend.Commit(ctx, ops)
}

func join(t *testing.T) (context.Context, *joining, *record.DB) {
	t.Helper()
	store := &joining{Backend: mem.New()}
	db, err := record.Open(t.Context(), store, record.Options{}, accounts.Kind())
	if err != nil {
		t.Fatal(err)
	}
	return record.WithTenant(t.Context(), "t"), store, db
}

// A part goes to the store with the commit, and again when the function runs again.
func TestEnlist(t *testing.T) {
	ctx, store, db := join(t)
	store.answer = []error{record.ErrConflict}
	runs := 0
	err := db.Update(ctx, func(tx *record.Tx) error {
		runs++
		return errors.Join(accounts.In(tx).Insert(&account{ID: "a"}), tx.Enlist("first"), tx.Enlist("second"))
	})
	if err != nil || runs != 2 || store.ops != 1 || !slices.Equal(store.said, []any{"first", "second"}) {
		t.Errorf("%v after %d runs: %v with %d ops", err, runs, store.said, store.ops)
	}
}

// A transaction that only has parts is a commit, too; one without any tells the store of none.
func TestEnlistAlone(t *testing.T) {
	ctx, store, db := join(t)
	err := db.Update(ctx, func(tx *record.Tx) error { return tx.Enlist("alone") })
	if err != nil || store.ops != 0 || !slices.Equal(store.said, []any{"alone"}) {
		t.Errorf("%v: %v with %d ops", err, store.said, store.ops)
	}
	err = db.Update(ctx, func(tx *record.Tx) error { return accounts.In(tx).Insert(&account{ID: "a"}) })
	if err != nil || store.said != nil {
		t.Errorf("%v: %v", err, store.said)
	}
}

// What a part fails with comes back, and nothing is tried again.
func TestEnlistedPartFails(t *testing.T) {
	ctx, store, db := join(t)
	full := errors.New("the table is full")
	store.answer = []error{full}
	err := db.Update(ctx, func(tx *record.Tx) error {
		return errors.Join(accounts.In(tx).Insert(&account{ID: "a"}), tx.Enlist("part"))
	})
	if !errors.Is(err, full) || len(store.answer) != 0 {
		t.Errorf("got %v", err)
	}
}

// A store that does not know what a part is never gets it.
func TestEnlistRefused(t *testing.T) {
	ctx, _, db := join(t)
	if err := db.Update(ctx, func(tx *record.Tx) error { return tx.Enlist(17) }); err == nil {
		t.Error("a number was enlisted")
	}
	if err := db.View(ctx, func(tx *record.Tx) error { return tx.Enlist("part") }); !errors.Is(err, record.ErrReadOnly) {
		t.Errorf("in a view: %v", err)
	}
	plain, err := record.Open(t.Context(), mem.New(), record.Options{}, accounts.Kind())
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Update(ctx, func(tx *record.Tx) error { return tx.Enlist("part") }); err == nil {
		t.Error("a store without parts took one")
	}
}
