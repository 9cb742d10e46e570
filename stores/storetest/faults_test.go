package storetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

type token struct {
	ID     string    `record:"id"`
	UserID string    `record:"user_id,term"`
	UsedAt time.Time `record:"used_at"`
}

var (
	tokens  = record.Define[token]("token", 1)
	errUsed = errors.New("used before")
)

// redeem is a flow of the kind that later rooms have: one validated read, one write.
func redeem(ctx context.Context, db *record.DB, id string) error {
	return db.Update(ctx, func(tx *record.Tx) error {
		t, err := tokens.In(tx).Get(id)
		if err != nil {
			return err
		}
		if !t.UsedAt.IsZero() {
			return errUsed
		}
		t.UsedAt = db.Now()
		return tokens.In(tx).Put(t)
	})
}

func openMem(*testing.T) record.Backend { return mem.New() }

// TestEachFault shows how a room tests a flow against a store that fails: nothing is granted twice, and nobody is told
// that it was granted when it was not.
func TestEachFault(t *testing.T) {
	runs := 0
	storetest.EachFault(t, openMem, func(t *testing.T, f *storetest.Faults) storetest.Flow {
		db := openTokens(t, f)
		act := func(ctx context.Context) error {
			runs++
			return redeem(record.WithTenant(ctx, "t1"), db, "a")
		}
		check := func(in storetest.Injection, err error) {
			used := isUsed(t, db)
			switch {
			case in.Fault == 0 && err != nil:
				t.Errorf("without a fault: %v", err)
			case err == nil && !used:
				t.Errorf("redeemed, they say, and the token is not used")
			case errors.Is(err, errUsed):
				t.Errorf("the only user of the token is told that it was used before")
			case err != nil && used && !errors.Is(err, record.ErrUnknown):
				t.Errorf("the token is used, and the error is %v", err)
			case in.Fault == storetest.Hang && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("after a time-out: %v", err)
			}
		}
		return storetest.Flow{Act: act, Check: check}
	})
	if want := 1 + 4 + 7; runs != want { // one Get and one Commit
		t.Errorf("the flow ran %d times, want %d", runs, want)
	}
}

func openTokens(t *testing.T, b record.Backend) *record.DB {
	t.Helper()
	db, err := record.Open(t.Context(), b, record.Options{}, tokens.Kind())
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(record.WithTenant(t.Context(), "t1"), func(tx *record.Tx) error {
		return tokens.In(tx).Insert(&token{ID: "a", UserID: "u1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func isUsed(t *testing.T, db *record.DB) (used bool) {
	t.Helper()
	err := db.View(record.WithTenant(t.Context(), "t1"), func(tx *record.Tx) error {
		tok, err := tokens.In(tx).Get("a")
		used = err == nil && !tok.UsedAt.IsZero()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func TestFaultsAreChosenByNumberMethodAndKind(t *testing.T) {
	f := storetest.Faulty(mem.New())
	db := openTokens(t, f)
	ctx := record.WithTenant(t.Context(), "t1")
	f.Clear()

	f.FailNth(2, storetest.Fail)
	if err := redeem(ctx, db, "a"); !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("the second call fails: %v", err)
	}
	calls := f.Calls()
	if len(calls) != 2 || calls[0].Method != storetest.Get || calls[1].Method != storetest.Commit ||
		calls[1].Fault != storetest.Fail || calls[0].Kinds[0] != "token" {
		t.Errorf("calls are %+v", calls)
	}

	f.Clear()
	f.FailMethod(storetest.Get, "other", storetest.Fail)
	f.FailAll(storetest.StaleRead) // does not concern commits, and there is nothing older than the insert but nothing
	if err := redeem(ctx, db, "a"); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("with a read from before the insert: %v", err)
	}

	f.Clear()
	if err := redeem(ctx, db, "a"); err != nil {
		t.Errorf("after Clear: %v", err)
	}
	f.FailAll(storetest.StaleRead)
	if isUsed(t, db) {
		t.Errorf("a stale Get sees the last commit")
	}
	err := db.View(ctx, func(tx *record.Tx) error {
		found, err := tokens.In(tx).Find("user_id", "u1", record.Page{})
		if len(found) != 1 || !found[0].UsedAt.IsZero() {
			t.Errorf("a stale Find sees the last commit: %v", found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestStaleReadsDoNotCommit shows that a transaction over stale reads conflicts instead of overwriting.
func TestStaleReadsDoNotCommit(t *testing.T) {
	f := storetest.Faulty(mem.New())
	db := openTokens(t, f)
	ctx := record.WithTenant(t.Context(), "t1")
	if err := redeem(ctx, db, "a"); err != nil {
		t.Fatal(err)
	}
	f.Clear()
	f.FailNth(1, storetest.StaleRead)
	if err := redeem(ctx, db, "a"); !errors.Is(err, errUsed) {
		t.Errorf("a second redemption that began with a stale read: %v, want %v", err, errUsed)
	}
}
