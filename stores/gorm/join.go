package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// Errors of Transaction inside a transaction that the application has begun.
var (
	// ErrConflict: somebody else changed what OneAuth's part is about. That part and fn's statements are undone, and the
	// application's transaction can go on; to try again, begin it anew.
	ErrConflict = errors.New("gormstore: conflict inside the application's transaction")
	// ErrAborted: the database has undone the application's transaction as a whole, because of a deadlock.
	ErrAborted = errors.New("gormstore: the database has undone the application's transaction")
)

// statements are a part of a commit: see With.
type statements struct{ run func(db *gorm.DB) error }

// With adds statements of the application to the commit of tx: they run after OneAuth's own, in the same SQL transaction,
// on the db that fn gets, and all of it is committed or nothing. In a hook of core:
//
//	InSignUpTx: func(tx *core.Tx, u *core.User) error {
//		return gormstore.With(tx.Record(), func(db *gorm.DB) error {
//			return db.Create(&Profile{UserID: u.ID}).Error
//		})
//	}
//
// fn may run several times, each in a new transaction, and so has no other effect. Its error undoes everything and comes
// back from the Update, unless it is a deadlock or the like, which is tried again.
func With(tx *record.Tx, fn func(db *gorm.DB) error) error { return tx.Enlist(statements{fn}) }

// Enlists reports whether part is of With or of Transaction, and of this database.
func (s *Store) Enlists(part any) bool {
	switch part := part.(type) {
	case statements:
		return part.run != nil
	case *join:
		return part.pool == s.pool
	}
	return false
}

// Updater begins transactions of OneAuth: *core.Auth with T = *core.Tx, *record.DB with T = *record.Tx.
type Updater[T any] interface {
	Update(ctx context.Context, fn func(T) error) error
}

// Transaction runs fn with a SQL transaction and a transaction of OneAuth that are one: both are committed or neither.
//
//	err := gormstore.Transaction(ctx, db, auth.Core(), func(db *gorm.DB, tx *core.Tx) error { ... })
//
// Reads of OneAuth inside see what the SQL transaction did. db is the pool of the Store, or a transaction on it.
//
// With the pool, Transaction begins and commits, and runs fn again, in a fresh transaction, when somebody else got in
// between; so fn has no other effect.
//
// With a transaction, fn works behind a savepoint in it, and the application commits. After any error fn's statements and
// OneAuth's are undone, and the transaction can go on (errors ErrConflict and ErrAborted tell what became of it). OneAuth's
// listeners hear of the events when fn is through, which is before the application commits; what they do about a commit
// that then fails is up to them.
func Transaction[T any](ctx context.Context, db *gorm.DB, in Updater[T], fn func(db *gorm.DB, tx T) error) error {
	pool, err := db.DB()
	if err != nil {
		return fmt.Errorf("gormstore: the database has no connection pool: %w", err)
	}
	j := &join{db: db, pool: pool, outer: inTransaction(db)}
	if j.outer && db.Dialector.Name() == sqlite.dialector {
		j.tx = db // whatever else OneAuth writes first would wait for this transaction
	}
	defer j.undo()
	err = in.Update(context.WithValue(ctx, joinKey{}, j), func(t T) error {
		tx, ok := kernel(t)
		if !ok {
			return fmt.Errorf("gormstore: a %T has no transaction of the kernel", t)
		}
		if err := errors.Join(tx.Enlist(j), j.begin(tx.Context())); err != nil {
			return err
		}
		err := fn(j.session(tx.Context()), t)
		if classOf(err) == busy {
			return j.failed(err)
		}
		return err
	})
	switch {
	case err == nil:
		j.kept = true
	case j.end != nil:
		return j.end
	}
	return err
}

// kernel returns the kernel's transaction in t.
func kernel(t any) (*record.Tx, bool) {
	switch t := t.(type) {
	case *record.Tx:
		return t, true
	case interface{ Record() *record.Tx }:
		return t.Record(), true
	}
	return nil, false
}

type joinKey struct{}

// join is a SQL transaction in which the application and OneAuth work together. It is used by one goroutine.
type join struct {
	db    *gorm.DB // as given to Transaction
	pool  *sql.DB
	outer bool     // the application began the transaction
	tx    *gorm.DB // nil: none at the moment
	tries int
	kept  bool  // a transaction of the application holds what was done
	end   error // why there is no further try
}

const (
	savepoint  = "oneauth"
	outerTries = 3 // the first does not look whether what it inserts is there
)

// joined returns the transaction in ctx, or nil when there is none at the moment.
func (s *Store) joined(ctx context.Context) (*join, error) {
	j, _ := ctx.Value(joinKey{}).(*join)
	if j == nil || j.tx == nil {
		return nil, nil
	}
	if j.pool != s.pool {
		return nil, errors.New("gormstore: the transaction in ctx is of another database")
	}
	return j, nil
}

// session is what fn works with.
func (j *join) session(ctx context.Context) *gorm.DB {
	return j.tx.Session(&gorm.Session{NewDB: true, Context: ctx})
}

// begin makes a clean start for a try.
func (j *join) begin(ctx context.Context) error {
	if j.tries++; j.outer {
		if j.tries > 1 {
			if err := j.rollBackTo(); err != nil {
				return err
			}
		}
		j.tx = j.db
		if err := j.session(ctx).SavePoint(savepoint).Error; err != nil {
			return fmt.Errorf("gormstore: set a savepoint: %w", err)
		}
		return nil
	}
	j.undo()
	tx := j.db.WithContext(ctx).Begin()
	if tx.Error != nil {
		return beforeCommit(ctx, tx.Error)
	}
	j.tx = tx
	return nil
}

// undo takes back what was done and not kept.
func (j *join) undo() {
	switch {
	case j.tx == nil || j.kept:
	case j.outer && j.tries > 0:
		if err := j.rollBackTo(); err != nil && j.end == nil {
			j.end = err
		}
	case !j.outer:
		j.tx.Rollback()
	}
	j.tx = nil
}

func (j *join) rollBackTo() error {
	ctx := context.WithoutCancel(j.db.Statement.Context)
	if err := j.db.Session(&gorm.Session{NewDB: true, Context: ctx}).RollbackTo(savepoint).Error; err != nil {
		j.end = fmt.Errorf("%w (%v)", ErrAborted, err)
		return j.end
	}
	return nil
}

// failed says how a statement's error ends this try: by running fn again, or for good.
func (j *join) failed(err error) error {
	retry := errors.Is(err, record.ErrConflict) || classOf(err) == busy || !j.outer && classOf(err) == lost
	switch {
	case !retry:
		return err
	case !j.outer || j.tries < outerTries:
		return fmt.Errorf("%w (%v)", record.ErrConflict, err)
	}
	j.end = fmt.Errorf("%w: %v", ErrConflict, err)
	return j.end
}

// commitJoined does OneAuth's part in a joined transaction, and commits it if it is ours.
func (s *Store) commitJoined(ctx context.Context, j *join, ops []record.Op, parts []any) error {
	if err := s.applyAll(ctx, j.tx, ops, parts); err != nil {
		if j.outer {
			return j.failed(err)
		}
		j.undo()
		return beforeCommit(ctx, err)
	}
	if j.outer {
		return nil
	}
	tx := j.tx
	j.tx = nil
	return finish(ctx, tx)
}
