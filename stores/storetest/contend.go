package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
)

const (
	contenders = 3  // processes
	inEach     = 22 // goroutines in one of them
)

// Contend is what a process does that [Contenders] has started: it races for each token that standard input names, and for
// the claim to an id of that name, and tells on standard output how often it won each. Call it in TestMain where the
// environment says so, and exit.
func Contend(b record.Backend) error {
	ctx := context.Background()
	db, err := record.Open(ctx, b, record.Options{}, items.Kind())
	if err != nil {
		return err
	}
	return parts.Serve(func(id string) (string, error) {
		redeemed, err := winners(errUsed, func() error { return redeemItem(ctx, db, id) })
		claimed, err2 := winners(record.ErrExists, func() error {
			return updateItems(ctx, db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: "claim of " + id}) })
		})
		return fmt.Sprint(redeemed, " ", claimed), errors.Join(err, err2)
	})
}

// winners runs f in many goroutines at once and counts for how many it returned nil; the others must fail with lost.
func winners(lost error, f func() error) (int64, error) {
	var won atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, inEach)
	for range inEach {
		wg.Go(func() {
			if err := f(); err == nil {
				won.Add(1)
			} else if !errors.Is(err, lost) {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return won.Load(), <-errs
}

// Contenders lets three processes of 22 goroutines each race for tokens and claims over one data set, STORETEST_ROUNDS
// times: one wins each, and no other error surfaces. The test binary is started with env, at which it must call [Contend].
func Contenders(t *testing.T, open func() (record.Backend, error), env ...string) {
	t.Helper()
	db := openItems(t, open)
	all := parts.Again(t, contenders, env...)
	n := rounds()
	for round := range n {
		id := fmt.Sprint("token ", round)
		err := updateItems(t.Context(), db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: id}) })
		if err != nil {
			t.Fatal(err)
		}
		var redeemed, claimed int
		for _, answer := range all.Ask(id) {
			var r, c int
			if _, err := fmt.Sscan(answer, &r, &c); err != nil {
				t.Fatalf("a process answered %q: %v", answer, err)
			}
			redeemed, claimed = redeemed+r, claimed+c
		}
		if redeemed != 1 || claimed != 1 {
			t.Fatalf("round %d: %d redeemed and %d claimed, want one each", round, redeemed, claimed)
		}
	}
	t.Logf("%d rounds, one winner in each", n)
}
