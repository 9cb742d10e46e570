package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
)

// env is what a law has to work with: a T, and a data set that is open any number of times.
type env struct {
	T
	h         Harness
	rounds    int
	clock     *clock.Held
	ctx       context.Context // in tenant "t1", ends before the test is stopped for taking too long
	mu        sync.Mutex
	instances []record.Backend
	lastRev   int64
}

// patience bounds one law. Nothing in the suite takes nearly as long on a store that works.
const patience = 2 * time.Minute

func newEnv(t T, h Harness, rounds int) *env {
	ctx, cancel := context.WithTimeout(record.WithTenant(t.Context(), tenant), patience)
	e := &env{T: t, h: h, rounds: rounds, clock: clock.At(startTime), ctx: ctx}
	t.Cleanup(func() {
		cancel()
		e.closeAll()
	})
	return e
}

// instance returns the i-th instance over the data set, opened and prepared when first asked for. A Single store has
// one.
func (e *env) instance(i int) record.Backend {
	e.Helper()
	if e.h.Single {
		i = 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.instances) <= i {
		b, err := e.h.Open()
		if err != nil {
			e.Fatalf("open instance %d: %v", len(e.instances), err)
		}
		e.instances = append(e.instances, b)
		if err := b.Prepare(e.ctx, record.Schema{Kinds: allKinds}); err != nil {
			e.Fatalf("prepare instance %d: %v", len(e.instances), err)
		}
	}
	return e.instances[i]
}

// backend returns the first instance.
func (e *env) backend() record.Backend { e.Helper(); return e.instance(0) }

// closeAll closes every instance, so that the next one is opened anew.
func (e *env) closeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range e.instances {
		if err := b.Close(); err != nil && !errors.Is(err, record.ErrClosed) {
			e.Errorf("close: %v", err)
		}
	}
	e.instances = nil
}

// db opens a DB over the i-th instance. Each has its own queue of contenders, as processes have.
func (e *env) db(i int) *record.DB {
	e.Helper()
	return e.dbOver(e.instance(i), allKinds...)
}

// dbOver opens a DB over b for the given kinds.
func (e *env) dbOver(b record.Backend, kinds ...*record.Kind) *record.DB {
	e.Helper()
	db, err := record.Open(e.ctx, b, record.Options{Now: e.clock.Now, RetryFor: patience / 2}, kinds...)
	if err != nil {
		e.Fatalf("open DB: %v", err)
	}
	return db
}

// must stops the law when err is not nil.
func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("unexpected error: %v", err)
	}
}

// wantErr checks that err is target.
func (e *env) wantErr(err, target error) {
	e.Helper()
	if !errors.Is(err, target) {
		e.Errorf("error is %v, want %v", err, target)
	}
}

// together runs n calls of f at the same moment and waits for all.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	done.Add(n)
	for i := range n {
		go func() {
			defer done.Done()
			ready.Done()
			ready.Wait()
			f(i)
		}()
	}
	done.Wait()
}

// commit sorts ops as the contract has it, and commits them.
func (e *env) commit(b record.Backend, ops ...record.Op) error {
	slices.SortFunc(ops, func(x, y record.Op) int { return x.Key.Compare(y.Key) })
	return b.Commit(e.ctx, ops)
}

// rev returns a new revision.
func (e *env) rev() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastRev++
	return 1<<62 + e.lastRev
}

// get returns the record under k, or nil.
func (e *env) get(b record.Backend, k record.Key) *record.Record {
	e.Helper()
	rs, err := b.Get(e.ctx, k)
	e.must(err)
	switch {
	case len(rs) == 0:
		return nil
	case len(rs) > 1 || rs[0].Key != k:
		e.Fatalf("Get(%v) returned %v", k, rs)
	}
	return &rs[0]
}

// find returns the ids that match q.
func (e *env) find(b record.Backend, q record.Query) []string {
	e.Helper()
	rs, err := b.Find(e.ctx, q)
	e.must(err)
	ids := []string{}
	for _, r := range rs {
		if r.Tenant != q.Tenant || r.Kind != q.Kind {
			e.Errorf("Find in %s/%s returned %v", q.Tenant, q.Kind, r.Key)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// wantIDs checks a list of ids.
func (e *env) wantIDs(got []string, want ...string) {
	e.Helper()
	if !slices.Equal(got, want) {
		e.Errorf("found %q, want %q", got, want)
	}
}

// startTime is what the clock says when a law begins to be tried: not a whole second.
var startTime = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// commitRetry commits as the kernel would, trying again when the store is busy, and reports whether ops were applied.
func (e *env) commitRetry(b record.Backend, ops ...record.Op) bool {
	for {
		switch err := e.commit(b, ops...); {
		case err == nil:
			return true
		case errors.Is(err, record.ErrConflict):
			return false
		case !errors.Is(err, record.ErrBusy):
			e.Errorf("commit: %v", err)
			return false
		}
	}
}
