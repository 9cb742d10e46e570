package gormcreds

import (
	"context"
	"crypto/rand"
	"time"
)

const (
	firstWait = 2 * time.Millisecond
	maxWait   = 50 * time.Millisecond
	beatEvery = 500 * time.Millisecond
	lease     = 3 * time.Second // without a beat, after which a holder is taken for dead
)

// lock is held until release or save, and kept alive until stop.
type lock struct {
	store  *store
	holder string
	ctx    context.Context // of change: ends when the lock may be lost
	cancel context.CancelFunc
	stop   func()        // ends the beats
	done   chan struct{} // closed when no more of them come
}

// lock waits for the lock. A holder is taken for dead when its beats do not count up for as long as the lease by the clock of
// this process alone.
func (s *store) lock(ctx context.Context) (*lock, error) {
	me := rand.Text()
	var seen row
	var since time.Time
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		began := time.Now()
		r, err := s.read(ctx)
		if err == nil && r.ID == "" {
			err = s.insert(ctx)
		}
		if err != nil {
			return nil, err
		}
		if r.Holder != seen.Holder || r.Beat != seen.Beat {
			seen, since = r, began
		}
		if r.Holder == "" || began.Sub(since) > lease {
			taken, err := s.take(ctx, r, me)
			if err != nil {
				return nil, err
			}
			if taken {
				return s.held(ctx, me, began), nil
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// held keeps the lock alive from now on.
func (s *store) held(ctx context.Context, me string, taken time.Time) *lock {
	l := &lock{store: s, holder: me, done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(ctx)
	beats, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = func() { stop(); <-l.done; l.cancel() }
	ends := time.AfterFunc(time.Until(taken.Add(lease-beatEvery)), l.cancel)
	go func() {
		defer close(l.done)
		defer ends.Stop()
		ticker := time.NewTicker(beatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-beats.Done():
				return
			}
			at := time.Now()
			n, err := s.beat(beats, me)
			if err == nil && n == 1 {
				ends.Reset(time.Until(at.Add(lease - beatEvery)))
			}
			if err == nil && n == 0 {
				l.cancel() // somebody else has it, or it was given back
				return
			}
		}
	}()
	return l
}

// release gives the lock back and leaves the credential alone. If that fails it ends by itself.
func (l *lock) release() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), lease)
	defer cancel()
	_, _ = l.store.set(ctx, l.holder, map[string]any{"holder": ""})
}
