package storetest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Injection is the one fault of one run of EachFault. The zero Injection is the run without any.
type Injection struct {
	Fault Fault
	Call  Call // the call that fails
}

// Applied reports whether the failing call takes effect all the same, now or later.
func (in Injection) Applied() bool { return in.Fault == CommitThenError || in.Fault == CommitLater }

// Flow is something that uses the store, on a stage that is set, and how to judge it.
type Flow struct {
	// Act makes the calls that are counted and fail. It makes the same calls each time. Its context ends when the fault
	// Hang is reached, as if its deadline had passed.
	Act func(ctx context.Context) error

	// Check is called after Act, with all faults cleared and late commits applied. It is told what failed and what Act
	// returned, and looks at the store: success without a fault, and with one nothing granted that should not be.
	Check func(in Injection, err error)
}

// EachFault runs a flow once without faults, counting its store calls, and then once for each call and each fault that
// concerns it, with that call failing. Every run is a subtest with a backend of its own, over which stage sets the stage
// without faults.
func EachFault(t *testing.T, open func(t *testing.T) record.Backend, stage func(t *testing.T, f *Faults) Flow) {
	t.Helper()
	failCalls(t, open, stage, func(_ int, all []Fault) []Fault { return all })
}

// SomeFaults is EachFault for stages that take long to set: each call fails in two of the ways that concern it, and the next
// call in the next two, so that over a flow all of them come up. With STORETEST_FAULTS=all it is EachFault.
func SomeFaults(t *testing.T, open func(t *testing.T) record.Backend, stage func(t *testing.T, f *Faults) Flow) {
	t.Helper()
	if os.Getenv("STORETEST_FAULTS") == "all" {
		EachFault(t, open, stage)
		return
	}
	failCalls(t, open, stage, func(n int, all []Fault) []Fault {
		return []Fault{all[2*n%len(all)], all[(2*n+1)%len(all)]}
	})
}

func failCalls(t *testing.T, open func(t *testing.T) record.Backend, stage func(t *testing.T, f *Faults) Flow,
	choose func(n int, all []Fault) []Fault) {
	t.Helper()
	var calls []Call
	t.Run("no fault", func(t *testing.T) { calls = runFault(t, open, stage, Injection{}) })
	if t.Failed() {
		return
	}
	if len(calls) == 0 {
		t.Fatal("the flow makes no call to the store")
	}
	for n, c := range calls {
		concern := slices.DeleteFunc(slices.Clone(AllFaults), func(f Fault) bool { return !f.Concerns(c.Method) })
		for _, fault := range choose(n, concern) {
			name := fmt.Sprintf("call %d %s(%s)/%s", c.N, c.Method, strings.Join(c.Kinds, ","), fault)
			t.Run(name, func(t *testing.T) { runFault(t, open, stage, Injection{Fault: fault, Call: c}) })
		}
	}
}

// runFault runs a flow with one fault and returns the calls of its act.
func runFault(t *testing.T, open func(t *testing.T) record.Backend, stage func(t *testing.T, f *Faults) Flow, in Injection) []Call {
	t.Helper()
	f := Faulty(open(t))
	flow := stage(t, f)
	f.Clear()
	ctx := &lapsing{Context: t.Context(), done: make(chan struct{})}
	f.mu.Lock()
	f.hung = ctx.lapse
	f.mu.Unlock()
	if in.Fault != 0 {
		f.FailNth(in.Call.N, in.Fault)
	}
	err := flow.Act(ctx)
	calls := f.Calls()
	ctx.lapse()
	f.Clear()
	flow.Check(in, err)
	if in.Fault != 0 && (len(calls) < in.Call.N || calls[in.Call.N-1].Fault != in.Fault) {
		t.Errorf("the flow did not make call %d again: %v", in.Call.N, calls)
	}
	return calls
}

// lapsing is a context whose deadline passes when it is told to.
type lapsing struct {
	context.Context
	once sync.Once
	done chan struct{}
}

func (c *lapsing) lapse() { c.once.Do(func() { close(c.done) }) }

// Deadline returns no time: nobody knows it beforehand.
func (c *lapsing) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed by lapse.
func (c *lapsing) Done() <-chan struct{} { return c.done }

// Err is context.DeadlineExceeded after lapse.
func (c *lapsing) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
