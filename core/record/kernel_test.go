package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

type account struct {
	ID    string `record:"id"`
	Owner string `record:"owner,term"`
	N     int64  `record:"n"`
}

var accounts = record.Define[account]("account", 1)

// scripted is a store whose answers a test can change.
type scripted struct {
	record.Backend
	mu      sync.Mutex
	commits int
	commit  func(n int, next func() error) error // n from 1; next commits
	get     func(n int, keys []record.Key) error // before a Get
	gets    int
}

func (s *scripted) Commit(ctx context.Context, ops []record.Op) error {
	s.mu.Lock()
	s.commits++
	n, f := s.commits, s.commit
	s.mu.Unlock()
	next := func() error { return s.Backend.Commit(ctx, ops) }
	if f == nil {
		return next()
	}
	return f(n, next)
}

func (s *scripted) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	s.mu.Lock()
	s.gets++
	n, f := s.gets, s.get
	s.mu.Unlock()
	if f != nil {
		if err := f(n, keys); err != nil {
			return nil, err
		}
	}
	return s.Backend.Get(ctx, keys...)
}

// opened returns a DB over a scripted store that holds account "a" with N 1, and a plain DB over the same data.
func opened(t testing.TB, o record.Options) (context.Context, *scripted, *record.DB, *record.DB) {
	t.Helper()
	root := mem.New()
	s := &scripted{Backend: root.Again()}
	ctx := record.WithTenant(context.Background(), "t1")
	db, err := record.Open(ctx, s, o, accounts.Kind())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := record.Open(ctx, root, record.Options{}, accounts.Kind())
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Update(ctx, func(tx *record.Tx) error { return accounts.In(tx).Insert(&account{ID: "a", N: 1}) }); err != nil {
		t.Fatal(err)
	}
	return ctx, s, db, plain
}

func increment(ctx context.Context, db *record.DB) error {
	return db.Update(ctx, func(tx *record.Tx) error {
		a, err := accounts.In(tx).Get("a")
		if err != nil {
			return err
		}
		a.N++
		return accounts.In(tx).Put(a)
	})
}

func wantN(t *testing.T, ctx context.Context, db *record.DB, want int64) {
	t.Helper()
	err := db.View(ctx, func(tx *record.Tx) error {
		a, err := accounts.In(tx).Get("a")
		if err == nil && a.N != want {
			err = fmt.Errorf("N is %d, want %d", a.N, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func TestUnknownThenAnotherTransactionMovedOn(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	s.commit = func(_ int, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		return errors.Join(record.ErrUnknown, increment(ctx, plain)) // our revision is overwritten before we look
	}
	wantErr(t, increment(ctx, db), record.ErrUnknown)
	wantN(t, ctx, plain, 3)
}

// TestUnknownInsertDeletedMeanwhile: a counter and an insert were applied, somebody changed the one and deleted the
// other. That the insert is absent does not mean that nothing was applied.
func TestUnknownInsertDeletedMeanwhile(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	s.commit = func(_ int, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		err := plain.Update(ctx, func(tx *record.Tx) error {
			return errors.Join(accounts.In(tx).Set(&account{ID: "a", N: 100}), accounts.In(tx).Delete("new"))
		})
		return errors.Join(record.ErrUnknown, err)
	}
	err := db.Update(ctx, func(tx *record.Tx) error {
		a, err := accounts.In(tx).Get("a")
		if err != nil {
			return err
		}
		a.N++
		return errors.Join(accounts.In(tx).Put(a), accounts.In(tx).Insert(&account{ID: "new"}))
	})
	wantErr(t, err, record.ErrUnknown)
	wantN(t, ctx, plain, 100)
}

// TestUnknownAppliedAfterTheLook: the second look finds nothing, then the commit arrives. The next try must not add to it.
func TestUnknownAppliedAfterTheLook(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	var late func() error
	s.commit = func(n int, next func() error) error {
		if n == 1 {
			late = next
			return record.ErrUnknown
		}
		if late != nil {
			if err := late(); err != nil {
				t.Error(err)
			}
			late = nil
		}
		return next()
	}
	wantErr(t, increment(ctx, db), record.ErrUnknown)
	wantN(t, ctx, plain, 2)
}

// TestUnknownThenTheFunctionFails: a try is perhaps on its way, and the next run of the function returns an error. The
// caller must not take it for "nothing was written".
func TestUnknownThenTheFunctionFails(t *testing.T) {
	ctx, s, db, _ := opened(t, record.Options{})
	s.commit = func(int, func() error) error { return record.ErrUnknown }
	stop, runs := errors.New("stop"), 0
	err := db.Update(ctx, func(tx *record.Tx) error {
		if runs++; runs > 1 {
			return stop
		}
		return accounts.In(tx).Put(&account{ID: "a", N: 5})
	})
	wantErr(t, err, record.ErrUnknown)
	wantErr(t, err, stop)
}

// TestUnknownThenLost: the try that was in doubt is out of the race for sure, and the function's answer counts.
func TestUnknownThenLost(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	insert := func(db *record.DB) error {
		return db.Update(ctx, func(tx *record.Tx) error { return accounts.In(tx).Insert(&account{ID: "claim"}) })
	}
	s.commit = func(int, func() error) error { return record.ErrUnknown }
	s.get = func(n int, _ []record.Key) error {
		if n == 2 { // after the second look, before the function's own
			return insert(plain)
		}
		return nil
	}
	err := insert(db)
	wantErr(t, err, record.ErrExists)
	if errors.Is(err, record.ErrUnknown) {
		t.Errorf("the outcome is known: %v", err)
	}
}

func TestUnknownAndTheSecondLookFails(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	broken := errors.New("broken")
	s.commit = func(_ int, next func() error) error { return errors.Join(next(), record.ErrUnknown) }
	s.get = func(n int, _ []record.Key) error {
		if n == 2 {
			return broken
		}
		return nil
	}
	err := increment(ctx, db)
	wantErr(t, err, record.ErrUnknown)
	wantErr(t, err, broken)
	wantN(t, ctx, plain, 2)
}

func TestContentionAfterRetryFor(t *testing.T) {
	for _, cause := range []error{record.ErrBusy, record.ErrConflict} {
		ctx, s, db, plain := opened(t, record.Options{RetryFor: 30 * time.Millisecond})
		s.commit = func(int, func() error) error { return cause }
		began := time.Now()
		err := increment(ctx, db)
		wantErr(t, err, record.ErrContention)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("gave up after %v", took)
		}
		if s.commits < 2 {
			t.Errorf("tried %d times", s.commits)
		}
		wantN(t, ctx, plain, 1)
	}
}

func TestCallersDeadlineIsNotContention(t *testing.T) {
	ctx, s, db, _ := opened(t, record.Options{})
	s.commit = func(int, func() error) error { return record.ErrBusy }
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	err := increment(ctx, db)
	wantErr(t, err, context.DeadlineExceeded)
	if errors.Is(err, record.ErrContention) {
		t.Errorf("error is %v", err)
	}
}

func TestTransactionsDoNotNest(t *testing.T) {
	ctx, _, db, _ := opened(t, record.Options{})
	err := db.Update(ctx, func(tx *record.Tx) error {
		nothing := func(*record.Tx) error { t.Error("ran"); return nil }
		wantErr(t, db.Update(tx.Context(), nothing), record.ErrNested)
		wantErr(t, db.View(tx.Context(), nothing), record.ErrNested)
		if tx.Tenant() != "t1" {
			t.Errorf("tenant is %q", tx.Tenant())
		}
		return nil
	})
	wantErr(t, err, nil)
}

func TestAfterRunsOnceInOrder(t *testing.T) {
	ctx, s, db, _ := opened(t, record.Options{})
	s.commit = func(n int, next func() error) error {
		if n < 3 {
			return record.ErrConflict
		}
		return next()
	}
	var got []int
	err := db.Update(ctx, func(tx *record.Tx) error {
		tx.After(func() { got = append(got, 1) })
		tx.After(func() { got = append(got, 2) })
		return accounts.In(tx).Put(&account{ID: "a"})
	})
	if err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("ran %v, %v", got, err)
	}
}

func TestInsertAndDeleteOfWhatWasThere(t *testing.T) {
	ctx, _, db, _ := opened(t, record.Options{})
	err := db.Update(ctx, func(tx *record.Tx) error {
		if err := accounts.In(tx).Insert(&account{ID: "a"}); err != nil {
			return err
		}
		return accounts.In(tx).Delete("a")
	})
	wantErr(t, err, record.ErrExists)
}

func TestOneReadIsNotCommitted(t *testing.T) {
	ctx, s, db, _ := opened(t, record.Options{})
	read := func(ids ...string) {
		t.Helper()
		wantErr(t, db.Update(ctx, func(tx *record.Tx) error {
			for _, id := range ids {
				if _, err := accounts.In(tx).Get(id); err != nil {
					return err
				}
			}
			return nil
		}), nil)
	}
	read("a")
	if s.commits != 0 {
		t.Error("one read was validated against itself")
	}
	wantErr(t, db.Update(ctx, func(tx *record.Tx) error { return accounts.In(tx).Insert(&account{ID: "b"}) }), nil)
	read("a", "b")
	if s.commits != 2 {
		t.Errorf("%d commits, want one for the insert and one for two reads", s.commits)
	}
}

// TestUnknownAppliedWhileTheFunctionGivesUp: the next run of the function writes nothing and reads nothing, and the try
// in doubt arrives meanwhile.
func TestUnknownAppliedWhileTheFunctionGivesUp(t *testing.T) {
	ctx, s, db, plain := opened(t, record.Options{})
	var late func() error
	s.commit = func(_ int, next func() error) error {
		late = next
		return record.ErrUnknown
	}
	runs := 0
	err := db.Update(ctx, func(tx *record.Tx) error {
		if runs++; runs > 1 {
			return late()
		}
		return accounts.In(tx).Put(&account{ID: "a", N: 5})
	})
	wantErr(t, err, record.ErrUnknown)
	wantN(t, ctx, plain, 5)
}
