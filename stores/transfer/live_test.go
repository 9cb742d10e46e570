package transfer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// underLoad runs f while 16 writers and a sweeper work on the store, and checks at the end that they were not disturbed.
func underLoad(t *testing.T, b record.Backend, f func(l *load)) *load {
	t.Helper()
	l := &load{db: openDB(t, b)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(ctx, func(err error) { t.Errorf("a writer was told: %v", err) })
	}()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for ctx.Err() == nil {
			if _, err := l.db.Sweep(ctx, 10); err != nil && ctx.Err() == nil {
				t.Errorf("sweep: %v", err)
			}
		}
	}()
	l.wait(t, 200)
	f(l)
	l.wait(t, 200)
	stop()
	<-done
	<-swept
	for g := range writers {
		if err := checkChain(l.db, g, l.acked[g].Load()); err != nil {
			t.Error(err)
		}
	}
	return l
}

// wait waits for n more steps.
func (l *load) wait(t *testing.T, n int64) {
	t.Helper()
	for until := l.steps() + n; l.steps() < until; {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the writers have stopped")
		}
	}
}

// The application moves while it writes and sweeps: nothing acknowledged is lost, no writer is told of anything, and the
// report counts what the target had at the switch.
func TestMoveUnderLoad(t *testing.T) {
	for range rounds(2) {
		from, to := filled(t, openFile(t), 300), mem.New()
		live := transfer.NewLive(from, to)
		underLoad(t, live, func(l *load) {
			if live.Moved() {
				t.Error("it has moved by itself")
			}
			report, err := live.Move(t.Context(), transfer.Options{})
			if err != nil || !live.Moved() {
				t.Fatalf("%v\n%v", err, report)
			}
			source, target := report.Totals()
			if source != target || source.Records < 300 {
				t.Errorf("the sums are %v and %v", source, target)
			}
			// the source stopped at the switch, so that it still is what the report speaks of
			stored, err := transfer.Verify(t.Context(), from, from, schema, transfer.Options{})
			must(t, err)
			if now, _ := stored.Totals(); now != source {
				t.Errorf("the report says %v, and the source had %v:\n%v\n%v", source, now, report, stored)
			}
			if _, err := live.Move(t.Context(), transfer.Options{}); !errors.Is(err, transfer.ErrMoved) {
				t.Errorf("a second Move: %v", err)
			}
		})
		again := transfer.NewLive(from, to)
		openDB(t, again)
		if !again.Moved() {
			t.Error("after a restart the application is on the source")
		}
	}
}

// Reads go on while commits wait, and a commit that waits too long is contention, not lost and not twice.
func TestCommitsWaitForTheSwitch(t *testing.T) {
	from, data := filled(t, mem.New(), 3), mem.New()
	held, release := make(chan struct{}), make(chan struct{})
	to := &slowSwitch{Store: data, held: held, release: release}
	live := transfer.NewLive(from, to)
	db := openDB(t, live)
	moved := make(chan error)
	go func() {
		_, err := live.Move(t.Context(), transfer.Options{})
		moved <- err
	}()
	<-held
	if found, err := live.Get(t.Context(), record.Key{Tenant: "acme", Kind: "note", ID: "000 ä/%"}); err != nil || len(found) != 1 {
		t.Errorf("a read while commits wait: %v, %v", found, err)
	}
	impatient, err := record.Open(t.Context(), passive{live}, record.Options{RetryFor: time.Millisecond}, kinds...)
	must(t, err)
	if _, err := extend(impatient, t.Context(), 0); !errors.Is(err, record.ErrContention) {
		t.Errorf("a commit that cannot wait: %v", err)
	}
	patient := make(chan error)
	go func() {
		_, err := extend(db, t.Context(), 2)
		patient <- err
	}()
	close(release)
	must(t, <-moved)
	must(t, <-patient)
	for g, want := range map[int]int64{0: 0, 2: 1} {
		if err := checkChain(openDB(t, data.Again()), g, want); err != nil {
			t.Error(err)
		}
	}
	if found, err := from.Find(t.Context(), record.Query{Tenant: "acme", Kind: "chain", Limit: 10}); err != nil || len(found) > 0 {
		t.Errorf("the source has got %v, %v", found, err)
	}
}

// passive is prepared already.
type passive struct{ record.Backend }

func (passive) Prepare(context.Context, record.Schema) error { return nil }

// slowSwitch says when the switch is under way, and waits.
type slowSwitch struct {
	*mem.Store
	held, release chan struct{}
}

func (s *slowSwitch) Commit(ctx context.Context, ops []record.Op) error {
	if isSwitch(ops) {
		close(s.held)
		<-s.release
	}
	return s.Store.Commit(ctx, ops)
}

// isSwitch reports whether ops make the target the truth.
func isSwitch(ops []record.Op) bool {
	return len(ops) == 1 && ops[0].Kind == "transfer_mark" && len(ops[0].Row) > 0
}

// Whatever goes wrong at the target, at every one of its calls: the application goes on, before and after a restart, with
// all that was acknowledged; and a move that failed can be made again.
func TestMoveFailsClosed(t *testing.T) {
	var from record.Backend
	open := func(t *testing.T) record.Backend { from = filled(t, mem.New(), 3); return mem.New() }
	storetest.EachFault(t, open, func(t *testing.T, to *storetest.Faults) storetest.Flow {
		live := transfer.NewLive(from, to)
		db := openDB(t, live)
		step := func(db *record.DB, n int64) {
			t.Helper()
			if got, err := extend(db, context.Background(), 0); err != nil || got != n {
				t.Errorf("step %d: %d, %v", n, got, err)
			}
		}
		step(db, 1)
		var during atomic.Bool
		return storetest.Flow{
			Act: func(ctx context.Context) error {
				_, err := live.Move(ctx, transfer.Options{Progress: func(transfer.Progress) {
					if !during.Swap(true) {
						step(db, 2) // written behind the copy's back
					}
				}})
				return err
			},
			Check: func(in storetest.Injection, err error) {
				if err == nil != live.Moved() {
					t.Errorf("Move returned %v, and Moved is %v", err, live.Moved())
				}
				n := int64(2)
				if during.Load() {
					n = 3
				}
				if errors.Is(err, transfer.ErrUnsure) {
					if _, err := live.Move(t.Context(), transfer.Options{}); err != nil && !errors.Is(err, transfer.ErrMoved) {
						t.Errorf("Move after the target is back: %v", err)
					}
				}
				step(db, n)
				again := transfer.NewLive(from, to) // as a process that starts again has it
				db = openDB(t, again)
				if again.Moved() != live.Moved() {
					t.Errorf("moved was %v, and after a restart it is %v", live.Moved(), again.Moved())
				}
				step(db, n+1)
				if !again.Moved() {
					if _, err := again.Move(t.Context(), transfer.Options{}); err != nil {
						t.Errorf("the next Move: %v", err)
					}
				}
				step(db, n+2)
				if err := checkChain(openDB(t, to), 0, n+2); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

// A switch that a process had under way when it was killed does not come true after the next one has begun on the source.
func TestLateSwitch(t *testing.T) {
	from, data := filled(t, mem.New(), 3), mem.New()
	to := &lateSwitch{Store: data}
	live := transfer.NewLive(from, to)
	openDB(t, live)
	ctx, kill := context.WithCancel(t.Context())
	to.kill = kill
	if _, err := live.Move(ctx, transfer.Options{RetryFor: time.Millisecond}); err == nil {
		t.Fatal("the move did not fail")
	}

	again := transfer.NewLive(from, data)
	db := openDB(t, again)
	_, err := extend(db, t.Context(), 0)
	must(t, err)
	if err := data.Commit(t.Context(), to.late); !errors.Is(err, record.ErrConflict) {
		t.Errorf("the late switch: %v", err)
	}
	third := transfer.NewLive(from, data)
	if err := checkChain(openDB(t, third), 0, 1); err != nil || third.Moved() {
		t.Errorf("after the next restart: moved is %v, %v", third.Moved(), err)
	}
}

// lateSwitch keeps the switch under way, and answers nothing from then on.
type lateSwitch struct {
	*mem.Store
	late []record.Op // the first switch
	gone atomic.Bool
	kill func()
}

func (s *lateSwitch) Commit(ctx context.Context, ops []record.Op) error {
	if isSwitch(ops) && s.late == nil {
		s.late = ops
		s.gone.Store(true)
		s.kill()
		return record.ErrUnknown
	}
	if s.gone.Load() {
		return storetest.ErrInjected
	}
	return s.Store.Commit(ctx, ops)
}

func (s *lateSwitch) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if s.gone.Load() {
		return nil, storetest.ErrInjected
	}
	return s.Store.Get(ctx, keys...)
}

// While nobody knows whether the switch was made, nothing is acknowledged; the next Move finds out, either way.
func TestUnsureSwitch(t *testing.T) {
	for _, applied := range []bool{false, true} {
		from, data := filled(t, mem.New(), 3), mem.New()
		to := &lateSwitch{Store: data, kill: func() {}}
		live := transfer.NewLive(from, to)
		db := openDB(t, live)
		_, err := live.Move(t.Context(), transfer.Options{RetryFor: 20 * time.Millisecond})
		if !errors.Is(err, transfer.ErrUnsure) {
			t.Fatalf("the target was lost at the switch: %v", err)
		}
		impatient, err := record.Open(t.Context(), passive{live}, record.Options{RetryFor: time.Millisecond}, kinds...)
		must(t, err)
		if _, err := extend(impatient, t.Context(), 0); !errors.Is(err, record.ErrContention) {
			t.Errorf("a commit meanwhile: %v", err)
		}
		if _, err := live.Move(t.Context(), transfer.Options{}); !errors.Is(err, transfer.ErrUnsure) {
			t.Errorf("Move while the target is away: %v", err)
		}
		if applied {
			must(t, data.Commit(t.Context(), to.late))
		}
		to.gone.Store(false) // the target is back
		done := make(chan error)
		go func() {
			_, err := extend(db, t.Context(), 0)
			done <- err
		}()
		if _, err := live.Move(t.Context(), transfer.Options{}); applied != errors.Is(err, transfer.ErrMoved) || !applied && err != nil {
			t.Errorf("applied is %v, and Move then returns %v", applied, err)
		}
		must(t, <-done)
		if err := checkChain(openDB(t, data.Again()), 0, 1); err != nil || !live.Moved() {
			t.Errorf("moved is %v, %v", live.Moved(), err)
		}
	}
}

// An expired record that the target keeps and the source sweeps does not stop a move: nothing is swept meanwhile.
func TestSweepWaits(t *testing.T) {
	from, to := filled(t, mem.New(), 8), mem.New()
	live := transfer.NewLive(from, to)
	db := openDB(t, live)
	var swept int
	_, err := live.Move(t.Context(), transfer.Options{Progress: func(transfer.Progress) {
		n, err := db.Sweep(t.Context(), 100)
		swept += n
		must(t, err)
	}})
	must(t, err)
	if swept != 0 {
		t.Errorf("%d records were swept while they were copied", swept)
	}
	if n, err := db.Sweep(t.Context(), 100); err != nil || n != 6 {
		t.Errorf("after the move %d are swept, %v, want 6", n, err)
	}
}
