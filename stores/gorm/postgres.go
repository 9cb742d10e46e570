package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

var postgres = &dialect{
	name:      "PostgreSQL",
	dialector: "postgres",
	quote:     '"',
	schemas:   true,

	key: `varchar(200) COLLATE "C"`,
	types: map[record.Type]string{
		record.String: `varchar(200) COLLATE "C"`,
		record.Text:   "text",
		record.Bytes:  "bytea",
		record.Int:    "bigint",
		record.Bool:   "boolean",
		record.Time:   "timestamp(3) with time zone",
		record.JSON:   "json", // jsonb would order members and round numbers
	},
	now:       "now()",
	partial:   true,
	addColumn: "ADD COLUMN IF NOT EXISTS",

	unique: " ON CONFLICT (tenant, id) DO NOTHING",
	share:  " FOR SHARE",
	lock:   " FOR UPDATE",
	sweep: "DELETE FROM %[1]s WHERE (tenant, id) IN (SELECT tenant, id FROM %[1]s WHERE purge_at < ?" +
		" ORDER BY purge_at LIMIT ? FOR UPDATE SKIP LOCKED) AND purge_at < ?",

	time: func(t time.Time) any { return t.UTC() },

	asText:    "%s::text",
	idText:    `%s::text COLLATE "C"`,
	given:     " OVERRIDING SYSTEM VALUE",
	sequences: true,
	lockUsers: " OF u",
	count: "INSERT INTO %[1]s AS c (kind, last_id) VALUES ('user', ?)" +
		" ON CONFLICT (kind) DO UPDATE SET last_id = GREATEST(c.last_id + 1, EXCLUDED.last_id) RETURNING last_id",

	userColumns: postgresColumns,
	lastID:      lastID,

	probe:     probePostgres,
	exclusive: lockPostgres,
}

func probePostgres(ctx context.Context, db *gorm.DB, _ *sql.DB) error {
	var encoding, readOnly string
	var replica bool
	err := lookup(db.WithContext(ctx), `SELECT current_setting('server_encoding'), current_setting('default_transaction_read_only'), pg_is_in_recovery()`,
		&encoding, &readOnly, &replica)
	switch {
	case err != nil:
		return fmt.Errorf("look at the connection: %w", err)
	case encoding != "UTF8":
		return fmt.Errorf("server_encoding is %s: text would be lost; create the database with ENCODING 'UTF8'", encoding)
	case replica:
		return errors.New("the server is a replica that cannot be written")
	case readOnly == "on":
		return errors.New("default_transaction_read_only is on: nothing could be written")
	}
	return nil
}

// lockPostgres holds an advisory lock for the length of a transaction. CREATE TABLE IF NOT EXISTS alone fails when two
// processes run it at once.
func lockPostgres(db *gorm.DB, name string, fn func(*gorm.DB) error) error {
	h := fnv.New64a()
	h.Write([]byte("oneauth migration " + name))
	return db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(h.Sum64())).Error; err != nil {
			return err
		}
		return fn(tx)
	})
}
