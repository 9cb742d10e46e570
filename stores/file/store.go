package file

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/oneauth-go/oneauth/core/record"
)

// Store is an open file. It is safe for concurrent use.
type Store struct {
	path string // as given to Open
	real string // absolute, links resolved
	opts Options

	db       atomic.Pointer[handle]  // replaced by a compaction
	kinds    atomic.Pointer[kindSet] // replaced by Prepare
	failure  atomic.Pointer[failure]
	queue    *queue
	journal  *journal // keys written while a compaction copies; of the writer alone
	progress progress //
	closing  context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup // the writer and an automatic compaction
	once     sync.Once
	closeErr error

	// maintenance is held by what needs the file to stay the same one for long: backup, compaction, verification,
	// change of schema.
	maintenance chan struct{}
}

var _ record.Backend = (*Store)(nil)

// failure is why the store stopped.
type failure struct {
	err   error
	reads bool // what is read may not be on disk, or the tree is damaged
}

// Path returns the path that was given to Open.
func (s *Store) Path() string { return s.path }

// Close waits for the commits that were already called, then closes the file and frees its lock. A running backup,
// compaction or verification is broken off. Calls after it return record.ErrClosed; closing again changes nothing.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.cancel()
		s.queue.close()
		s.work.Wait()
		s.maintenance <- struct{}{} // for good
		s.closeErr = s.shut()
	})
	return s.closeErr
}

func (s *Store) shut() (err error) {
	defer contain(&err)
	h, f := s.db.Load(), s.failure.Load()
	if f != nil {
		return h.close(f.err)
	}
	if s.opts.NoSync {
		err = h.bolt.Sync()
	}
	return errors.Join(err, h.close(nil))
}

// fail stops the store for writing, and for reading when reads is set. The first reason is kept, unless the new one is
// worse.
func (s *Store) fail(err error, reads bool) {
	f := &failure{err: err, reads: reads}
	for {
		old := s.failure.Load()
		if old != nil && (old.reads || !reads) {
			return
		}
		if s.failure.CompareAndSwap(old, f) {
			s.opts.Log.Error("file store has failed", "path", s.path, "error", err, "reads_refused", reads)
			return
		}
	}
}

// writable says why nothing can be written.
func (s *Store) writable() error {
	if f := s.failure.Load(); f != nil {
		return fmt.Errorf("%w: %s: %w", ErrFailed, s.path, f.err)
	}
	return nil
}

// readable says why nothing can be read.
func (s *Store) readable() error {
	if s.closing.Err() != nil {
		return record.ErrClosed
	}
	if f := s.failure.Load(); f != nil && f.reads {
		return fmt.Errorf("%w: %s: %w", ErrFailed, s.path, f.err)
	}
	return nil
}

// view runs fn in a read transaction. What fn keeps of the transaction's memory it copies.
func (s *Store) view(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for {
		if err := s.readable(); err != nil {
			return err
		}
		h := s.db.Load()
		err := s.viewOf(h, fn)
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			if s.db.Load() != h {
				continue // a compaction has just put another file in its place
			}
			return record.ErrClosed
		}
		return err
	}
}

func (s *Store) viewOf(h *handle, fn func(*bolt.Tx) error) (err error) {
	defer guardFaults()()
	defer s.contain(&err)
	tx, err := h.bolt.Begin(false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return fn(tx)
}

// contain is the package's contain, and stops the store: a page or the mapping is damaged.
func (s *Store) contain(err *error) {
	if p := recover(); p != nil {
		d := &damage{cause: p}
		s.fail(d, true)
		*err = fmt.Errorf("file store %s: %w", s.path, d)
	}
}

// hold takes the maintenance lock.
func (s *Store) hold(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closing.Err() != nil {
		return nil, record.ErrClosed
	}
	select {
	case s.maintenance <- struct{}{}:
		return func() { <-s.maintenance }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing.Done():
		return nil, record.ErrClosed
	}
}

// interrupted reports whether long work should stop.
func (s *Store) interrupted(ctx context.Context) error {
	if s.closing.Err() != nil {
		return record.ErrClosed
	}
	return ctx.Err()
}

// progress is what Stats tells beyond the file.
type progress struct {
	commits, batches, compactions atomic.Int64
	lastCompaction                atomic.Pointer[compaction]
}

type compaction struct {
	began, ended time.Time
	err          error
}
