package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Fault is a way in which a call to a store goes wrong.
type Fault uint8

// The faults. Those about commits leave other calls alone, and StaleRead concerns Get and Find only.
const (
	Fail              Fault = iota + 1 // ErrInjected, nothing applied
	Hang                               // blocks until ctx ends and returns its error, nothing applied
	Busy                               // record.ErrBusy, nothing applied
	Conflict                           // record.ErrConflict, nothing applied
	ErrorBeforeCommit                  // record.ErrUnknown, and it is not applied
	CommitThenError                    // record.ErrUnknown, but it is applied
	CommitLater                        // record.ErrUnknown, and it is applied right after the next read (or by Deliver)
	StaleRead                          // the answer from before the last commit through this wrapper to the records
)

// AllFaults lists every fault.
var AllFaults = []Fault{Fail, Hang, Busy, Conflict, ErrorBeforeCommit, CommitThenError, CommitLater, StaleRead}

// String returns the fault's name.
func (f Fault) String() string {
	return [...]string{"none", "fail", "hang", "busy", "conflict", "error before commit", "commit then error",
		"commit later", "stale read"}[f]
}

// Concerns reports whether the fault means anything for calls of the method.
func (f Fault) Concerns(m Method) bool {
	switch f {
	case Fail, Hang:
		return true
	case Busy:
		return m == Commit || m == Get || m == Find
	case StaleRead:
		return m == Get || m == Find
	}
	return m == Commit
}

// Method names a method of record.Backend.
type Method string

// The methods that are counted and can fail. Close always goes through.
const (
	Prepare Method = "Prepare"
	Get     Method = "Get"
	Find    Method = "Find"
	Commit  Method = "Commit"
	Sweep   Method = "Sweep"
)

// ErrInjected is the error of the fault Fail.
var ErrInjected = errors.New("storetest: injected fault")

// Call is one call to the store.
type Call struct {
	N      int      // from 1, since Faulty or Clear
	Method Method   //
	Kinds  []string // of the records it names, sorted, each once
	Fault  Fault    // that was injected, 0 is none
}

// Faults is a backend whose calls fail as told, and are counted. It is safe for concurrent use.
type Faults struct {
	inner record.Backend

	mu     sync.Mutex
	calls  []Call
	rules  []rule
	late   [][]record.Op                // commits to apply after the next read
	before map[record.Key]record.Record // as they were before the last commit; Rev 0 is absent
	schema record.Schema
	hung   func() // is called when a call starts to hang
}

type rule struct {
	match func(Call) bool
	fault Fault
}

var _ record.Backend = (*Faults)(nil)

// Faulty wraps b. Without being told to fail, it passes everything on.
func Faulty(b record.Backend) *Faults {
	return &Faults{inner: b, before: map[record.Key]record.Record{}}
}

// FailNth makes the n-th call fail, counted from 1 since Faulty or Clear. Several calls can be chosen.
func (f *Faults) FailNth(n int, fault Fault) {
	f.FailWhen(func(c Call) bool { return c.N == n }, fault)
}

// FailAll makes every call that the fault concerns fail.
func (f *Faults) FailAll(fault Fault) {
	f.FailWhen(func(Call) bool { return true }, fault)
}

// FailMethod makes every call of the method fail that names a record of the kind; an empty kind is any.
func (f *Faults) FailMethod(m Method, kind string, fault Fault) {
	f.FailWhen(func(c Call) bool {
		return c.Method == m && (kind == "" || slices.Contains(c.Kinds, kind))
	}, fault)
}

// FailWhen makes calls fail that match; the rule given first wins. match is called with a lock held: it only looks.
func (f *Faults) FailWhen(match func(Call) bool, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rule{match, fault})
}

// Clear takes back all faults and begins to count anew. Commits that were to be applied later are applied now.
func (f *Faults) Clear() {
	f.Deliver()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.calls = nil, nil
}

// Calls returns the calls since Faulty or Clear, in order.
func (f *Faults) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Deliver applies what CommitLater holds back, as far as its conditions still hold.
func (f *Faults) Deliver() {
	f.mu.Lock()
	late := f.late
	f.late = nil
	f.mu.Unlock()
	for _, ops := range late {
		// Nobody waits for the outcome of a commit in flight: a conflict now is as good as none.
		_ = f.apply(context.Background(), ops)
	}
}

// note counts a call and says how it is to fail.
func (f *Faults) note(m Method, kinds ...string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(kinds)
	c := Call{N: len(f.calls) + 1, Method: m, Kinds: slices.Compact(kinds)}
	for _, r := range f.rules {
		if r.fault.Concerns(m) && r.match(c) {
			c.Fault = r.fault
			break
		}
	}
	f.calls = append(f.calls, c)
	return c.Fault
}

// refuse returns the error of faults that apply nothing.
func (f *Faults) refuse(ctx context.Context, fault Fault) error {
	switch fault {
	case Fail:
		return ErrInjected
	case Busy:
		return record.ErrBusy
	case Conflict:
		return record.ErrConflict
	case Hang:
		f.mu.Lock()
		hung := f.hung
		f.mu.Unlock()
		if hung != nil {
			hung()
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// Prepare passes on, or fails as told.
func (f *Faults) Prepare(ctx context.Context, s record.Schema) error {
	if err := f.refuse(ctx, f.note(Prepare)); err != nil {
		return err
	}
	f.mu.Lock()
	f.schema = s
	f.mu.Unlock()
	return f.inner.Prepare(ctx, s)
}

// Get passes on, or fails as told.
func (f *Faults) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	kinds := make([]string, 0, len(keys))
	for _, k := range keys {
		kinds = append(kinds, k.Kind)
	}
	fault := f.note(Get, kinds...)
	if err := f.refuse(ctx, fault); err != nil {
		return nil, err
	}
	got, err := f.inner.Get(ctx, keys...)
	if err == nil && fault == StaleRead {
		got = f.staleGet(got, keys)
	}
	f.Deliver()
	return got, err
}

// Find passes on, or fails as told.
func (f *Faults) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	fault := f.note(Find, q.Kind)
	if err := f.refuse(ctx, fault); err != nil {
		return nil, err
	}
	found, err := f.inner.Find(ctx, q)
	if err == nil && fault == StaleRead {
		found = f.staleFind(found, q)
	}
	f.Deliver()
	return found, err
}

// Commit passes on, or fails as told.
func (f *Faults) Commit(ctx context.Context, ops []record.Op) error {
	kinds := make([]string, 0, len(ops))
	for _, op := range ops {
		kinds = append(kinds, op.Kind)
	}
	fault := f.note(Commit, kinds...)
	switch fault {
	case ErrorBeforeCommit:
		return record.ErrUnknown
	case CommitThenError:
		if err := f.apply(context.WithoutCancel(ctx), ops); err != nil { // the answer is lost, not the commit
			return err
		}
		return record.ErrUnknown
	case CommitLater:
		f.mu.Lock()
		f.late = append(f.late, cloneOps(ops))
		f.mu.Unlock()
		return record.ErrUnknown
	}
	if err := f.refuse(ctx, fault); err != nil {
		return err
	}
	return f.apply(ctx, ops)
}

// Sweep passes on, or fails as told.
func (f *Faults) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := f.refuse(ctx, f.note(Sweep)); err != nil {
		return 0, err
	}
	return f.inner.Sweep(ctx, before, limit)
}

// Close closes the wrapped backend.
func (f *Faults) Close() error { return f.inner.Close() }

func cloneOps(ops []record.Op) []record.Op {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Row = slices.Clone(ops[i].Row)
	}
	return ops
}
