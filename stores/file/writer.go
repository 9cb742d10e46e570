package file

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/oneauth-go/oneauth/core/record"
)

// Bounds of one transaction. The number of pages that it rewrites is also how many the file keeps free in steady use.
const (
	maxBatchOps   = 1024
	maxBatchBytes = 4 << 20
	maxBatchTime  = time.Millisecond // to wait for company
)

// write is the one goroutine that writes. It ends when the queue is closed and empty.
func (s *Store) write() {
	defer guardFaults()()
	var batch []*request
	var pace pace
	for s.queue.wait() {
		batch = s.collect(batch[:0:cap(batch)], pace)
		switch {
		case len(batch) == 0:
		case batch[0].run != nil:
			batch[0].answer(s.runOne(batch[0].run))
		default:
			began := s.opts.Now()
			s.commitBatch(batch)
			pace = paceAfter(len(batch)+s.queue.len(), s.opts.Now().Sub(began))
			s.compactIfDue()
		}
		clear(batch)
	}
}

// pace is what the last batch tells about the next one.
type pace struct {
	company int           // how many took part, or came while it was written
	wait    time.Duration // how long to wait for as many
}

// paceAfter lets a batch wait for half of the time that the last one took to write: the fsync that it may save costs
// more.
func paceAfter(company int, took time.Duration) pace {
	return pace{company, min(took/2, maxBatchTime)}
}

// collect takes what waits. Those who were just answered are probably about to commit again: it waits a little for as
// many as there were, which costs a lone writer nothing since it has no company.
func (s *Store) collect(batch []*request, p pace) []*request {
	batch = s.queue.take(batch, 0, 0)
	if len(batch) == 0 || len(batch) >= p.company || batch[0].run != nil {
		return batch
	}
	timeout := time.NewTimer(p.wait)
	defer timeout.Stop()
	for len(batch) < p.company {
		select {
		case <-s.queue.wake:
		case <-timeout.C:
			return batch
		}
		ops, size := 0, 0
		for _, r := range batch {
			ops, size = ops+len(r.ops), size+r.size
		}
		if batch = s.queue.take(batch, ops, size); s.queue.len() > 0 {
			return batch // it is full, or something must run between transactions
		}
	}
	return batch
}

// runOne carries out a request to run.
func (s *Store) runOne(run func() error) (err error) {
	if err := s.writable(); err != nil {
		return err
	}
	defer s.contain(&err)
	return run()
}

// exclusive runs fn in the writer, between transactions.
func (s *Store) exclusive(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.queue.do(ctx, &request{run: fn, done: make(chan struct{})})
}

// update runs fn in a transaction of its own. It is called in the writer only.
func (s *Store) update(fn func(*bolt.Tx) error) error {
	h := s.db.Load()
	tx, err := h.bolt.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after a commit
	if err := fn(tx); err != nil {
		return err
	}
	return s.commit(h, tx)
}

// commitBatch carries out commits in one transaction and answers each.
func (s *Store) commitBatch(batch []*request) {
	if err := s.writable(); err != nil {
		answerAll(batch, err)
		return
	}
	batch = s.judgeLeading(batch)
	if len(batch) == 0 {
		return
	}
	verdicts := make([]error, len(batch))
	err := s.writeBatch(batch, verdicts)
	for i, r := range batch {
		switch {
		case err == nil:
			r.answer(verdicts[i])
		case verdicts[i] != nil && errors.Is(err, record.ErrUnknown):
			r.answer(record.ErrBusy) // refused because of something that perhaps was not; itself surely not applied
		default:
			r.answer(err)
		}
	}
	s.progress.batches.Add(1)
}

func answerAll(batch []*request, err error) {
	for _, r := range batch {
		r.answer(err)
	}
}

// judgeLeading answers the requests at the front that write nothing, because they are refused or only check, and returns
// the rest. It needs no write transaction: nobody else writes, and all that the file holds is synced.
func (s *Store) judgeLeading(batch []*request) []*request {
	kinds := *s.kinds.Load()
	n := 0
	err := s.viewOf(s.db.Load(), func(tx *bolt.Tx) error {
		for ; n < len(batch); n++ {
			err := batch[n].judge(tx, kinds)
			if err == nil && batch[n].writes {
				break
			}
			batch[n].answer(err)
		}
		return nil
	})
	if err != nil {
		answerAll(batch[n:], err)
		return nil
	}
	return batch[n:]
}

// writeBatch judges each request of the batch in turn, in a transaction that contains what the ones before it wrote, and
// commits. An error of its own means that nothing is applied, or ErrUnknown.
func (s *Store) writeBatch(batch []*request, verdicts []error) (err error) {
	defer s.contain(&err)
	h, kinds := s.db.Load(), *s.kinds.Load()
	tx, err := h.bolt.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after a commit
	applied := int64(0)
	for i, r := range batch {
		if verdicts[i] = r.judge(tx, kinds); verdicts[i] != nil {
			continue
		}
		var changes []change
		if changes, verdicts[i] = r.changes(tx, kinds); verdicts[i] != nil {
			continue
		}
		if err := apply(tx, changes); err != nil {
			return err
		}
		s.journal.note(r.ops)
		applied++
	}
	if err := s.commit(h, tx); err != nil {
		return err
	}
	s.progress.commits.Add(applied)
	return nil
}

// commit makes tx durable. An error other than ErrUnknown means that it is certainly not applied.
func (s *Store) commit(h *handle, tx *bolt.Tx) error {
	h.bolt.AllocSize = allocSize(tx.Size())
	id := tx.ID()
	err := tx.Commit()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("file store %s: %w", s.path, err)
	if headWritten(h, id) {
		s.fail(err, true)
		return fmt.Errorf("%w: %w", record.ErrUnknown, err)
	}
	if !isFull(err) {
		s.fail(err, false)
	}
	return err
}

// headWritten reports whether the head page of transaction id may have reached the file. A head page that was written in
// part has a wrong checksum, and never counts.
func headWritten(h *handle, id int) bool {
	tx, err := h.bolt.Begin(false)
	if err != nil {
		return true
	}
	defer tx.Rollback()
	return tx.ID() >= id
}

// isFull reports whether there is no room to write: what has been written stays right, and room may be made.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, berrors.ErrMaxSizeReached)
}

// allocSize is by how much the file grows at a time: an eighth, between 1 and 16 MiB.
func allocSize(size int64) int { return int(min(max(size/8, 1<<20), 16<<20)) }
