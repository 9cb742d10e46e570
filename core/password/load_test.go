package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// These tests hold slots themselves, so they stand inside the package.

func newHasher(t testing.TB, p Params, l Limits) *Hasher {
	t.Helper()
	h, err := NewHasher(p, l, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFullQueueIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		h := newHasher(t, CheapParams(), Limits{Slots: 2, Queue: 3})
		leave, err := h.enter(ctx, 2*h.slotKiB<<10) // both slots are busy
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := h.VerifyDummy(ctx, "pw"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // three are waiting
		for name, call := range map[string]func() error{
			"Hash":        func() error { _, err := h.Hash(ctx, "pw"); return err },
			"Verify":      func() error { _, _, err := h.Verify(ctx, h.dummy, "pw"); return err },
			"VerifyDummy": func() error { return h.VerifyDummy(ctx, "pw") },
			"bcrypt": func() error {
				_, _, err := h.Verify(ctx, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "pw")
				return err
			},
		} {
			if err := call(); !errors.Is(err, ErrOverloaded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		leave()
		wg.Wait()
		if h.gate.free != 2 || h.gate.waiting.Len() != 0 {
			t.Errorf("%d slots are free, %d callers wait", h.gate.free, h.gate.waiting.Len())
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, CheapParams(), Limits{Slots: 1, Queue: 2})
		leave, err := h.enter(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun := time.Now()
		if err := h.VerifyDummy(ctx, "pw"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if _, err := h.Hash(ctx, "pw"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a dead context: %v", err)
		}
		leave()
		if err := h.VerifyDummy(context.Background(), "pw"); err != nil || h.gate.free != 1 {
			t.Errorf("afterwards: %v, %d slots are free", err, h.gate.free)
		}
	})
}

// A large computation waits for enough slots and is not overtaken for ever by small ones; when it gives up, those behind
// it go on.
func TestGateServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(3, 10)
		if err := g.acquire(context.Background(), 2); err != nil {
			t.Fatal(err)
		}
		var order []string
		var mu sync.Mutex
		wait := func(ctx context.Context, name string, weight int) {
			if g.acquire(ctx, weight) == nil {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		go wait(ctx, "large", 3)
		synctest.Wait()
		go wait(context.Background(), "small", 1)
		synctest.Wait()
		if len(order) != 0 {
			t.Fatalf("%v overtook", order)
		}
		cancel()
		synctest.Wait()
		if fmt.Sprint(order) != "[small]" || g.free != 0 {
			t.Errorf("%v, %d free", order, g.free)
		}
	})
}

// An unknown account costs what a wrong password costs, in computations and in memory, whatever form the password has.
func TestDummyDoesTheSameWork(t *testing.T) {
	ctx := context.Background()
	h := newHasher(t, Params{MemoryKiB: 46 << 10, Passes: 1, Parallelism: 1}, Limits{Slots: 1})
	h.memory.budget = 1 << 40 // no collection, so that garbage counts the work
	phc, err := h.Hash(ctx, "right")
	if err != nil {
		t.Fatal(err)
	}
	work := func(f func() error) uint64 {
		before := h.memory.garbage
		if err := f(); err != nil {
			t.Error(err)
		}
		return h.memory.garbage - before
	}
	for _, pw := range []string{"wrong", "", "wro\u0308ng", "\ufb01nal"} {
		wrong := work(func() error { _, _, err := h.Verify(ctx, phc, pw); return err })
		dummy := work(func() error { return h.VerifyDummy(ctx, pw) })
		if wrong != dummy || wrong < 46<<20 {
			t.Errorf("%+q: %d bytes for a wrong password, %d for an unknown account", pw, wrong, dummy)
		}
	}
}

// 200 parallel logins stay within slots x 19 MiB + 64 MiB. Without the ledger two slots take about 120 MiB.
func TestMemoryOf200ParallelLogins(t *testing.T) {
	const slots, logins = 2, 200
	ctx := context.Background()
	h := newHasher(t, DefaultParams(), Limits{Slots: slots, Queue: logins})
	phc, err := h.Hash(ctx, "pw")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	base := heapObjects()
	var peak uint64
	done, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, heapObjects())
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range logins {
		wg.Go(func() {
			if ok, _, err := h.Verify(ctx, phc, "pw"); !ok || err != nil {
				t.Errorf("ok %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
	close(done)
	<-sampled
	const bound = slots*19<<20 + 64<<20
	t.Logf("heap %d MiB before, %d MiB at most, bound %d MiB", base>>20, peak>>20, bound>>20)
	if peak > base+bound {
		t.Error("over the bound")
	}
}

// heapObjects returns the bytes of live and not yet collected objects.
func heapObjects() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
