package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

var sqlite = &dialect{
	name:      "SQLite",
	dialector: "sqlite",
	quote:     '"',

	key: "TEXT",
	types: map[record.Type]string{
		record.String: "TEXT",
		record.Text:   "TEXT",
		record.Bytes:  "BLOB",
		record.Int:    "INTEGER",
		record.Bool:   "BOOLEAN",
		record.Time:   "DATETIME", // text in the form of textTime
		record.JSON:   "TEXT",
	},
	now:       "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')",
	partial:   true,
	addColumn: "ADD COLUMN",

	unique: " ON CONFLICT (tenant, id) DO NOTHING",
	sweep: "DELETE FROM %[1]s WHERE (tenant, id) IN (SELECT tenant, id FROM %[1]s WHERE purge_at < ?" +
		" ORDER BY purge_at LIMIT ?)",

	time: func(t time.Time) any { return t.UTC().Format(textTime) },

	asText: "CAST(%s AS TEXT)",
	idText: "CAST(%s AS TEXT) COLLATE BINARY",
	count: "INSERT INTO %[1]s (kind, last_id) VALUES ('user', ?)" +
		" ON CONFLICT (kind) DO UPDATE SET last_id = MAX(last_id + 1, excluded.last_id) RETURNING last_id",

	userColumns: sqliteColumns,
	lastID:      lastSQLiteID,

	probe: probeSQLite,
	// A transaction begins with the write lock, so nobody else migrates.
	exclusive: func(db *gorm.DB, _ string, fn func(*gorm.DB) error) error { return db.Transaction(fn) },
}

const sqliteAdvice = "open the file with _pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate in the DSN"

// probeSQLite looks at two connections of the pool, so that what was set on one alone shows.
func probeSQLite(ctx context.Context, _ *gorm.DB, pool *sql.DB) error {
	first, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("look at the connection: %w", err)
	}
	defer first.Close()
	memory, err := inMemory(ctx, first)
	if err != nil {
		return err
	}
	only := pool.Stats().MaxOpenConnections == 1
	if memory && !only {
		return errors.New("the database is in memory, where each connection has one of its own: call SetMaxOpenConns(1)")
	}
	if memory {
		return nil
	}
	if err := probePragmas(ctx, first); err != nil || only {
		return err
	}
	second, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("look at the connection: %w", err)
	}
	defer second.Close()
	if err := probePragmas(ctx, second); err != nil {
		return err
	}
	return probeImmediate(ctx, first, second)
}

func inMemory(ctx context.Context, conn *sql.Conn) (bool, error) {
	var seq int
	var name string
	var file sql.NullString
	err := conn.QueryRowContext(ctx, "PRAGMA database_list").Scan(&seq, &name, &file)
	return file.String == "", err
}

func probePragmas(ctx context.Context, conn *sql.Conn) error {
	var journal, encoding string
	var timeout int
	for pragma, dest := range map[string]any{"journal_mode": &journal, "encoding": &encoding, "busy_timeout": &timeout} {
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(dest); err != nil {
			return fmt.Errorf("look at %s: %w", pragma, err)
		}
	}
	switch {
	case encoding != "UTF-8":
		return fmt.Errorf("the file's encoding is %s: ids would not be in byte order; it must be UTF-8", encoding)
	case journal != "wal":
		return fmt.Errorf("journal_mode is %s: readers and writers would lock each other out; %s", journal, sqliteAdvice)
	case timeout <= 0:
		return fmt.Errorf("busy_timeout is 0: writers would fail instead of waiting; %s", sqliteAdvice)
	}
	return nil
}

// probeImmediate finds out whether a transaction begins with the write lock: then nobody else can begin one.
func probeImmediate(ctx context.Context, first, second *sql.Conn) (err error) {
	tx, err := first.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var timeout int
	if err := second.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&timeout); err != nil {
		return err
	}
	if _, err := second.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	defer func() {
		_, restore := second.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", timeout))
		err = errors.Join(err, restore)
	}()
	_, began := second.ExecContext(ctx, "BEGIN IMMEDIATE")
	switch {
	case began == nil:
		_, err := second.ExecContext(ctx, "ROLLBACK")
		return errors.Join(errors.New("transactions begin without the write lock, and fail when they first write; "+sqliteAdvice), err)
	case classOf(began) == busy:
		return nil
	}
	return began
}
