package gormstore_test

import (
	"context"
	"database/sql"
	"maps"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/internal/population"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// beginning is a pool that counts BEGIN and COMMIT.
type beginning struct {
	*sql.DB
	n *atomic.Int64
}

func (p beginning) BeginTx(ctx context.Context, o *sql.TxOptions) (gorm.ConnPool, error) {
	p.n.Add(2)
	return p.DB.BeginTx(ctx, o)
}

func (p beginning) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// Round trips of each operation of core: its statements, BEGIN and COMMIT. docs/stores.md has them.
func TestRoundTripsPerOperation(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		var n atomic.Int64
		db, err := d.connect(&gorm.Config{Logger: counting{logger.Discard, &n}})
		if err != nil {
			t.Fatal(err)
		}
		pool, err := db.DB()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close() })
		counted := beginning{pool, &n}
		db.ConnPool, db.Statement.ConnPool = counted, counted
		store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"check": 1, "key": 2, "list": 1, "refresh": 2, "signin": 19, "signup": 11, "revoke": 10, "page": 1}
		if got := population.Make(t, store, 2).Costs(t, func() int { return int(n.Load()) }); !maps.Equal(got, want) {
			t.Errorf("round trips are %v, written down are %v", got, want)
		}
	})
}
