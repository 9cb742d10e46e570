package gormcreds_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/credtest"
	"github.com/oneauth-go/oneauth/client/gormcreds"
	"github.com/oneauth-go/oneauth/internal/parts"
)

func TestMain(m *testing.M) {
	_ = mysqldriver.SetLogger(log.New(io.Discard, "", 0)) // it tells of every lost connection
	credtest.Work(open)
	os.Exit(m.Run())
}

var key = []byte("32 known bytes for tests, and more")

// open opens the store of a place: a database's kind and address, and a name in it.
func open(place string) (client.Store, error) {
	kind, rest, _ := strings.Cut(place, "|")
	dsn, name, _ := strings.Cut(rest, "|")
	db, err := connect(kind, dsn, logger.Discard)
	if err != nil {
		return nil, err
	}
	return gormcreds.New(db, name, gormcreds.Options{Migrate: true, Keys: [][]byte{key}})
}

// connect opens a database with a pool of its own.
func connect(kind, dsn string, log logger.Interface) (db *gorm.DB, err error) {
	config := &gorm.Config{Logger: log}
	switch kind {
	case "SQLite":
		db, err = gorm.Open(sqlite.Open(dsn), config)
	case "PostgreSQL":
		db, err = gorm.Open(postgres.Open(dsn), config)
	case "MariaDB":
		db, err = gorm.Open(mysql.Open(dsn), config)
	default:
		err = fmt.Errorf("there is no database %q", kind)
	}
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(4)
	pool.SetMaxIdleConns(1)
	return db, nil
}

// sqliteDSN is a new database.
func sqliteDSN(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "data.db") }

// onSQLite is a new database, open.
func onSQLite(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := connect("SQLite", sqliteDSN(t), logger.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func newStore(t testing.TB, db *gorm.DB, name string, keys ...[]byte) client.Store {
	t.Helper()
	s, err := gormcreds.New(db, name, gormcreds.Options{Migrate: true, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t testing.TB, s client.Store, c *client.Credential) error {
	t.Helper()
	return s.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return c, nil })
}

// wantToken fails the test unless the store has a credential with this access token; "" is none.
func wantToken(t testing.TB, s client.Store, want string) {
	t.Helper()
	c, err := s.Load(t.Context())
	if err != nil || (c == nil) != (want == "") || c != nil && c.AccessToken != want {
		t.Errorf("the store has %v, %v; want %q", c, err, want)
	}
}

// database starts a server, or returns false where it is missing.
func database(t testing.TB, kind string) (server *parts.Server, dsn string, ok bool) {
	t.Helper()
	switch kind {
	case "PostgreSQL":
		if server = parts.Postgres(t, parts.Durable); server == nil {
			return nil, "", false
		}
		return server, server.PostgresDSN(), true
	case "MariaDB":
		if server = parts.MariaDB(t, parts.Durable); server == nil {
			return nil, "", false
		}
		return server, server.MariaDSN(), true
	}
	return nil, sqliteDSN(t), true
}

var names atomic.Int64

// suite are the tests of all stores, on one database.
func suite(kind, dsn string) credtest.Suite {
	return credtest.Suite{Open: open, Place: func(testing.TB) string { return fmt.Sprintf("%s|%s|client %d", kind, dsn, names.Add(1)) }}
}
