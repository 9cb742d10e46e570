package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// This file is about commits whose fate is unknown, and about errors that may come of what never was.

// settleFor bounds the look at what became of a commit. It goes on when the caller's context has ended.
const settleFor = 2 * time.Second

// errUnapplied is ErrUnknown after a second look: the commit was not applied when we looked. It may be later.
var errUnapplied = errors.New("record: commit not applied so far")

// suspect is a try that was not applied when we looked, and perhaps is on its way.
type suspect struct {
	rev int64
	ops []Op
}

// stored returns the revisions under the keys of ops; absent ones are 0.
func (db *DB) stored(ctx context.Context, ops []Op) (map[Key]int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	keys := make([]Key, 0, len(ops))
	for _, op := range ops {
		keys = append(keys, op.Key)
	}
	return db.revisions(ctx, keys)
}

// revisions returns those under the keys in the store itself; absent ones are 0.
func (db *DB) revisions(ctx context.Context, keys []Key) (map[Key]int64, error) {
	ctx = anew(ctx)
	revs := make(map[Key]int64, len(keys))
	for some := range slices.Chunk(keys, MaxOps) {
		found, err := db.backend.Get(ctx, some...)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			revs[r.Key] = r.Rev
		}
	}
	return revs, nil
}

// believed returns err, which the function made of what it read, if that is so now: what is unchanged was unchanged at the
// last read, and what was absent is so again at least. It is ErrConflict if not: the function saw halves of two states, such
// as an address that nobody has yet and an invitation to it that is used up, or took an id for free that is not, and judges
// again.
func (tx *Tx) believed(err error) error {
	if tx.failed || tx.reads < 2 && !tx.blind || errors.Is(err, ErrConflict) || errors.Is(err, ErrBusy) {
		return err
	}
	var keys []Key
	for k, e := range tx.entries {
		if e.checked || e.verb != 0 {
			keys = append(keys, k)
		}
	}
	now, failed := tx.db.revisions(tx.ctx, keys)
	if failed != nil {
		return fmt.Errorf("%w (to confirm: %v)", failed, err)
	}
	for _, k := range keys {
		if now[k] != tx.entries[k].base.Rev {
			return ErrConflict
		}
	}
	return err
}

// settle finds out whether a commit with an unknown outcome was applied, by its revision. A record that still has the
// revision it was to lose says no. An absence says no only when nothing else moved: a record that was inserted may have
// been deleted since.
func (db *DB) settle(tx *Tx, ops []Op, unknown error) error {
	now, err := db.stored(tx.ctx, ops)
	if err != nil {
		return errors.Join(unknown, err)
	}
	var held, free, moved bool
	for _, op := range ops {
		rev := now[op.Key]
		switch {
		case op.Verb == Put && rev == tx.rev:
			return nil
		case op.Verb == Check:
		case rev != op.Want:
			moved = true
		case rev == 0:
			free = true
		default:
			held = true
		}
	}
	if held || free && !moved {
		return errUnapplied
	}
	return unknown
}

// cleared returns err, the end of an Update that committed the given ops, unless one of its suspects may have been
// applied or may yet be.
func (db *DB) cleared(ctx context.Context, suspects []suspect, committed []Op, err error) error {
	if errors.Is(err, ErrUnknown) {
		return err
	}
	for _, s := range suspects {
		if s.overtaken(committed) {
			continue
		}
		now, failed := db.stored(ctx, s.ops)
		if failed != nil || !s.dead(now) {
			return errors.Join(ErrUnknown, err, failed)
		}
	}
	return err
}

// overtaken reports whether the committed ops changed a record from the revision that the suspect wants there: so it had
// not been applied, and cannot be any more.
func (s suspect) overtaken(committed []Op) bool {
	for _, op := range s.ops {
		for _, c := range committed {
			if c.Key == op.Key && c.Want == op.Want && op.Want != 0 && c.Verb != Check {
				return true
			}
		}
	}
	return false
}

// dead reports whether the suspect was not applied and cannot be any more: one of its conditions is broken, and not by
// itself. A record that it was to delete and that is gone proves nothing.
func (s suspect) dead(now map[Key]int64) bool {
	broken := false
	for _, op := range s.ops {
		rev := now[op.Key]
		if op.Verb == Put && rev == s.rev {
			return false
		}
		broken = broken || rev != op.Want && (op.Verb != Delete || rev != 0)
	}
	return broken
}

// suspected reports whether rev is of a try that was taken for not applied.
func (tx *Tx) suspected(rev int64) bool {
	return slices.ContainsFunc(tx.suspects, func(s suspect) bool { return s.rev == rev })
}
