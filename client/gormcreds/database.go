package gormcreds

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// own returns a session for our statements: each commits by itself, and no values reach a log.
func own(db *gorm.DB) *gorm.DB {
	out := db.Session(&gorm.Session{
		NewDB: true, SkipHooks: true, SkipDefaultTransaction: true, AllowGlobalUpdate: false, Logger: withoutValues{db.Logger},
	})
	out.TranslateError = false
	return out
}

// withoutValues is the program's logger less the values of our statements, which are credentials.
type withoutValues struct{ logger.Interface }

// ParamsFilter is asked by GORM for what to show of a statement.
func (l withoutValues) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// LogMode keeps the wrapper around the changed logger.
func (l withoutValues) LogMode(level logger.LogLevel) logger.Interface {
	return withoutValues{l.Interface.LogMode(level)}
}

// prepare looks for the table, and makes it where that is wanted. Several processes may do so at once.
func (s *store) prepare(migrate bool) error {
	m := s.db.Table(s.table).Migrator()
	if m.HasTable(s.table) {
		return nil
	}
	if !migrate {
		return fmt.Errorf("gormcreds: the database has no table %s: set Options.Migrate, or make it", s.table)
	}
	err := again(s.db.Statement.Context, func() error {
		err := m.CreateTable(&row{})
		if err != nil && m.HasTable(s.table) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("gormcreds: table %s: %w", s.table, err)
	}
	return nil
}

// read returns the row, or an empty one.
func (s *store) read(ctx context.Context) (row, error) {
	var found []row
	err := again(ctx, func() error {
		return s.db.WithContext(ctx).Table(s.table).Select("id", "credential", "holder", "beat").Where("id = ?", s.id).Limit(1).Find(&found).Error
	})
	if err != nil || len(found) == 0 {
		return row{}, err
	}
	return found[0], nil
}

// insert makes the row, unless somebody else does.
func (s *store) insert(ctx context.Context) error {
	return again(ctx, func() error {
		fresh := row{ID: s.id, Name: s.name, SavedAt: time.Now().UTC()}
		return s.db.WithContext(ctx).Table(s.table).Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error
	})
}

// take makes me the holder, if the row is as it was seen.
func (s *store) take(ctx context.Context, seen row, me string) (bool, error) {
	n, err := s.update(ctx, "id = ? AND holder = ? AND beat = ?", []any{s.id, seen.Holder, seen.Beat}, map[string]any{"holder": me, "beat": seen.Beat + 1})
	return n == 1, err
}

// beat shows that the holder lives.
func (s *store) beat(ctx context.Context, holder string) (int64, error) {
	return s.set(ctx, holder, map[string]any{"beat": gorm.Expr("beat + 1")})
}

// set changes the row for as long as holder has the lock, and returns how many rows that were.
func (s *store) set(ctx context.Context, holder string, values map[string]any) (int64, error) {
	return s.update(ctx, "id = ? AND holder = ?", []any{s.id, holder}, values)
}

func (s *store) update(ctx context.Context, where string, args []any, values map[string]any) (n int64, err error) {
	err = again(ctx, func() error {
		done := s.db.WithContext(ctx).Table(s.table).Where(where, args...).Updates(values)
		n = done.RowsAffected
		return done.Error
	})
	return n, err
}

// again runs a statement until the database is not too busy for it.
func again(ctx context.Context, statement func() error) error {
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		err := statement()
		if !busy(err) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// busy reports whether a statement had no effect and may be tried again: a deadlock, a lock that was not free. Drivers are
// not imported here, so their errors are looked at from outside.
func busy(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		s := state.SQLState()
		return s == "40001" || s == "40P01" || s == "55P03"
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()&0xff == 5 || coded.Code()&0xff == 6 // SQLITE_BUSY, SQLITE_LOCKED
	}
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if f := v.FieldByName("Number"); v.Type().Name() == "MySQLError" && f.IsValid() && f.CanUint() {
			n := f.Uint()
			return n == 1213 || n == 1205 || n == 1020
		}
		if f := v.FieldByName("Code"); v.Type().Name() == "Error" && f.IsValid() && f.CanInt() { // a SQLite driver in C
			return f.Int() == 5 || f.Int() == 6
		}
	}
	return false
}
