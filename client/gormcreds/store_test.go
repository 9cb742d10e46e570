package gormcreds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/credtest"
	"github.com/oneauth-go/oneauth/client/gormcreds"
)

// All that holds for every store, on real databases. Those with a server lose nothing either when that is killed while a
// credential is being renewed, and comes back.
func TestStore(t *testing.T) {
	for _, kind := range []string{"SQLite", "PostgreSQL", "MariaDB"} {
		t.Run(kind, func(t *testing.T) {
			server, dsn, ok := database(t, kind)
			if !ok {
				return
			}
			all := suite(kind, dsn)
			credtest.Run(t, all)
			if server == nil {
				return
			}
			store, err := open(all.Place(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, token := range []string{"first", "second"} {
				err := store.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) {
					server.Kill()
					time.AfterFunc(100*time.Millisecond, server.Start) // while it is being saved
					return &client.Credential{AccessToken: token}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				wantToken(t, store, token)
			}
		})
	}
}

// A holder that does not show that it lives loses the lock, hears of it, and saves nothing; nor does it disturb who has it now.
func TestLostLock(t *testing.T) {
	db := onSQLite(t)
	store := newStore(t, db, "billing")
	err := store.Update(t.Context(), func(ctx context.Context, _ *client.Credential) (*client.Credential, error) {
		if err := db.Exec("UPDATE oneauth_credentials SET holder = 'another'").Error; err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return &client.Credential{AccessToken: "late"}, nil
	})
	if !errors.Is(err, gormcreds.ErrLockLost) {
		t.Errorf("saving without the lock: %v", err)
	}
	wantToken(t, store, "")
	var holder string
	if err := db.Raw("SELECT holder FROM oneauth_credentials").Scan(&holder).Error; err != nil || holder != "another" {
		t.Errorf("the holder is %q, %v", holder, err)
	}
}

// While somebody else writes, a SQLite database that does not wait by itself is tried again.
func TestBusyDatabase(t *testing.T) {
	dsn := sqliteDSN(t) + "?_pragma=busy_timeout(0)&_txlock=immediate"
	var dbs [2]*gorm.DB
	for i := range dbs {
		db, err := connect("SQLite", dsn, logger.Discard)
		if err != nil {
			t.Fatal(err)
		}
		dbs[i] = db
	}
	store := newStore(t, dbs[0], "billing")
	for _, token := range []string{"first", "second"} {
		writing := dbs[1].Begin()
		if writing.Error != nil {
			t.Fatal(writing.Error)
		}
		time.AfterFunc(100*time.Millisecond, func() { writing.Rollback() })
		if err := set(t, store, &client.Credential{AccessToken: token}); err != nil {
			t.Error(err)
		}
		wantToken(t, store, token)
	}
}

// A holder that is slow, and lives, keeps the lock for longer than a dead one would.
func TestSlowHolder(t *testing.T) {
	db := onSQLite(t)
	slow, other := newStore(t, db, "billing"), newStore(t, db, "billing")
	err := slow.Update(t.Context(), func(ctx context.Context, _ *client.Credential) (*client.Credential, error) {
		waiting, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		err := other.Update(waiting, func(context.Context, *client.Credential) (*client.Credential, error) {
			t.Error("two updates at once")
			return nil, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited: %v", err)
		}
		return &client.Credential{AccessToken: "slow"}, ctx.Err()
	})
	if err != nil {
		t.Error(err)
	}
	wantToken(t, slow, "slow")
}

// When the database does not answer to the holder, change is told before anybody else can have the lock.
func TestLockThatCannotBeKept(t *testing.T) {
	db := onSQLite(t)
	store := newStore(t, db, "billing")
	began := time.Now()
	err := store.Update(t.Context(), func(ctx context.Context, _ *client.Credential) (*client.Credential, error) {
		if err := db.Exec("ALTER TABLE oneauth_credentials RENAME TO away").Error; err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return nil, errors.Join(ctx.Err(), db.Exec("ALTER TABLE away RENAME TO oneauth_credentials").Error)
	})
	if took := time.Since(began); !errors.Is(err, context.Canceled) || took < 2*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if err := set(t, store, &client.Credential{AccessToken: "at"}); err != nil {
		t.Error(err)
	}
	wantToken(t, store, "at")
}

// Names are compared as bytes, whatever the database thinks of letters and spaces, and each has its own credential and lock.
func TestNames(t *testing.T) {
	for _, kind := range []string{"SQLite", "MariaDB"} {
		t.Run(kind, func(t *testing.T) {
			_, dsn, ok := database(t, kind)
			if !ok {
				return
			}
			db, err := connect(kind, dsn, logger.Discard)
			if err != nil {
				t.Fatal(err)
			}
			all := []string{"billing", "Billing", "billing ", "bílling", "billing' OR '1'='1", "%"}
			for _, name := range all {
				if err := set(t, newStore(t, db, name), &client.Credential{AccessToken: "of " + name}); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range all {
				wantToken(t, newStore(t, db, name), "of "+name)
			}
		})
	}
}

// A sealed credential opens under its name and one of its keys alone; everything else fails, is not called "signed out", and
// changes nothing.
func TestSealed(t *testing.T) {
	db := onSQLite(t)
	old, other := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("x", 32))
	if err := set(t, newStore(t, db, "billing", old), &client.Credential{AccessToken: "s3cret", RefreshToken: "s3cret"}); err != nil {
		t.Fatal(err)
	}
	content := func() string {
		var value string
		if err := db.Raw("SELECT credential FROM oneauth_credentials WHERE name = 'billing'").Scan(&value).Error; err != nil {
			t.Fatal(err)
		}
		return value
	}
	before := content()
	if strings.Contains(before, "s3cret") || before == "" {
		t.Errorf("the table has %q", before)
	}
	refused := func(what string, s client.Store) {
		t.Helper()
		now := content()
		_, loading := s.Load(t.Context())
		for _, err := range []error{loading, set(t, s, nil)} {
			if !errors.Is(err, gormcreds.ErrWrongKey) || !strings.Contains(err.Error(), `"billing"`) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if content() != now {
			t.Errorf("%s: the credential was changed", what)
		}
	}
	refused("another key", newStore(t, db, "billing", other))
	refused("no key", newStore(t, db, "billing"))
	replace := func(value any) {
		t.Helper()
		if err := db.Exec("UPDATE oneauth_credentials SET credential = ? WHERE name = 'billing'", value).Error; err != nil {
			t.Fatal(err)
		}
	}
	for i := range []byte(before) {
		changed := []byte(before)
		changed[i] ^= 1
		replace(changed)
		if _, err := newStore(t, db, "billing", old).Load(t.Context()); !errors.Is(err, gormcreds.ErrWrongKey) {
			t.Fatalf("with byte %d changed: %v", i, err)
		}
	}
	for _, planted := range []string{`{"access_token":"planted"}`, "\x01", before[:9], before[:30], "x"} {
		replace([]byte(planted))
		refused(fmt.Sprintf("planted %q", planted), newStore(t, db, "billing", old))
	}
	if err := set(t, newStore(t, db, "another", old), &client.Credential{AccessToken: "of another"}); err != nil {
		t.Fatal(err)
	}
	replace(gorm.Expr("(SELECT credential FROM oneauth_credentials WHERE name = 'another')"))
	refused("of another name", newStore(t, db, "billing", old))

	replace([]byte(before)) // the key is replaced: new ones seal, old ones still open
	both := newStore(t, db, "billing", other, old)
	wantToken(t, both, "s3cret")
	if err := set(t, both, &client.Credential{AccessToken: "next"}); err != nil {
		t.Fatal(err)
	}
	wantToken(t, newStore(t, db, "billing", other), "next")
	refused("the old key", newStore(t, db, "billing", old))
}

// Without keys it is JSON; what is none is named, not overwritten, and not quoted.
func TestNotSealed(t *testing.T) {
	db := onSQLite(t)
	s := newStore(t, db, "billing")
	if err := set(t, s, &client.Credential{AccessToken: "at"}); err != nil {
		t.Fatal(err)
	}
	wantToken(t, s, "at")
	for _, value := range []string{`{"access_token":"s3cret`, "s3cret", "null x"} {
		if err := db.Exec("UPDATE oneauth_credentials SET credential = ?", []byte(value)).Error; err != nil {
			t.Fatal(err)
		}
		_, loading := s.Load(t.Context())
		for _, err := range []error{loading, set(t, s, nil)} {
			if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "billing") {
				t.Errorf("%q: %v", value, err)
			}
		}
	}
}

// logged collects what GORM logs.
type logged struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *logged) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.all, format+"\n", args...)
}

// However much GORM logs, no credential is in it.
func TestNothingIsLogged(t *testing.T) {
	log := &logged{}
	db, err := connect("SQLite", sqliteDSN(t), logger.New(log, logger.Config{LogLevel: logger.Info}))
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, db.Debug(), "billing")
	if err := set(t, s, &client.Credential{AccessToken: "s3cret"}); err != nil {
		t.Fatal(err)
	}
	wantToken(t, s, "s3cret")
	if text := log.all.String(); !strings.Contains(text, "UPDATE") || strings.Contains(text, "s3cret") || strings.Contains(text, "access_token") {
		t.Errorf("the log is %s", text)
	}
}

// Processes that start at once on an empty database all find the table.
func TestMigrateAtOnce(t *testing.T) {
	for _, kind := range []string{"PostgreSQL", "MariaDB"} {
		t.Run(kind, func(t *testing.T) {
			_, dsn, ok := database(t, kind)
			if !ok {
				return
			}
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if s, err := open(fmt.Sprintf("%s|%s|client %d", kind, dsn, i)); err != nil {
						t.Error(err)
					} else if _, err := s.Load(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestBadOptions(t *testing.T) {
	db := onSQLite(t)
	for says, try := range map[string]func() (client.Store, error){
		"database is nil": func() (client.Store, error) { return gormcreds.New(nil, "x", gormcreds.Options{}) },
		"DryRun": func() (client.Store, error) {
			return gormcreds.New(db.Session(&gorm.Session{DryRun: true}), "x", gormcreds.Options{})
		},
		"transaction": func() (client.Store, error) {
			tx := db.Begin()
			defer tx.Rollback()
			return gormcreds.New(tx, "x", gormcreds.Options{})
		},
		"the name":           func() (client.Store, error) { return gormcreds.New(db, "", gormcreds.Options{}) },
		"control characters": func() (client.Store, error) { return gormcreds.New(db, "a\nb", gormcreds.Options{}) },
		"200 bytes":          func() (client.Store, error) { return gormcreds.New(db, strings.Repeat("a", 201), gormcreds.Options{}) },
		"Options.Table": func() (client.Store, error) {
			return gormcreds.New(db, "x", gormcreds.Options{Table: "a; DROP TABLE b"})
		},
		"Options.Keys[1]": func() (client.Store, error) {
			return gormcreds.New(db, "x", gormcreds.Options{Keys: [][]byte{key, {1}}})
		},
		"Options.Migrate": func() (client.Store, error) { return gormcreds.New(db, "x", gormcreds.Options{}) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
