package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

// class is what an error of a statement means for its effect.
type class int

const (
	none      class = iota
	refused         // the database said no: no effect
	busy            // no effect, trying again may work
	duplicate       // no effect, a unique index has the value
	missing         // no effect, there is no such table or column
	away            // no effect, the database could not be reached
	lost            // the connection broke or ctx ended: effect unknown
)

// classOf judges an error. Only an answer that is known to come from the database is a refusal; whatever is not
// understood leaves the effect open.
func classOf(err error) class {
	if err == nil {
		return none
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return lost
	}
	var value *record.ValueError
	if errors.As(err, &value) || errors.Is(err, record.ErrConflict) || errors.Is(err, record.ErrCorrupt) || errors.Is(err, errBehind) ||
		err.Error() == "commit unexpectedly resulted in rollback" { // pgx, of a transaction in which a statement had failed
		return refused
	}
	if errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
		return away
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return postgresClass(state.SQLState())
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return sqliteClass(coded.Code(), err.Error())
	}
	for e := range chain(err) {
		if n, ok := numberOf(e, "MySQLError", "Number"); ok {
			return mariaClass(n)
		}
		if n, ok := numberOf(e, "Error", "Code"); ok && strings.Contains(reflect.TypeOf(e).PkgPath(), "sqlite3") {
			return sqliteClass(n, err.Error()) // a driver in C
		}
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return away
	}
	return lost
}

// chain yields err and what it wraps one by one.
func chain(err error) func(func(error) bool) {
	return func(yield func(error) bool) {
		for ; err != nil; err = errors.Unwrap(err) {
			if !yield(err) {
				return
			}
		}
	}
}

// numberOf reads a number from an error of a driver that is not imported here.
func numberOf(err error, typeName, field string) (int, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type().Name() != typeName {
		return 0, false
	}
	switch f := v.FieldByName(field); {
	case f.IsValid() && f.CanUint():
		return int(f.Uint()), true
	case f.IsValid() && f.CanInt():
		return int(f.Int()), true
	}
	return 0, false
}

// postgresClass judges a SQLSTATE (PostgreSQL documentation, appendix A).
func postgresClass(state string) class {
	switch state {
	case "40001", "40P01", "55P03":
		return busy
	case "23505":
		return duplicate
	case "42P01", "42703", "3F000":
		return missing
	case "57P03", "53300": // starting up, too many connections
		return away
	case "57P01", "57P02", "40003": // shut down in the middle, completion unknown
		return lost
	}
	if strings.HasPrefix(state, "08") {
		return lost
	}
	return refused
}

// mariaClass judges an error number of MariaDB.
func mariaClass(number int) class {
	switch number {
	case 1213, 1205, 1020: // deadlock, lock wait timeout, record has changed since last read
		return busy
	case 1062:
		return duplicate
	case 1146, 1054:
		return missing
	case 1040, 1203: // too many connections
		return away
	case 1053, 1927, 1180, 3024: // shutdown, connection killed, error during commit
		return lost
	}
	return refused
}

// sqliteClass judges a result code; the low byte is the primary one.
func sqliteClass(code int, text string) class {
	switch {
	case code&0xff == 5 || code&0xff == 6: // BUSY, LOCKED
		return busy
	case code == 1555 || code == 2067: // CONSTRAINT_PRIMARYKEY, CONSTRAINT_UNIQUE
		return duplicate
	case code&0xff == 1 && (strings.Contains(text, "no such table") || strings.Contains(text, "no such column")):
		return missing
	case code&0xff == 9 || code&0xff == 10: // INTERRUPT, IOERR
		return lost
	}
	return refused
}

// beforeCommit turns an error of a statement inside a transaction that is then rolled back into what Commit returns:
// nothing was applied, so a broken connection is worth another try.
func beforeCommit(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, record.ErrConflict) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c := classOf(err)
	var part *partError
	if errors.As(err, &part) {
		if c == busy {
			return fmt.Errorf("%w (%v)", record.ErrBusy, err)
		}
		return part.err
	}
	if c == busy || c == lost {
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	}
	return err
}

// atCommit turns an error of COMMIT, or of a statement that is its own transaction, into what Commit returns.
func atCommit(err error) error {
	switch classOf(err) {
	case busy:
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	case lost:
		return fmt.Errorf("%w (%w)", record.ErrUnknown, err)
	}
	return err
}
