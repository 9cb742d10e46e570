package gormstore_test

import (
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// harness opens stores on a place, each with a pool of its own, like processes.
func (d database) harness(t *testing.T) storetest.Harness {
	return storetest.Harness{Open: func() (record.Backend, error) { return installed{d.store(t, d.open(t)), d.options.Users != nil}, nil }}
}

// installed is a store as an application has it: where users are rows of the application's, it draws their ids.
type installed struct {
	*gormstore.Store
	members bool
}

func (s installed) Options() []oneauth.Option {
	if s.members {
		return []oneauth.Option{oneauth.WithNewUserID(s.NewUserID), oneauth.WithAdopt(core.AdoptByEmail(s.FindByEmail))}
	}
	return nil
}

// eachInstalled runs a test on every database, and once more with users in the application's table, with integers as ids.
func eachInstalled(t *testing.T, run func(t *testing.T, d database)) {
	t.Helper()
	each(t, run)
	t.Run("members", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d database) {
			withMembers(t, d, gormstore.IntegerID)
			d.options.Users = mapping(gormstore.IntegerID)
			run(t, d)
		})
	})
}

func TestOneWinner(t *testing.T) {
	eachInstalled(t, func(t *testing.T, d database) { storeproof.OneWinner(t, d.harness(t)) })
}

func TestA30HostileValues(t *testing.T) {
	each(t, func(t *testing.T, d database) { storeproof.HostileValues(t, d.harness(t)) })
}

func TestA24FailsClosed(t *testing.T) {
	each(t, func(t *testing.T, d database) { storeproof.FailsClosed(t, d.harness(t)) })
}

// The dump is every row of every table, and what the database's own tool or file says.
func TestA32Dump(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storeproof.DumpSignsNobodyIn(t, d.harness(t), func(t testing.TB) []string { return append(d.rows(t), d.tool(t)...) })
	})
}

// tool returns what the database keeps in its own form, where there is a way to get at it.
func (d database) tool(t testing.TB) []string {
	t.Helper()
	switch d.name {
	case "SQLite":
		path, _, _ := strings.Cut(strings.TrimPrefix(d.dsn, "file:"), "?")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return []string{string(data), string(log)}
	case "PostgreSQL":
		dsn, schema, _ := strings.Cut(d.dsn, "&search_path=")
		return d.run(t, parts.Command(t, "pg_dump", "postgresql"), "--schema="+schema, dsn)
	}
	return nil
}

func (d database) run(t testing.TB, tool string, args ...string) []string {
	t.Helper()
	if tool == "" {
		return nil
	}
	out, err := osexec.Command(tool, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	return []string{string(out)}
}

// rows returns every value in every row of every table of ours.
func (d database) rows(t testing.TB) (all []string) {
	t.Helper()
	db := d.open(t)
	tables, err := db.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if !strings.HasPrefix(table, "oneauth_") {
			continue
		}
		var rows []map[string]any
		if err := db.Table(table).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, value := range row {
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				all = append(all, fmt.Sprint(value))
			}
		}
	}
	return all
}
