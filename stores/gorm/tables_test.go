package gormstore_test

import (
	"strings"
	"testing"
)

// Whoever opens the database can read it: typed columns with names, one row for each user, identity and session, and a
// join with a table of the application's own.
func TestTablesAreReadable(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		if err := s.signUp("ann@example.com"); err != nil {
			t.Fatal(err)
		}
		id := oneUser(t, s.db)
		if err := s.db.Create(&profile{UserID: id, Motto: "hello"}).Error; err != nil {
			t.Fatal(err)
		}
		var row struct {
			Value, Motto, Kind string
			Verified           bool
			Idle               int64
		}
		err := s.db.Raw(`SELECT i.value, i.verified, p.motto, s.kind, s.idle_seconds AS idle
			FROM oneauth_users u JOIN oneauth_identities i ON i.tenant = u.tenant AND i.user_id = u.id
			JOIN oneauth_sessions s ON s.tenant = u.tenant AND s.user_id = u.id JOIN profiles p ON p.user_id = u.id
			WHERE s.ends_at > s.created_at`).Scan(&row).Error
		if err != nil || row.Value != "ann@example.com" || row.Motto != "hello" || row.Kind != "browser" || row.Verified || row.Idle != 24*3600 {
			t.Errorf("row is %+v, %v", row, err)
		}
	})
}

// Looking for the sessions of a user is a walk of an index, however many users there are.
func TestTermsHaveIndexes(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		var indexes []string
		query := map[string]string{
			"SQLite":     "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'oneauth_sessions' AND sql IS NOT NULL",
			"PostgreSQL": "SELECT indexdef FROM pg_indexes WHERE tablename = 'oneauth_sessions' AND schemaname = current_schema()",
			"MariaDB":    "SELECT column_name FROM information_schema.statistics WHERE table_name = 'oneauth_sessions' AND table_schema = database()",
		}[d.name]
		if err := s.db.Raw(query).Scan(&indexes).Error; err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(indexes, "\n"), "user_id") {
			t.Errorf("indexes of sessions: %q", indexes)
		}
	})
}
