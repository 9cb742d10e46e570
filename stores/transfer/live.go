package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Live is a store for an application that moves from one store to another while it runs. It works on the source, until Move
// has brought everything to the target, and on the target from then on. A process that starts again opens a Live of the same
// two, and works on the right one from its beginning; in some later release it opens the target alone.
//
// It is for a source that this process alone writes, such as a file: what others write there is not noticed.
//
// The switch is one commit, of the mark at the target. A process that is killed before it was applied is on the source when
// it starts again, and one that is killed afterwards on the target; either holds all that was acknowledged. While the target
// cannot be reached, a start fails, since nobody knows where the truth is. The source is marked, too, after the switch: a
// start with another target is ErrLeft.
type Live struct {
	from, to record.Backend
	schema   record.Schema
	door     door
	moved    atomic.Bool
	moving   sync.Mutex
	unsure   bool // nobody knows whether the target is the truth, and the door is shut; guarded by moving
}

var _ record.Sharer = (*Live)(nil)

// NewLive returns a store over both, which it owns: Close closes them.
func NewLive(from, to record.Backend) *Live { return &Live{from: from, to: to} }

// Prepare prepares both stores, and finds out which of them is the truth.
func (l *Live) Prepare(ctx context.Context, schema record.Schema) error {
	if err := prepareBoth(ctx, l.from, l.to, schema); err != nil {
		return err
	}
	l.moving.Lock()
	defer l.moving.Unlock()
	l.schema = schema
	return l.decide(ctx)
}

// decide finds out where the truth is. If the target is not, it moves the mark there, so that a switch which a process that
// is gone now had under way cannot come true any more.
func (l *Live) decide(ctx context.Context) error {
	m := newMarks(l.to, Options{}.withDefaults())
	rev, _, err := m.read(ctx, record.System)
	if err == nil && rev != 0 {
		err = m.take(ctx, record.System)
	}
	if errors.Is(err, ErrMoved) {
		l.moved.Store(true)
		return leave(ctx, l.from, Options{}.withDefaults()) // who switched may have been killed before it did
	}
	if err != nil {
		return err
	}
	return stays(ctx, l.from, Options{}.withDefaults())
}

// Moved reports whether the application works on the target.
func (l *Live) Moved() bool { return l.moved.Load() }

func (l *Live) side() record.Backend {
	if l.moved.Load() {
		return l.to
	}
	return l.from
}

// Shares reports whether the store that the application works on keeps records of a kind in rows of the application.
func (l *Live) Shares(kind string) bool {
	s, ok := l.side().(record.Sharer)
	return ok && s.Shares(kind)
}

// Get implements record.Backend.
func (l *Live) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	return l.side().Get(ctx, keys...)
}

// Find implements record.Backend.
func (l *Live) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	return l.side().Find(ctx, q)
}

// Commit implements record.Backend. For the moment of the switch it waits.
func (l *Live) Commit(ctx context.Context, ops []record.Op) error {
	if l.moved.Load() {
		return l.to.Commit(ctx, ops)
	}
	if err := l.door.enter(ctx, ops); err != nil {
		return err
	}
	err := l.side().Commit(ctx, ops)
	l.door.leave(ops, errors.Is(err, record.ErrUnknown))
	return err
}

// Sweep implements record.Backend. While a move is under way it removes nothing: that can wait.
func (l *Live) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if !l.moved.Load() {
		if !l.door.enterQuietly() {
			return 0, ctx.Err()
		}
		defer l.door.leave(nil, false)
	}
	return l.side().Sweep(ctx, before, limit)
}

// Close closes both stores. A running Move ends with an error, or has ended.
func (l *Live) Close() error { return errors.Join(l.from.Close(), l.to.Close()) }
