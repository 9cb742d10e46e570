package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// Other collations take "a" and "a " for the same.
const mariaText = " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

var mariadb = &dialect{
	name:      "MariaDB",
	dialector: "mysql",
	quote:     '`',
	schemas:   true,

	key: "VARCHAR(200)" + mariaText,
	types: map[record.Type]string{
		record.String: "VARCHAR(200)" + mariaText,
		record.Text:   "MEDIUMTEXT" + mariaText,
		record.Bytes:  "MEDIUMBLOB",
		record.Int:    "BIGINT",
		record.Bool:   "BOOLEAN",
		record.Time:   "DATETIME(3)",
		record.JSON:   "JSON",
	},
	engine:    " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
	now:       "UTC_TIMESTAMP(3)",
	addColumn: "ADD COLUMN IF NOT EXISTS",
	jsonDepth: 31, // what JSON_VALID takes

	share: " LOCK IN SHARE MODE",
	lock:  " FOR UPDATE",
	sweep: "DELETE FROM %[1]s WHERE purge_at < ? ORDER BY purge_at LIMIT ?",

	time: func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05.000") }, // the driver's loc has no say

	asText: "CAST(%s AS CHAR CHARACTER SET utf8mb4)",
	idText: "CAST(%s AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_nopad_bin",

	count: "INSERT INTO %[1]s (kind, last_id) VALUES ('user', ?)" +
		" ON DUPLICATE KEY UPDATE last_id = GREATEST(last_id + 1, VALUES(last_id)) RETURNING last_id",

	userColumns: mariaColumns,
	lastID:      lastMariaID,

	probe:     probeMaria,
	exclusive: lockMaria,
}

func probeMaria(ctx context.Context, db *gorm.DB, _ *sql.DB) error {
	db = db.WithContext(ctx)
	var version, mode, client, connection string
	var autocommit, readOnly int
	err := lookup(db, "SELECT @@version, @@sql_mode, @@character_set_client, @@character_set_connection, @@autocommit, @@read_only",
		&version, &mode, &client, &connection, &autocommit, &readOnly)
	switch {
	case err != nil:
		return fmt.Errorf("look at the connection: %w", err)
	case !strings.Contains(version, "MariaDB"):
		return fmt.Errorf("the server is MySQL %s: only MariaDB has the collation utf8mb4_nopad_bin, and only it was tested", version)
	case !strings.Contains(mode, "STRICT_TRANS_TABLES") && !strings.Contains(mode, "STRICT_ALL_TABLES"):
		return fmt.Errorf("sql_mode is %q: without STRICT_TRANS_TABLES values are cut and changed silently", mode)
	case client != "utf8mb4" || connection != "utf8mb4":
		return fmt.Errorf("the connection's character set is %s/%s: text would be lost; set charset=utf8mb4 in the DSN", client, connection)
	case autocommit != 1:
		return errors.New("autocommit is off: statements would not be committed")
	case readOnly != 0:
		return errors.New("the server is read-only")
	}
	return probeZone(db)
}

// probeZone reads a time in winter and one in summer, as somebody's loc has it.
func probeZone(db *gorm.DB) error {
	for _, text := range []string{"2026-01-15 12:00:00.123", "2026-07-15 12:00:00.123"} {
		var got any
		if err := lookup(db, "SELECT CAST('"+text+"' AS DATETIME(3))", &got); err != nil {
			return err
		}
		t, err := moment(got)
		if err != nil {
			return err
		}
		if t.Format("2006-01-02 15:04:05.000") != text {
			return errors.New("the DSN's loc is not UTC: times would be moved silently; set loc=UTC")
		}
	}
	return nil
}

// lockMaria holds a named lock on one connection. MariaDB commits every DDL statement by itself, so each step can be run
// again after a crash in its middle.
func lockMaria(db *gorm.DB, name string, fn func(*gorm.DB) error) error {
	return db.Connection(func(conn *gorm.DB) error {
		conn = conn.Session(&gorm.Session{NewDB: true})
		var database string
		if err := lookup(conn, "SELECT COALESCE(DATABASE(), '')", &database); err != nil {
			return err
		}
		h := fnv.New64a()
		h.Write([]byte(database + "." + name))
		lock := fmt.Sprintf("oneauth_migration_%016x", h.Sum64())
		var got sql.NullInt64
		if err := lookup(conn, "SELECT GET_LOCK('"+lock+"', 600)", &got); err != nil {
			return err
		}
		if got.Int64 != 1 {
			return errors.New("another process is migrating for ten minutes")
		}
		err := fn(conn)
		// A context that has ended must not keep the lock on a pooled connection.
		free := conn.WithContext(context.WithoutCancel(conn.Statement.Context))
		return errors.Join(err, lookup(free, "SELECT RELEASE_LOCK('"+lock+"')", &got))
	})
}
