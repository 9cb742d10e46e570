package gormstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/population"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
)

// BenchmarkGrowth measures each operation among more and more users: see population.Growth. A million take some 4 GB in the
// temporary folder for each database, and many minutes.
//
//	ONEAUTH_GROWTH=1000,100000,1000000 go test -run '^$' -bench '^BenchmarkGrowth$' -benchtime 1x -timeout 120m ./stores/gorm
func BenchmarkGrowth(b *testing.B) {
	for _, name := range []string{"PostgreSQL", "MariaDB", "SQLite"} {
		b.Run(name, func(b *testing.B) {
			if _, ok := place(b, name); !ok {
				return
			}
			population.Growth(b, func(users int) population.Place {
				d, _ := place(b, name)
				db := d.open(b)
				if name == "MariaDB" {
					enlarge(b, db)
				}
				return population.Place{Store: d.store(b, db), Add: loader(b, db), Loaded: func() { settle(b, d, db, users) }}
			})
		})
	}
}

// enlarge gives MariaDB the memory of a server: its defaults, 128 MiB and a log of 96 MiB, are for a test.
func enlarge(b *testing.B, db *gorm.DB) {
	b.Helper()
	const size = 2 << 30
	for _, name := range []string{"innodb_buffer_pool_size", "innodb_log_file_size"} {
		exec(b, db, fmt.Sprintf("SET GLOBAL %s = %d", name, size))
		var got int64
		if err := db.Raw("SELECT @@" + name).Scan(&got).Error; err != nil || got < size {
			b.Fatalf("%s is %d, want %d: %v", name, got, size, err)
		}
	}
}

// loader returns what adds rows to the tables, past the store and as fast as the database takes them.
func loader(b testing.TB, db *gorm.DB) func([]record.Record) error {
	b.Helper()
	var tables map[string]into
	pool, err := db.DB()
	if err != nil {
		b.Fatal(err)
	}
	conn, err := pool.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return func(records []record.Record) error {
		if tables == nil {
			tables = readTables(b, db)
		}
		tx, err := conn.BeginTx(b.Context(), nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for len(records) > 0 {
			n := 1
			for n < len(records) && records[n].Kind == records[0].Kind {
				n++
			}
			rows := make([][]any, n)
			for i, r := range records[:n] {
				rows[i] = append([]any{r.Tenant, r.ID, r.Rev, r.Version, gormstore.Moment(db, r.Expires), len(r.Row)}, gormstore.Bound(db, r.Row)...)
			}
			into := tables[records[0].Kind]
			if db.Name() == "postgres" {
				err = copyIn(b, conn, into, rows)
			} else {
				err = insertIn(b, tx, into, rows, map[string]int{"mysql": 100, "sqlite": 1}[db.Name()])
			}
			if err != nil {
				return err
			}
			records = records[n:]
		}
		return tx.Commit()
	}
}

// into is a table and its columns.
type into struct {
	table   string
	columns []string
}

func readTables(b testing.TB, db *gorm.DB) map[string]into {
	b.Helper()
	tables := map[string]into{}
	rows, err := db.Raw("SELECT kind, position, name FROM oneauth_schema_fields ORDER BY kind, position").Rows()
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name string
		var position int
		if err := rows.Scan(&kind, &position, &name); err != nil {
			b.Fatal(err)
		}
		t := tables[kind]
		if position == 0 {
			t = into{"oneauth_" + name, []string{"tenant", "id", "rev", "version", "purge_at", "_fields"}}
		} else {
			t.columns = append(t.columns, name)
		}
		tables[kind] = t
	}
	return tables
}

func copyIn(b testing.TB, conn *sql.Conn, t into, rows [][]any) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(b.Context(), pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(rows))
		return err
	})
}

// insertIn inserts so many rows by one statement, in MariaDB or SQLite.
func insertIn(b testing.TB, tx *sql.Tx, t into, rows [][]any, together int) error {
	row := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	for len(rows) > 0 {
		n := min(together, len(rows))
		insert, err := tx.PrepareContext(b.Context(), "INSERT INTO "+t.table+" (`"+strings.Join(t.columns, "`, `")+"`) VALUES "+
			row+strings.Repeat(", "+row, n-1))
		if err != nil {
			return err
		}
		for ; len(rows) >= n; rows = rows[n:] {
			if _, err := insert.ExecContext(b.Context(), slices.Concat(rows[:n]...)...); err != nil {
				return err
			}
		}
		if err := insert.Close(); err != nil {
			return err
		}
	}
	return nil
}

// settle lets the database do what it would have done in time.
func settle(b *testing.B, d database, db *gorm.DB, users int) {
	b.Helper()
	switch d.name {
	case "PostgreSQL":
		exec(b, db, "VACUUM ANALYZE")
		exec(b, db, "CHECKPOINT")
	case "SQLite":
		exec(b, db, "PRAGMA wal_checkpoint(TRUNCATE)")
		if info, err := os.Stat(strings.TrimPrefix(strings.Split(d.dsn, "?")[0], "file:")); err == nil {
			b.ReportMetric(float64(info.Size()>>20), fmt.Sprintf("MiB-file-%d", users))
		}
	}
}
