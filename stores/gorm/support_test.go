package gormstore_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// TestMain ends the servers that the tests share. In a process that a test has started it only contends.
func TestMain(m *testing.M) {
	if place := os.Getenv(contendEnv); place != "" {
		if err := contend(place); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	}
	_ = mysqldriver.SetLogger(log.New(io.Discard, "", 0)) // it tells of every lost connection
	code := m.Run()
	shared.close()
	os.Exit(code)
}

// binary is the testing.TB of servers that live as long as the test binary.
type binary struct {
	testing.TB
	mu       sync.Mutex
	cleanups []func()
}

var shared = &binary{}

func (b *binary) Helper()                      {}
func (b *binary) Logf(format string, a ...any) { log.Printf(format, a...) }
func (b *binary) Error(a ...any)               { log.Print(a...) }
func (b *binary) Fatal(a ...any)               { panic(fmt.Sprint(a...)) }
func (b *binary) Fatalf(f string, a ...any)    { panic(fmt.Sprintf(f, a...)) }

// Cleanup notes what close does.
func (b *binary) Cleanup(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cleanups = append(b.cleanups, f)
}

func (b *binary) close() {
	for i := len(b.cleanups) - 1; i >= 0; i-- {
		b.cleanups[i]()
	}
}

var (
	sharedPostgres = sync.OnceValue(func() *parts.Server { return parts.Postgres(shared, parts.Fast) })
	sharedMaria    = sync.OnceValue(func() *parts.Server { return parts.MariaDB(shared, parts.Fast) })
	spaces         atomic.Int64
)

// database is an empty place for tables, in one of the databases.
type database struct {
	name    string
	dsn     string
	options gormstore.Options
}

// place makes an empty place in the named database, or reports false where the database is missing.
func place(t testing.TB, name string) (database, bool) {
	t.Helper()
	d := database{name: name}
	space := fmt.Sprintf("space%d", spaces.Add(1))
	switch name {
	case "SQLite":
		d.dsn = sqliteDSN(filepath.Join(t.TempDir(), "data.db"))
		return d, true
	case "PostgreSQL":
		server := sharedPostgres()
		if server == nil {
			t.Log("not run: there is no PostgreSQL")
			return d, false
		}
		d.dsn = server.PostgresDSN()
		exec(t, d.open(t), "CREATE SCHEMA "+space)
		d.dsn += "&search_path=" + space
	case "MariaDB":
		server := sharedMaria()
		if server == nil {
			t.Log("not run: there is no MariaDB")
			return d, false
		}
		d.dsn = server.MariaDSN()
		exec(t, d.open(t), "CREATE DATABASE "+space+" CHARACTER SET utf8mb4")
		d.dsn = strings.Replace(d.dsn, "/app?", "/"+space+"?", 1)
	}
	return d, true
}

func sqliteDSN(path string) string {
	return "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"
}

// open returns a GORM database with a pool of its own.
func (d database) open(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := d.connect(&gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pool, err := db.DB(); err == nil {
			_ = pool.Close()
		}
	})
	return db
}

// connect returns a GORM database with a pool that keeps its connections.
func (d database) connect(c *gorm.Config) (*gorm.DB, error) {
	dialector := mysql.Open(d.dsn)
	switch d.name {
	case "SQLite":
		dialector = sqlite.Open(d.dsn)
	case "PostgreSQL":
		dialector = postgres.Open(d.dsn)
	}
	db, err := gorm.Open(dialector, c)
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	return db, nil
}

// store opens a store that migrates.
func (d database) store(t testing.TB, db *gorm.DB) *gormstore.Store {
	t.Helper()
	o := d.options
	o.Migrate = true
	s, err := gormstore.Open(db, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec(t testing.TB, db *gorm.DB, sql string, args ...any) {
	t.Helper()
	if err := db.Exec(sql, args...).Error; err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

var _ record.Enlister = (*gormstore.Store)(nil)
