package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

const (
	enough = 256 // noted keys that may be left for the moment in which commits wait
	rounds = 20  // of copying what was noted, until there is enough
	cycles = 5   // of copying and verifying everything
)

// Move copies everything to the target while the application goes on, verifies it, and switches: for a moment commits wait,
// what was written last is copied and compared, the mark makes the target the truth, and commits go on there. Reads never
// wait.
//
// After an error the source is still the truth and the application goes on there, and Move can be called again; ErrUnsure
// alone is the exception, when the target was lost in the very moment of the switch: commits then wait, to be refused as
// contention (503), until another Move or a restart finds out. ErrMoved: the application works on the target already.
func (l *Live) Move(ctx context.Context, o Options) (*Report, error) {
	if !l.moving.TryLock() {
		return nil, errors.New("transfer: a Move is under way")
	}
	defer l.moving.Unlock()
	if l.unsure {
		if err := l.decide(ctx); err != nil {
			return nil, fmt.Errorf("%w (%w)", ErrUnsure, err)
		}
		l.unsure = false
		l.door.open()
	}
	if l.moved.Load() {
		return nil, ErrMoved
	}
	m := &move{Live: l, job: newJob(l.from, l.to, l.schema, o)}
	if err := m.kindsKnown(ctx); err != nil {
		return nil, err
	}
	if err := l.door.note(ctx); err != nil {
		return nil, err
	}
	defer l.door.forget()
	err := m.run(ctx)
	return m.report(), err
}

// move is one call of Move.
type move struct {
	*Live
	*job
}

func (m *move) run(ctx context.Context) error {
	for range cycles {
		if err := m.copyAll(ctx); err != nil {
			return err
		}
		if ok, err := m.drain(ctx, false); err != nil {
			return err
		} else if !ok {
			continue
		}
		m.skipped = map[record.Key]bool{}
		err := m.verifyAll(ctx, func(k record.Key) bool {
			if m.door.touched(k) {
				m.skipped[k] = true
			}
			return m.skipped[k]
		})
		if m.door.doubtful() {
			m.door.take()
			continue
		}
		if err != nil {
			return err
		}
		if ok, err := m.drain(ctx, true); err != nil {
			return err
		} else if !ok {
			continue
		}
		done, err := m.change(ctx)
		if err == nil && done {
			return leave(ctx, m.Live.from, m.o)
		}
		if err != nil {
			return err
		}
	}
	return ErrHurry
}

// drain copies what was noted until little is left, and reports whether it came to that.
func (m *move) drain(ctx context.Context, counted bool) (bool, error) {
	for range rounds {
		keys, over := m.door.take()
		if over {
			return false, nil
		}
		if err := m.bring(ctx, keys, counted); err != nil {
			return false, err
		}
		if len(keys) <= enough {
			return true, nil
		}
	}
	return false, nil
}

// bring copies noted keys. If they are counted, the sums follow: what the target had comes out, unless it never was in, and
// what both have now goes in.
func (m *move) bring(ctx context.Context, keys []record.Key, counted bool) error {
	slices.SortFunc(keys, record.Key.Compare)
	for len(keys) > 0 {
		n := slices.IndexFunc(keys, func(k record.Key) bool { return k.Tenant != keys[0].Tenant })
		if n < 0 {
			n = len(keys)
		}
		for chunk := range slices.Chunk(keys[:n], settleKeys) {
			if err := m.bringChunk(ctx, chunk, counted); err != nil {
				return fmt.Errorf("transfer: copy what was written meanwhile in tenant %s: %w", keys[0].Tenant, err)
			}
		}
		keys = keys[n:]
	}
	return nil
}

func (m *move) bringChunk(ctx context.Context, keys []record.Key, counted bool) error {
	if !counted {
		return m.settle(ctx, keys[0].Tenant, keys)
	}
	before, err := m.both(ctx, keys)
	if err != nil {
		return err
	}
	if err := m.settle(ctx, keys[0].Tenant, keys); err != nil {
		return err
	}
	after, err := m.both(ctx, keys)
	if err != nil {
		return err
	}
	for _, p := range before {
		if p.to != nil && !m.skipped[p.key()] { // it was the same on both sides when it was counted
			m.count(pair{p.to, p.to}, -1)
		}
	}
	for _, k := range keys {
		delete(m.skipped, k)
	}
	for _, p := range after {
		if p.to != nil { // the source may have something newer, which is noted
			m.count(pair{p.to, p.to}, 1)
		}
	}
	return nil
}

// change is the switch. It is not done when too much was left to do, or when the notes are in doubt.
func (m *move) change(ctx context.Context) (done bool, err error) {
	held, cancel := context.WithTimeout(ctx, m.o.Hold)
	defer cancel()
	late := func(err error) error {
		if held.Err() != nil && ctx.Err() == nil {
			return nil
		}
		return err
	}
	if err := m.door.close(held); err != nil {
		return false, late(err)
	}
	defer func() {
		if !m.unsure {
			m.door.open()
		}
	}()
	if m.door.doubtful() {
		return false, nil
	}
	keys, _ := m.door.take()
	if err := m.bring(held, keys, true); err != nil {
		return false, late(err)
	}
	if err := m.compareLast(held, keys); err != nil {
		return false, late(err)
	}
	if err := m.begin(ctx, record.System); err != nil {
		return false, err
	}
	err = m.marks.commit(ctx, record.System, markMoved, nil)
	if err != nil && errors.Is(err, record.ErrUnknown) {
		if failed := m.decide(context.WithoutCancel(ctx)); failed != nil {
			m.unsure = true
			return false, fmt.Errorf("%w (%w)", ErrUnsure, failed)
		}
		if m.moved.Load() {
			return true, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("transfer: mark the target as the truth: %w", err)
	}
	m.moved.Store(true)
	return true, nil
}

// compareLast verifies what was copied last, while nobody writes.
func (m *move) compareLast(ctx context.Context, keys []record.Key) error {
	for chunk := range slices.Chunk(keys, settleKeys) {
		found, err := m.both(ctx, chunk)
		if err != nil {
			return err
		}
		for _, p := range found {
			if what := m.difference(p); what != "" {
				k := p.key()
				m.differ = append(m.differ, Difference{k.Tenant, k.Kind, k.ID, what})
			}
		}
	}
	return m.verdict()
}
