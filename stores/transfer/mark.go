package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// errStale says that a batch was not applied, since the target is not what was read there.
var errStale = errors.New("transfer: the target has changed")

// marks is who writes at the target, and how: every commit there moves the mark of its tenant from the revision that the
// commit before gave it. So a commit whose outcome is unknown is decided by one read, and cannot land later.
type marks struct {
	to       record.Backend
	rand     io.Reader
	retryFor time.Duration
	known    map[string]int64 // by tenant: the revision of the mark
	lost     map[int64]bool   // revisions of commits that were given up, and may land as long as the mark did not move
}

func newMarks(to record.Backend, o Options) *marks {
	return &marks{to: to, rand: o.Rand, retryFor: o.RetryFor, known: map[string]int64{}, lost: map[int64]bool{}}
}

// read returns revision and state of a tenant's mark; 0 is none.
func (m *marks) read(ctx context.Context, tenant string) (rev int64, state string, err error) {
	err = m.retry(ctx, func() error {
		found, err := m.to.Get(ctx, record.Key{Tenant: tenant, Kind: markKind, ID: markID})
		rev, state = 0, ""
		for _, r := range found {
			rev = r.Rev
			if len(r.Row) > 0 {
				state = r.Row[0].Text()
			}
		}
		return err
	})
	return rev, state, err
}

// take makes a tenant ours: what others have under way there cannot land any more. It refuses a target that is the truth
// already.
func (m *marks) take(ctx context.Context, tenant string) error {
	for {
		rev, state, err := m.read(ctx, tenant)
		switch {
		case err != nil:
			return fmt.Errorf("transfer: read the mark of the target: %w", err)
		case state == markMoved:
			return ErrMoved
		}
		m.known[tenant] = rev
		if err := m.commit(ctx, tenant, "", nil); !errors.Is(err, errStale) && !errors.Is(err, ErrRival) {
			return err
		}
	}
}

// stays makes sure that a source has not moved away.
func stays(ctx context.Context, from record.Backend, o Options) error {
	_, state, err := newMarks(from, o).read(ctx, record.System)
	switch {
	case err != nil:
		return fmt.Errorf("transfer: read the mark of the source: %w", err)
	case state == markLeft:
		return ErrLeft
	}
	return nil
}

// leave marks a source whose data is the target's now.
func leave(ctx context.Context, from record.Backend, o Options) error {
	m := newMarks(from, o)
	rev, state, err := m.read(ctx, record.System)
	if err == nil && state != markLeft {
		m.known[record.System] = rev
		err = m.commit(ctx, record.System, markLeft, nil)
	}
	if err != nil {
		return fmt.Errorf("transfer: the move is done, but the source could not be marked as stale: %w", err)
	}
	return nil
}

// commit applies a batch of one tenant, which take made ours, and moves its mark. errStale: not applied. ErrUnknown: the
// target does not say.
func (m *marks) commit(ctx context.Context, tenant, state string, ops []record.Op) error {
	want, mine := m.known[tenant], map[int64]bool{}
	ctx, cancel := context.WithTimeout(ctx, m.retryFor)
	defer cancel()
	var doubt error // record.ErrUnknown when an earlier try may yet land
	for try := 0; ; try++ {
		op, err := m.op(tenant, state, want)
		if err != nil {
			return err
		}
		batch := append(slices.Clone(ops), op)
		slices.SortFunc(batch, func(a, b record.Op) int { return a.Key.Compare(b.Key) })
		failed := m.to.Commit(ctx, batch)
		mine[op.Rev] = true
		switch {
		case failed == nil:
			m.known[tenant] = op.Rev
			return nil
		case errors.Is(failed, record.ErrConflict), errors.Is(failed, record.ErrUnknown):
			done, err := m.outcome(ctx, tenant, want, mine, failed)
			if done || err != nil {
				return err
			}
			doubt = record.ErrUnknown
		case !errors.Is(failed, record.ErrBusy):
			return m.giveUp(tenant, mine, errors.Join(failed, doubt))
		}
		if err := pause(ctx, try); err != nil {
			return m.giveUp(tenant, mine, errors.Join(failed, doubt, err))
		}
	}
}

// outcome finds out by the mark what became of a commit. When it was not applied so far, and may be tried again, neither is
// set.
func (m *marks) outcome(ctx context.Context, tenant string, want int64, mine map[int64]bool, failed error) (done bool, err error) {
	var seen int64
	err = m.retry(ctx, func() (err error) {
		if seen, _, err = m.read(ctx, tenant); err != nil {
			return errors.Join(record.ErrBusy, err) // whatever is wrong: it has to be known
		}
		return nil
	})
	switch {
	case err != nil:
		return false, m.giveUp(tenant, mine, errors.Join(record.ErrUnknown, failed, err))
	case mine[seen]:
		m.known[tenant] = seen
		return true, nil
	case m.lost[seen]: // what was given up has landed
		m.known[tenant] = seen
		return false, errStale
	case seen != want:
		delete(m.known, tenant)
		return false, ErrRival
	case errors.Is(failed, record.ErrConflict):
		maps.Copy(m.lost, mine)
		return false, errStale
	}
	return false, nil
}

// giveUp notes that the tries may still land, until take moves the mark.
func (m *marks) giveUp(tenant string, mine map[int64]bool, err error) error {
	maps.Copy(m.lost, mine)
	delete(m.known, tenant)
	return err
}

// op writes the mark. Its row is empty unless there is something to say, so that a batch stays within record.MaxBytes.
func (m *marks) op(tenant, state string, want int64) (record.Op, error) {
	var b [8]byte
	r := record.Record{Key: record.Key{Tenant: tenant, Kind: markKind, ID: markID}, Version: 1}
	for r.Rev == 0 {
		if _, err := io.ReadFull(m.rand, b[:]); err != nil {
			return record.Op{}, fmt.Errorf("transfer: draw a revision: %w", err)
		}
		r.Rev = int64(binary.BigEndian.Uint64(b[:]) >> 1)
	}
	if state != "" {
		r.Row = record.Row{record.StringValue(state)}
	}
	return record.Op{Record: r, Verb: record.Put, Want: want}, nil
}

// retry calls f until it is not busy.
func (m *marks) retry(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, m.retryFor)
	defer cancel()
	for try := 0; ; try++ {
		err := f()
		if !errors.Is(err, record.ErrBusy) {
			return err
		}
		if late := pause(ctx, try); late != nil {
			return errors.Join(err, late)
		}
	}
}

// pause waits from 1 ms, twice as long each time, up to 256 ms.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Millisecond << min(try, 8))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
