package gormstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
)

type car struct {
	ID    string `record:"id"`
	Owner string `record:"owner,term"`
	Wheel int64  `record:"wheels"`
}

// painted is a later release of car.
type painted struct {
	ID     string `record:"id"`
	Owner  string `record:"owner,term"`
	Wheel  int64  `record:"wheels"`
	Colour string `record:"colour,term"`
}

var (
	cars        = record.Define[car]("car", 1)
	paintedCars = record.Define[painted]("car", 1)
)

func inTenant(ctx context.Context) context.Context { return record.WithTenant(ctx, "t1") }

// A database that is not migrated is not opened: the error says so, and has the SQL. Running that by hand is a migration.
func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		store, err := gormstore.Open(db, d.options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = record.Open(t.Context(), store, record.Options{}, cars.Kind())
		var pending *gormstore.PendingError
		if !errors.As(err, &pending) || !strings.Contains(err.Error(), "not migrated") || !strings.Contains(pending.SQL(), "oneauth_cars") {
			t.Fatalf("error is %v", err)
		}
		for _, statement := range pending.Statements {
			exec(t, db, statement)
		}
		if _, err := record.Open(t.Context(), store, record.Options{}, cars.Kind()); err != nil {
			t.Errorf("after running the SQL by hand: %v", err)
		}
		if left, err := store.Plan(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("still to be done: %v, %v", left, err)
		}
	})
}

// Migrating again does nothing; a later release adds its columns, and both work on the same rows.
func TestMigrateIsIdempotent(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		store := d.store(t, d.open(t))
		old, err := record.Open(t.Context(), store, record.Options{}, cars.Kind())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx := inTenant(t.Context())
		err = old.Update(ctx, func(tx *record.Tx) error { return cars.In(tx).Insert(&car{ID: "beetle", Owner: "ann", Wheel: 4}) })
		if err != nil {
			t.Fatal(err)
		}
		later, err := record.Open(t.Context(), d.store(t, d.open(t)), record.Options{}, paintedCars.Kind())
		if err != nil {
			t.Fatal(err)
		}
		err = later.Update(ctx, func(tx *record.Tx) error {
			c, err := paintedCars.In(tx).Get("beetle")
			if err != nil {
				return err
			}
			c.Colour = "blue"
			return paintedCars.In(tx).Put(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = old.Update(ctx, func(tx *record.Tx) error { // the older release writes the row, and keeps what it does not know
			c, err := cars.In(tx).Get("beetle")
			if err != nil {
				return err
			}
			c.Wheel++
			return cars.In(tx).Put(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = later.View(ctx, func(tx *record.Tx) error {
			all, err := paintedCars.In(tx).Find("colour", "blue", record.Page{})
			if err == nil && (len(all) != 1 || all[0].Wheel != 5) {
				t.Errorf("cars are %+v", all)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Many processes may migrate at once: each has a pool of its own here.
func TestMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		var wg sync.WaitGroup
		for range 8 {
			db := d.open(t)
			wg.Go(func() {
				store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
				if err == nil {
					_, err = record.Open(context.Background(), store, record.Options{}, cars.Kind())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// Tables stand under a prefix and, in PostgreSQL, in a schema of the application's choice.
func TestPrefixAndSchema(t *testing.T) {
	d, ok := place(t, "PostgreSQL")
	if !ok {
		return
	}
	db := d.open(t)
	exec(t, db, "CREATE SCHEMA identity")
	t.Cleanup(func() { exec(t, db, "DROP SCHEMA identity CASCADE") })
	store, err := gormstore.Open(db, gormstore.Options{Migrate: true, Prefix: "auth_", Schema: "identity"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record.Open(t.Context(), store, record.Options{}, cars.Kind()); err != nil {
		t.Fatal(err)
	}
	var n int64
	if err := db.Raw("SELECT count(*) FROM identity.auth_cars").Scan(&n).Error; err != nil {
		t.Error(err)
	}
	for _, o := range []gormstore.Options{{Prefix: "a;b"}, {Prefix: "much_too_long_"}, {Schema: `a"b`}} {
		if _, err := gormstore.Open(db, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
