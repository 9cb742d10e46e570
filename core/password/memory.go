package password

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// garbageBudget is how many bytes of finished computations may await the collector while the program's own heap is
// small. It leaves 16 MiB of the promised 64 MiB to everything else that a login allocates.
const garbageBudget = 48 << 20

// ledger accounts for the memory of hash computations: what runs, and what has finished since the last collection.
//
// The collector alone paces itself by the live heap, and running computations count as live: with n slots busy it lets
// the heap grow to twice n x 19 MiB and more. The ledger makes a computation that would not fit wait for a collection,
// which frees everything that had finished before it began.
type ledger struct {
	mu      sync.Mutex
	bound   uint64 // of running computations; the gate keeps to it
	running uint64
	garbage uint64
	budget  uint64 // of garbage
	rounds  uint64 // collections finished

	collecting sync.Mutex
}

func newLedger(bound uint64) *ledger { return &ledger{bound: bound, budget: garbageBudget} }

// reserve accounts for n bytes about to be allocated, collecting garbage first if they would not fit.
func (l *ledger) reserve(n uint64) {
	for {
		l.mu.Lock()
		if l.running+l.garbage+n <= max(l.bound, n)+l.budget {
			l.running += n
			l.mu.Unlock()
			return
		}
		rounds := l.rounds
		l.mu.Unlock()
		l.collect(rounds)
	}
}

// finish turns n reserved bytes into garbage.
func (l *ledger) finish(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running -= n
	l.garbage += n
}

// collect runs one collection, unless one has ended since the caller saw the number of rounds.
func (l *ledger) collect(seen uint64) {
	l.collecting.Lock()
	defer l.collecting.Unlock()
	l.mu.Lock()
	done, dead := l.rounds != seen, l.garbage
	l.mu.Unlock()
	if done {
		return
	}
	runtime.GC()
	live := liveHeap()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.garbage -= dead
	l.rounds++
	l.budget = garbageBudget
	if ours := l.bound + garbageBudget; live > ours {
		l.budget = max(l.budget, live-ours)
	}
}

// liveHeap returns the bytes that the last collection found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
