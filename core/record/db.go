package record

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"slices"
	"time"
)

// Options of a DB. The zero value is ready to use.
type Options struct {
	Now      func() time.Time // judges expiry; default time.Now
	Rand     io.Reader        // draws revisions; default crypto/rand.Reader
	RetryFor time.Duration    // how long Update keeps trying, and View waits for answers; default 10 s
}

// sweepGrace is how long an expired record is left to be swept, for nodes whose clocks differ.
const sweepGrace = 5 * time.Minute

// DB runs transactions over a backend. It is safe for concurrent use.
type DB struct {
	backend  Backend
	kinds    map[string]*Kind
	now      func() time.Time
	rand     io.Reader
	retryFor time.Duration
	queue    *queue
}

// Open prepares the backend for the kinds and returns the DB over it.
func Open(ctx context.Context, b Backend, o Options, kinds ...*Kind) (*DB, error) {
	db := &DB{backend: b, kinds: map[string]*Kind{}, now: o.Now, rand: o.Rand, retryFor: o.RetryFor, queue: newQueue()}
	if db.now == nil {
		db.now = time.Now
	}
	if db.rand == nil {
		db.rand = rand.Reader
	}
	if db.retryFor <= 0 {
		db.retryFor = 10 * time.Second
	}
	s := Schema{Kinds: kinds}
	if err := s.validate(); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		db.kinds[k.Name] = k
	}
	if err := b.Prepare(ctx, s); err != nil {
		return nil, fmt.Errorf("prepare store: %w", err)
	}
	return db, nil
}

// Shares reports whether others than this program's transactions write the records of a kind (see Sharer).
func (db *DB) Shares(kind string) bool {
	s, ok := db.backend.(Sharer)
	return ok && s.Shares(kind)
}

type inTx struct{}

// View runs fn with a transaction that can only read. Each of its reads sees what was committed when it was made; they
// are not one snapshot. For one, use Update without writing: its reads are validated together. Inside Update, View is
// ErrNested: its reads would escape validation. A backend that does not answer is waited for as long as Update would.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(inTx{}) != nil {
		return ErrNested
	}
	tenant, err := TenantOf(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, db.retryFor)
	defer cancel()
	return fn(&Tx{ctx: ctx, db: db, tenant: tenant, readOnly: true})
}

// Update runs fn and commits what it wrote, all or nothing, after validating what it read. fn may run several times, so
// it sets whatever it captures anew each time and has no other outside effect. When Update returns nil the writes are
// durable; when it returns an error of fn, nothing is written, and each record that fn got, found or missed was so at one
// moment; that a list is complete is not looked at, nor what was peeked. ErrUnknown alone leaves it open.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(inTx{}) != nil {
		return ErrNested
	}
	tenant, err := TenantOf(ctx)
	if err != nil {
		return err
	}
	tryCtx, cancel := context.WithTimeout(context.WithValue(ctx, inTx{}, true), db.retryFor)
	defer cancel()

	u := update{db: db, ctx: tryCtx, tenant: tenant, fn: fn}
	defer func() {
		if u.unlock != nil {
			u.unlock()
		}
	}()
	tx, committed, err := u.run()
	if err != nil {
		err = db.outcome(ctx, tryCtx, err)
	}
	if err := db.cleared(tryCtx, u.suspects, committed, err); err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// update is one call of Update.
type update struct {
	db       *DB
	ctx      context.Context
	tenant   string
	fn       func(*Tx) error
	suspects []suspect
	unlock   func() // leaves the queue; nil before the first conflict
}

// run tries until a try commits, and returns it with what it committed, or fails for good.
func (u *update) run() (*Tx, []Op, error) {
	for try := 0; ; try++ {
		rev, err := u.db.revision()
		if err != nil {
			return nil, nil, err
		}
		tx := &Tx{ctx: u.ctx, db: u.db, tenant: u.tenant, rev: rev, try: try, suspects: u.suspects}
		ops, err := u.db.attempt(tx, u.fn)
		switch {
		case err == nil:
			return tx, ops, nil
		case errors.Is(err, ErrUnknown):
			return nil, nil, err
		case errors.Is(err, ErrConflict), errors.Is(err, ErrBusy):
		case errors.Is(err, errUnapplied):
			u.suspects = append(u.suspects, suspect{rev, ops})
		default:
			return nil, nil, err
		}
		if try == 0 {
			u.ctx = anew(u.ctx)
		}
		if u.unlock == nil {
			u.unlock, err = u.db.queue.lock(u.ctx, tx.keys())
		} else {
			err = backoff(u.ctx, try)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// outcome tells the caller's own cancellation from our running out of time.
func (db *DB) outcome(ctx, tryCtx context.Context, err error) error {
	if ctx.Err() == nil && tryCtx.Err() != nil && !errors.Is(err, ErrUnknown) {
		return fmt.Errorf("%w (%v)", ErrContention, err)
	}
	return err
}

// attempt runs fn once and commits. It returns what it tried to commit.
func (db *DB) attempt(tx *Tx, fn func(*Tx) error) ([]Op, error) {
	err := fn(tx)
	if tx.tainted {
		return nil, ErrUnknown // an earlier try of ours was applied after all, and its results are lost
	}
	if tx.torn {
		return nil, ErrConflict
	}
	if err != nil {
		return nil, tx.believed(err)
	}
	ops, err := tx.ops()
	if err != nil {
		return nil, err
	}
	ctx := tx.ctx
	switch {
	case len(tx.parts) > 0:
		ctx = context.WithValue(ctx, partsKey{}, tx.parts)
	case len(ops) == 0:
		return nil, nil
	case len(ops) == 1 && ops[0].Verb == Check:
		return nil, nil // one record read is consistent with itself
	}
	err = db.backend.Commit(ctx, ops)
	if errors.Is(err, ErrUnknown) {
		return ops, db.settle(tx, ops, err)
	}
	return ops, err
}

// Sweep removes at most limit records that expired some minutes ago, in all tenants, and returns how many it removed.
func (db *DB) Sweep(ctx context.Context, limit int) (int, error) {
	return db.backend.Sweep(ctx, db.now().Add(-sweepGrace), limit)
}

// Now is the time by which the DB judges expiry.
func (db *DB) Now() time.Time { return db.now() }

// Close closes the backend.
func (db *DB) Close() error { return db.backend.Close() }

func (db *DB) revision() (int64, error) {
	var b [8]byte
	for {
		if _, err := io.ReadFull(db.rand, b[:]); err != nil {
			return 0, fmt.Errorf("draw a revision: %w", err)
		}
		if rev := int64(binary.BigEndian.Uint64(b[:]) >> 1); rev != 0 {
			return rev, nil
		}
	}
}

// backoff waits a random part of a window that doubles from 1 ms to 64 ms.
func backoff(ctx context.Context, try int) error {
	window := time.Millisecond << min(try, 6)
	t := time.NewTimer(mrand.N(window))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// queue lets contenders for the same keys within this process wait for each other instead of colliding.
type queue struct{ stripes [256]chan struct{} }

func newQueue() *queue {
	q := &queue{}
	for i := range q.stripes {
		q.stripes[i] = make(chan struct{}, 1)
	}
	return q
}

// lock takes the stripes of keys in a fixed order, so that two callers never wait for each other.
func (q *queue) lock(ctx context.Context, keys []Key) (unlock func(), err error) {
	var want []int
	for _, k := range keys {
		want = append(want, stripe(k))
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var held []int
	unlock = func() {
		for _, i := range held {
			<-q.stripes[i]
		}
	}
	for _, i := range want {
		select {
		case q.stripes[i] <- struct{}{}:
			held = append(held, i)
		case <-ctx.Done():
			unlock()
			return nil, ctx.Err()
		}
	}
	return unlock, nil
}

// stripe is FNV-1a over the key.
func stripe(k Key) int {
	h := uint32(2166136261)
	for _, s := range [...]string{k.Tenant, k.Kind, k.ID} {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
		h = (h ^ 0xff) * 16777619
	}
	return int(h>>24 ^ h&0xff)
}
