package gormstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// Commit applies all ops and the parts that were enlisted, or none.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	j, err := s.joined(ctx)
	if err != nil {
		return err
	}
	conn := s.db
	if j != nil {
		conn = j.tx
	}
	if err := s.ready(ctx, conn, ops); err != nil {
		return err
	}
	parts := record.Parts(ctx)
	switch {
	case j != nil:
		return s.commitJoined(ctx, j, ops, parts)
	case len(ops) == 0 && len(parts) == 0:
		return nil
	case len(ops) == 1 && len(parts) == 0:
		if k := (*s.kinds.Load())[ops[0].Kind]; k.alone(ops[0]) {
			return atCommit(k.apply(own(ctx, s.db), ops[0]))
		}
	}
	tx := s.app.WithContext(ctx).Begin()
	if tx.Error != nil {
		return beforeCommit(ctx, tx.Error)
	}
	if err := s.applyAll(ctx, tx, ops, parts); err != nil {
		tx.Rollback()
		return beforeCommit(ctx, err)
	}
	return finish(ctx, tx)
}

// ready sees to it that there is a keeper for every op, with a place for all its values if there is one at all.
func (s *Store) ready(ctx context.Context, conn *gorm.DB, ops []record.Op) error {
	for _, op := range ops {
		k, err := s.keeper(ctx, conn, op.Kind)
		if err != nil {
			return err
		}
		if op.Verb == record.Put && !k.knows(len(op.Row)) { // read before another process migrated, or copied from elsewhere
			return s.catchUp(ctx, conn)
		}
	}
	return nil
}

// applyAll runs ops in their order, which is that of their keys and the same for everybody, and then the parts.
func (s *Store) applyAll(ctx context.Context, tx *gorm.DB, ops []record.Op, parts []any) error {
	for _, op := range ops {
		if err := (*s.kinds.Load())[op.Kind].apply(own(ctx, tx), op); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if p, ok := p.(statements); ok {
			if err := p.run(tx.Session(&gorm.Session{NewDB: true, Context: ctx})); err != nil {
				return &partError{err}
			}
		}
	}
	return nil
}

// finish commits. A server that does not answer keeps the goroutine, not the caller.
func finish(ctx context.Context, tx *gorm.DB) error {
	if err := ctx.Err(); err != nil {
		tx.Rollback()
		return err
	}
	done := make(chan error, 1)
	go func() { done <- tx.Commit().Error }()
	select {
	case err := <-done:
		return atCommit(err)
	case <-ctx.Done():
		return fmt.Errorf("%w (%w)", record.ErrUnknown, ctx.Err())
	}
}

// partError is what one of the application's statements failed with.
type partError struct{ err error }

func (e *partError) Error() string { return e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

// Sweep removes at most limit records that expired before the given time, by one statement for each kind.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	kinds := *s.kinds.Load()
	swept := 0
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		n, err := s.sweepKind(ctx, kinds[name], before, limit-swept)
		swept += n
		if err != nil || swept >= limit {
			return swept, err
		}
	}
	return swept, nil
}

func (s *Store) sweepKind(ctx context.Context, k keeper, before time.Time, limit int) (int, error) {
	for try := 1; ; try++ {
		n, err := k.sweep(own(ctx, s.db), s.dialect.time(before), limit)
		switch {
		case err == nil:
			return n, nil
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case try == rereads || errors.Is(err, record.ErrConflict) || classOf(err) != busy:
			return 0, err
		}
		pause(ctx, time.Duration(try)*time.Millisecond)
	}
}
