package mongofake

import (
	"errors"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// engine keeps documents in versions. Its lock is held for one step at a time: one statement of a transaction, one document
// of a statement outside one.
type engine struct {
	mu          sync.Mutex
	clock       int64 // of the last commit
	collections map[string]*collection
	active      map[*transaction]bool
	released    chan struct{} // is closed when a transaction ends
	stop        chan struct{} // is closed when the server is
	stopped     sync.Once
}

// collection is what one namespace holds.
type collection struct {
	options bson.D
	indexes []index
	chains  map[string]*chain // by the bytes of _id
}

// chain is a document through time.
type chain struct {
	versions []version
	writer   *transaction // holds the document, and will make it pending
	pending  bson.Raw
}

// version is a document from a commit on; nil is deleted.
type version struct {
	at  int64
	doc bson.Raw
}

// transaction sees what was committed at its snapshot, and what it wrote.
type transaction struct {
	snapshot int64
	began    time.Time
	wrote    map[*chain]wrote
}

type wrote struct {
	in *collection
	id string
}

// lifetime is how long a transaction may hold documents: transactionLifetimeLimitSeconds.
const lifetime = time.Minute

// errLocked says that a write outside a transaction must wait.
var errLocked = errors.New("a transaction holds the document")

func newEngine() *engine {
	return &engine{
		collections: map[string]*collection{}, active: map[*transaction]bool{},
		released: make(chan struct{}), stop: make(chan struct{}),
	}
}

func (e *engine) close() { e.stopped.Do(func() { close(e.stop) }) }

// begin opens a transaction whose snapshot is now.
func (e *engine) begin() *transaction {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := &transaction{snapshot: e.clock, began: time.Now(), wrote: map[*chain]wrote{}}
	e.active[t] = true
	return t
}

func (e *engine) over(t *transaction) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.active[t]
}

// commit makes what t wrote visible, all at one moment, and reports whether t was still open.
func (e *engine) commit(t *transaction) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.active[t] {
		return false
	}
	e.clock++
	for ch := range t.wrote {
		ch.versions = append(ch.versions, version{e.clock, ch.pending})
	}
	e.end(t)
	return true
}

// abort forgets what t wrote.
func (e *engine) abort(t *transaction) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.active[t] {
		e.end(t)
	}
}

// end lets go of what t holds.
func (e *engine) end(t *transaction) {
	delete(e.active, t)
	for ch, w := range t.wrote {
		ch.writer, ch.pending = nil, nil
		e.prune(w, ch)
	}
	close(e.released)
	e.released = make(chan struct{})
}

// prune drops versions that nobody can see any more.
func (e *engine) prune(w wrote, ch *chain) {
	oldest := e.clock
	for t := range e.active {
		oldest = min(oldest, t.snapshot)
	}
	for len(ch.versions) > 1 && ch.versions[1].at <= oldest {
		ch.versions = ch.versions[1:]
	}
	gone := len(ch.versions) == 0 || len(ch.versions) == 1 && ch.versions[0].doc == nil && ch.versions[0].at <= oldest
	if gone && ch.writer == nil {
		delete(w.in.chains, w.id)
	}
}

// read returns the document as t sees it, or as it was last committed when t is nil; nil is none.
func (ch *chain) read(t *transaction) bson.Raw {
	if t != nil && ch.writer == t {
		return ch.pending
	}
	for i := len(ch.versions) - 1; i >= 0; i-- {
		if t == nil || ch.versions[i].at <= t.snapshot {
			return ch.versions[i].doc
		}
	}
	return nil
}

// changed is when the document was last changed.
func (ch *chain) changed() int64 {
	if len(ch.versions) == 0 {
		return 0
	}
	return ch.versions[len(ch.versions)-1].at
}

// put writes doc, nil to delete, in t or on its own. In a transaction it is errConflict when somebody else holds the document
// or changed it since the snapshot; on its own it is errLocked while a transaction holds it.
func (e *engine) put(w wrote, ch *chain, t *transaction, doc bson.Raw) error {
	if err := e.hold(ch, t); err != nil {
		return err
	}
	if doc != nil {
		if err := e.unique(w.in, ch, t, doc); err != nil {
			return err
		}
	}
	w.in.chains[w.id] = ch
	if t != nil {
		ch.writer, ch.pending = t, doc
		t.wrote[ch] = w
		return nil
	}
	e.clock++
	ch.versions = append(ch.versions, version{e.clock, doc})
	e.prune(w, ch)
	return nil
}

// hold says whether t may write what it sees in ch.
func (e *engine) hold(ch *chain, t *transaction) error {
	if ch.writer != nil && ch.writer != t {
		if time.Since(ch.writer.began) > lifetime {
			e.end(ch.writer)
			return e.hold(ch, t)
		}
		if t != nil {
			return errConflict
		}
		return errLocked
	}
	if t != nil && ch.changed() > t.snapshot {
		return errConflict
	}
	return nil
}

// step runs f with the lock held, again and again while it is errLocked, until the command's time is over.
func (e *engine) step(c *command, f func() error) error {
	var late <-chan time.Time
	if !c.deadline.IsZero() {
		timer := time.NewTimer(time.Until(c.deadline))
		defer timer.Stop()
		late = timer.C
	}
	for {
		e.mu.Lock()
		err := f()
		released := e.released
		e.mu.Unlock()
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-released:
		case <-late:
			return fail(MaxTimeMSExpired, "operation exceeded time limit")
		case <-e.stop:
			return fail(InterruptedShutdown, "interrupted at shutdown")
		}
	}
}

// collection returns what a namespace holds, made when it was not there.
func (e *engine) collection(ns string) *collection {
	if e.collections[ns] == nil {
		id := index{name: "_id_", key: bson.D{{Key: "_id", Value: int32(1)}}}
		e.collections[ns] = &collection{chains: map[string]*chain{}, indexes: []index{id}}
	}
	return e.collections[ns]
}
