package password

import (
	"container/list"
	"context"
	"sync"
)

// gate is a weighted semaphore with a bounded queue, first come first served.
type gate struct {
	mu      sync.Mutex
	slots   int
	free    int
	queue   int       // most waiters
	waiting list.List // of *waiter
}

type waiter struct {
	weight  int
	granted chan struct{}
}

func newGate(slots, queue int) *gate { return &gate{slots: slots, free: slots, queue: queue} }

// acquire takes weight slots, 1 <= weight <= slots. It fails with ErrOverloaded at once when the queue is full, and with
// ctx.Err() when ctx ends first; then nothing is held.
func (g *gate) acquire(ctx context.Context, weight int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.waiting.Len() == 0 && g.free >= weight {
		g.free -= weight
		g.mu.Unlock()
		return nil
	}
	if g.waiting.Len() >= g.queue {
		g.mu.Unlock()
		return ErrOverloaded
	}
	w := &waiter{weight: weight, granted: make(chan struct{})}
	place := g.waiting.PushBack(w)
	g.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.granted: // at the same moment: give it back
		g.free += weight
	default:
		g.waiting.Remove(place)
	}
	g.grant()
	return ctx.Err()
}

// release gives weight slots back.
func (g *gate) release(weight int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free += weight
	g.grant()
}

// grant serves the head of the queue for as long as it fits. The caller holds mu.
func (g *gate) grant() {
	for {
		head := g.waiting.Front()
		if head == nil {
			return
		}
		w := head.Value.(*waiter)
		if w.weight > g.free {
			return
		}
		g.free -= w.weight
		g.waiting.Remove(head)
		close(w.granted)
	}
}
