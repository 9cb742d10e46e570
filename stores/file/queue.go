package file

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/oneauth-go/oneauth/core/record"
)

// request is one call that waits for the writer: a commit, or something to run between transactions.
type request struct {
	ops    []op
	writes bool // not only checks
	size   int  // bytes of records
	run    func() error

	state atomic.Int32
	err   error // set before done is closed
	done  chan struct{}
}

const (
	waiting int32 = iota
	taken
	abandoned
)

func (r *request) answer(err error) {
	r.err = err
	close(r.done)
}

// queue hands requests to the writer in the order in which they came.
type queue struct {
	mu     sync.Mutex
	list   []*request
	closed bool
	wake   chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// do waits for the outcome of r. When ctx ends before the writer took r, r is not carried out.
func (q *queue) do(ctx context.Context, r *request) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return record.ErrClosed
	}
	q.list = append(q.list, r)
	q.mu.Unlock()
	q.signal()
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		<-r.done
	}
	return r.err
}

// len is how many requests wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close lets no more requests in. Those inside are still carried out.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// wait blocks until there is something to take, or the queue is closed and empty.
func (q *queue) wait() bool {
	for {
		q.mu.Lock()
		n, closed := len(q.list), q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return n > 0
		}
		<-q.wake
	}
}

// take moves requests to batch that nobody has abandoned, as long as the batch keeps within its bounds. A request to run
// ends a batch, and stands alone in one.
func (q *queue) take(batch []*request, ops, size int) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) > 0 {
		r := q.list[0]
		if len(batch) > 0 && (r.run != nil || ops+len(r.ops) > maxBatchOps || size+r.size > maxBatchBytes) {
			break
		}
		q.list[0] = nil
		q.list = q.list[1:]
		if !r.state.CompareAndSwap(waiting, taken) {
			continue
		}
		batch = append(batch, r)
		ops, size = ops+len(r.ops), size+r.size
		if r.run != nil {
			break
		}
	}
	return batch
}
