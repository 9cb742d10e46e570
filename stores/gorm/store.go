package gormstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// Options of a Store. The zero value is ready to use on a database that is migrated already.
type Options struct {
	Prefix  string // of the names of tables and indexes; default "oneauth_"
	Schema  string // PostgreSQL schema or MariaDB database of the tables, which must exist; default: the connection's
	Migrate bool   // create and extend tables when the kinds are known, instead of asking for it (see Pending)

	// Users are rows of a table that the application has; nil: of one of ours, like everything else. It is looked at, with
	// clear errors where it does not fit, in oneauth.New.
	Users *UserTable

	Now  func() time.Time // when a row of Users is marked as deleted, and in new UUIDs; default time.Now
	Rand io.Reader        // draws new UUIDs; default crypto/rand.Reader
}

// Store is a record.Backend over a SQL database. It is safe for concurrent use, and any number of processes may have the
// same tables open. It uses the application's pool and never closes it.
type Store struct {
	app     *gorm.DB // as the application configured it
	db      *gorm.DB // for our own statements
	pool    *sql.DB
	dialect *dialect
	names   names
	options Options
	users   *users // nil: in a table of ours

	preparing sync.Mutex
	wanted    record.Schema                     // of the last Prepare; guarded by preparing
	kinds     atomic.Pointer[map[string]keeper] // replaced whole
	closed    atomic.Bool
}

var (
	_ record.Enlister = (*Store)(nil)
	_ record.Sharer   = (*Store)(nil)
)

// Open returns a Store over db. It looks at the connection and refuses settings under which data would silently be changed
// or lost, naming the setting. Tables are looked at, and made if Options.Migrate says so, when the kinds are known, which is
// in oneauth.New.
func Open(db *gorm.DB, o Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("gormstore: the database is nil")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if db.Error != nil {
		return nil, fmt.Errorf("gormstore: the database has an error: %w", db.Error)
	}
	if db.DryRun {
		return nil, errors.New("gormstore: the database is in GORM's DryRun mode, and would keep nothing")
	}
	if inTransaction(db) {
		return nil, errors.New("gormstore: give Open the database, not a transaction")
	}
	d, err := dialectOf(db)
	if err != nil {
		return nil, err
	}
	n, err := newNames(d, o)
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, fmt.Errorf("gormstore: the database has no connection pool: %w", err)
	}
	s := &Store{app: db.Session(&gorm.Session{NewDB: true}), db: own(db.Statement.Context, db), pool: pool, dialect: d, names: n, options: o}
	s.kinds.Store(&map[string]keeper{})
	if o.Users != nil {
		if s.users, err = newUsers(d, n, o.Users); err != nil {
			return nil, err
		}
	}
	if err := d.probe(db.Statement.Context, s.db, pool); err != nil {
		return nil, fmt.Errorf("gormstore: %w", err)
	}
	return s, nil
}

// own returns a session for our own statements: errors come as the driver made them, and no values reach a log.
func own(ctx context.Context, db *gorm.DB) *gorm.DB {
	out := db.Session(&gorm.Session{NewDB: true, Context: ctx, Logger: withoutValues{db.Logger}})
	out.TranslateError = false
	return out
}

func inTransaction(db *gorm.DB) bool {
	_, yes := db.Statement.ConnPool.(gorm.TxCommitter)
	return yes
}

// keeper keeps the records of one kind.
type keeper interface {
	// get returns the records that exist among ids.
	get(r reader, tenant string, ids []string) ([]record.Record, error)
	find(r reader, q record.Query) ([]record.Record, error)
	// alone reports whether apply is one statement, which needs no transaction around it.
	alone(op record.Op) bool
	apply(db *gorm.DB, op record.Op) error
	sweep(db *gorm.DB, before any, limit int) (int, error)
	// knows reports whether the keeper has a place for rows of n fields.
	knows(n int) bool
}

// errBehind is what a keeper says when a row has fields that it does not know: another process has migrated meanwhile.
var errBehind = errors.New("gormstore: the table has more columns than were known")

func (s *Store) enter(ctx context.Context) error {
	if s.closed.Load() {
		return record.ErrClosed
	}
	return ctx.Err()
}

// keeper returns who keeps a kind. One that is not known may have been prepared by another process since.
func (s *Store) keeper(ctx context.Context, db *gorm.DB, kind string) (keeper, error) {
	if k := (*s.kinds.Load())[kind]; k != nil {
		return k, nil
	}
	if err := s.catchUp(ctx, db); err != nil {
		return nil, err
	}
	if k := (*s.kinds.Load())[kind]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("gormstore: kind %q was not prepared", kind)
}

// Shares reports that users are rows of the application, where they are.
func (s *Store) Shares(kind string) bool { return kind == userKind && s.options.Users != nil }

// Close ends the use of the store: calls after it fail. The application's pool stays open.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return record.ErrClosed
	}
	return nil
}

// names makes the names of tables and indexes.
type names struct {
	quote  byte
	prefix string // of the bare name
	schema string // quoted, with a dot; or empty
}

var nameRE = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func newNames(d *dialect, o Options) (names, error) {
	n := names{quote: d.quote, prefix: "oneauth_"}
	if o.Prefix != "" {
		n.prefix = o.Prefix
	}
	if !nameRE.MatchString(n.prefix) || len(n.prefix) > 12 {
		return n, fmt.Errorf("gormstore: Options.Prefix: %q is not 1 to 12 letters, digits and underscores", n.prefix)
	}
	if o.Schema != "" {
		if !nameRE.MatchString(o.Schema) || len(o.Schema) > 60 {
			return n, fmt.Errorf("gormstore: Options.Schema: %q is not a plain name", o.Schema)
		}
		if !d.schemas {
			return n, fmt.Errorf("gormstore: Options.Schema: %s has no schemas", d.name)
		}
		n.schema = n.ident(o.Schema) + "."
	}
	return n, nil
}

// ident quotes a name that is known to contain no quotation mark.
func (n names) ident(name string) string { return string(n.quote) + name + string(n.quote) }

// table returns the quoted, qualified name of a table of ours.
func (n names) table(bare string) string { return n.schema + n.ident(n.prefix+bare) }
