package gormstore

import (
	"context"
	"time"

	"gorm.io/gorm/logger"
)

// withoutValues is the application's logger less the values of our statements, which are hashes and sealed secrets, and
// less the errors that are ordinary: a key that was taken, a deadlock that is tried again.
type withoutValues struct{ logger.Interface }

// ParamsFilter is asked by GORM for what to show of a statement.
func (l withoutValues) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// LogMode keeps the wrapper around the changed logger.
func (l withoutValues) LogMode(level logger.LogLevel) logger.Interface {
	return withoutValues{l.Interface.LogMode(level)}
}

// Trace passes a statement on.
func (l withoutValues) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	switch classOf(err) {
	case busy, duplicate, missing:
		err = nil
	}
	l.Interface.Trace(ctx, begin, fc, err)
}
