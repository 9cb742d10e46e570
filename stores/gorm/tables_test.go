package gormstore_test

import (
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/parts"
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

// A32: a dump of the database, as the database's own tool makes it, has no secret in it that was given out.
func TestA32Dump(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		in, err := s.Core().SignUp(t.Context(), core.SignUp{
			Email: "ann@example.com", Password: "purple otters sing at dawn", Wish: core.Wish{Kind: core.BrowserSession},
		})
		if err != nil {
			t.Fatal(err)
		}
		api, err := s.Core().StartSession(t.Context(), in.User.ID, core.Wish{Kind: core.APISession})
		if err != nil {
			t.Fatal(err)
		}
		dump := d.dump(t)
		if !strings.Contains(dump, "ann@example.com") {
			t.Fatalf("the dump has nothing in it: %.300s", dump)
		}
		_, secret, _ := strings.Cut(in.Cookie, ".")
		for _, given := range []string{"purple otters", secret, api.RefreshToken} {
			if strings.Contains(dump, given) {
				t.Errorf("%q is in the dump", given)
			}
		}
	})
}

// dump returns everything that the database keeps.
func (d database) dump(t *testing.T) string {
	t.Helper()
	var cmd *osexec.Cmd
	switch d.name {
	case "SQLite":
		path := strings.TrimPrefix(strings.Split(d.dsn, "?")[0], "file:")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + string(log)
	case "PostgreSQL":
		tool := parts.Command(t, "pg_dump", "postgresql")
		if tool == "" {
			return d.rows(t)
		}
		dsn, _, _ := strings.Cut(d.dsn, "&search_path=")
		cmd = osexec.Command(tool, dsn)
	case "MariaDB":
		return d.rows(t)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return string(out)
}

// rows reads every row of every table of ours.
func (d database) rows(t *testing.T) string {
	t.Helper()
	db := d.open(t)
	tables, err := db.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		if !strings.HasPrefix(table, "oneauth_") {
			continue
		}
		var rows []map[string]any
		if err := db.Table(table).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for name, value := range row {
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				fmt.Fprintf(&out, "%s.%s=%v\n", table, name, value)
			}
		}
	}
	return out.String()
}
