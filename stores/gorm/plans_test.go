package gormstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
)

// Every statement that the store can send finds its rows by an index, for every kind of record of OneAuth: by the primary
// key down to the id, by the index of the term, or by that of the expiry. So none costs more the more users there are.
// Listing a kind walks the primary key from the id where the page begins.
func TestStatementsUseIndexes(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		heard := hear(t, db)
		store := &knowing{Store: d.store(t, db)}
		auth, err := oneauth.New(store, oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")),
			oneauth.WithBaseURL("https://app.example"), oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = auth.Close() })
		if len(store.schema.Kinds) < 10 {
			t.Fatalf("%d kinds", len(store.schema.Kinds))
		}
		fill(t, db, store.schema)
		explain := explainer(t, d)
		check := func(kind, column string, do func() error) {
			t.Helper()
			heard.list = nil
			if err := do(); err != nil && err != record.ErrConflict {
				t.Fatal(err)
			}
			for _, s := range heard.list {
				if strings.HasPrefix(s.text, "INSERT") {
					continue
				}
				if plan, ok := explain(s, column); !ok {
					t.Errorf("%s: no index on %s is used:\n%s\n%s", kind, column, s.text, plan)
				}
			}
			if len(heard.list) == 0 {
				t.Fatalf("%s: no statement was heard", kind)
			}
		}
		ctx := t.Context()
		for _, k := range store.schema.Kinds {
			key := func(id string) record.Key { return record.Key{Tenant: "t1", Kind: k.Name, ID: id} }
			commit := func(from int, verbs ...record.Verb) func() error {
				return func() error {
					var ops []record.Op
					for i, verb := range verbs {
						ops = append(ops, record.Op{Record: record.Record{Key: key(fmt.Sprint("id", from+i)), Rev: 2, Version: 1}, Verb: verb, Want: 1})
					}
					return store.Commit(ctx, ops)
				}
			}
			check(k.Name, "id", func() error { _, err := store.Get(ctx, key("id1")); return err })
			check(k.Name, "id", func() error { _, err := store.Get(ctx, key("id1"), key("id2"), key("id3")); return err })
			check(k.Name, "id", func() error {
				_, err := store.Find(ctx, record.Query{Tenant: "t1", Kind: k.Name, From: "id1", To: "id2", After: "id11", Limit: 50})
				return err
			})
			check(k.Name, "id", commit(10, record.Put))
			check(k.Name, "id", commit(11, record.Delete))
			check(k.Name, "id", commit(12, record.Check, record.Put))
			for _, f := range k.Fields {
				if f.Term {
					check(k.Name, f.Name, func() error {
						_, err := store.Find(ctx, record.Query{Tenant: "t1", Kind: k.Name, Term: f.Name, Value: "id7", After: "id1", Limit: 1000})
						return err
					})
				}
			}
		}
		check("every kind", "purge_at", func() error { _, err := store.Sweep(ctx, time.Now().Add(-time.Hour), 1000); return err })
	})
}

// So does every statement about users who are rows of the application's table, whatever is done to them.
func TestStatementsOfMembersUseIndexes(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		c := newClub(t, d, ids)
		for n := range 300 {
			exec(t, c.db, "INSERT INTO members (no, full_name, email, plan) "+overriding(c.d)+" VALUES (?, 'One of many', ?, 'free')",
				memberNo(ids, n+100), fmt.Sprintf("crowd%d@example.com", n))
		}
		explain := explainer(t, c.d)
		heard := hear(t, c.pool)
		do := map[string]func() error{
			"sign-up":        func() error { _, err := c.signUp("new@example.com", "New"); return err },
			"sign-in":        func() error { _, err := c.signIn("new@example.com", newPassword); return err },
			"sign-in of old": func() error { _, err := c.signIn("old@example.com", oldPassword); return err },
			"sign-in of nobody": func() error {
				if _, err := c.signIn("nobody@example.com", oldPassword); !errors.Is(err, core.ErrInvalidCredentials) {
					return fmt.Errorf("sign-in of nobody: %w", err)
				}
				return nil
			},
			"look-up": func() error { _, _, _, _, err := c.store.FindByEmail(t.Context(), "crowd7@example.com"); return err },
			"rename": func() error {
				_, err := c.Core().UpdateProfile(t.Context(), c.row("new@example.com").No, core.ProfileChange{Name: new("Newer")})
				return err
			},
			"removal": func() error {
				key := record.Key{Tenant: "default", Kind: "user", ID: c.row("new@example.com").No}
				found, err := c.store.Get(t.Context(), key)
				noErr(t, err)
				return c.store.Commit(t.Context(), []record.Op{{Record: record.Record{Key: key}, Verb: record.Delete, Want: found[0].Rev}})
			},
		}
		for _, what := range []string{"sign-up", "sign-in", "sign-in of old", "sign-in of nobody", "look-up", "rename", "removal"} {
			heard.list = nil
			noErr(t, do[what]())
			n := 0
			for _, s := range heard.list {
				if strings.HasPrefix(s.text, "INSERT") || !strings.Contains(s.text, "members") && !strings.Contains(s.text, "user_companion") {
					continue
				}
				n++
				if plan, _ := explain(s, "no"); readsAll(d.name, plan) {
					t.Errorf("%s: a table is read as a whole:\n%s\n%s", what, s.text, plan)
				}
			}
			if n == 0 {
				t.Errorf("%s: nothing was heard", what)
			}
		}
	})
}

// knowing is a store that remembers the kinds.
type knowing struct {
	*gormstore.Store
	schema record.Schema
}

func (s *knowing) Prepare(ctx context.Context, schema record.Schema) error {
	s.schema = schema
	return s.Store.Prepare(ctx, schema)
}

// sent is a statement as it goes to the driver.
type sent struct {
	text string
	args []any
}

// ear hears the statements of a database.
type ear struct{ list []sent }

func hear(t *testing.T, db *gorm.DB) *ear {
	t.Helper()
	e := &ear{}
	listen := func(db *gorm.DB) {
		e.list = append(e.list, sent{db.Statement.SQL.String(), slices.Clone(db.Statement.Vars)})
	}
	if err := db.Callback().Raw().Before("gorm:raw").Register("hear", listen); err != nil {
		t.Fatal(err)
	}
	if err := db.Callback().Row().Before("gorm:row").Register("hear", listen); err != nil {
		t.Fatal(err)
	}
	return e
}

// fill gives every kind two hundred rows, each with terms of its own, so that no plan is as good as any.
func fill(t *testing.T, db *gorm.DB, schema record.Schema) {
	t.Helper()
	var all []record.Record
	for _, k := range schema.Kinds {
		for i := range 200 {
			r := record.Record{
				Key: record.Key{Tenant: "t1", Kind: k.Name, ID: fmt.Sprint("id", i)}, Rev: 1, Version: 1, Row: make(record.Row, len(k.Fields)),
				Expires: time.Now().Add(time.Duration(i) * time.Minute),
			}
			for j, f := range k.Fields {
				if f.Term {
					r.Row[j] = record.StringValue(r.ID)
				}
			}
			all = append(all, r)
		}
	}
	if err := loader(t, db)(all); err != nil {
		t.Fatal(err)
	}
}

// explainer returns what asks the database for its plan, and judges it: whether an index on the column is used, and no
// table read as a whole.
func explainer(t *testing.T, d database) func(s sent, column string) (plan string, ok bool) {
	t.Helper()
	db := d.open(t)
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	explain := "EXPLAIN "
	switch d.name {
	case "PostgreSQL":
		exec(t, db, "ANALYZE")
		exec(t, db, "SET enable_seqscan = off") // two hundred rows are few: read them all only where there is no other way
	case "SQLite":
		explain = "EXPLAIN QUERY PLAN "
	}
	return func(s sent, column string) (string, bool) {
		rows, err := pool.QueryContext(t.Context(), explain+s.text, s.args...)
		if err != nil {
			t.Fatalf("%s: %v", s.text, err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			cells := make([]any, len(names))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				t.Fatal(err)
			}
			for i, c := range cells {
				v := *c.(*any)
				if text, ok := v.([]byte); ok {
					v = string(text)
				}
				fmt.Fprintf(&plan, "%s=%v ", names[i], v)
			}
			plan.WriteByte('\n')
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return plan.String(), usesIndex(d.name, plan.String(), column)
	}
}

// readsAll reports whether a plan walks a table, or an index from end to end.
func readsAll(database, plan string) bool {
	count := func(expression string) int { return len(regexp.MustCompile(expression).FindAllString(plan, -1)) }
	switch database {
	case "PostgreSQL":
		return count(`Seq Scan`) > 0 || count(`Index (Only )?Scan`) > count(`Index Cond:`)
	case "SQLite":
		return count(`\bSCAN \w`) > 0
	}
	return count(`\btype=(ALL|index)\b`) > count(`table=tables type=ALL .*Scanned 0 databases`) // of the schema: a look at one table
}

func usesIndex(database, plan, column string) bool {
	has := func(expression string) bool { return regexp.MustCompile(expression).MatchString(plan) }
	switch database {
	case "PostgreSQL":
		return !has(`Seq Scan`) && has(`Index Cond: .*\b`+column+`\b`)
	case "SQLite":
		return !has(`SCAN oneauth_`) && has(`SEARCH oneauth_\w+ USING (COVERING )?INDEX .*\b`+column+`[=<>]`)
	}
	if column == "id" {
		return !has(`\btype=ALL\b`) && has(`\btype=(const|range) .*\bkey=PRIMARY\b`)
	}
	return !has(`\btype=ALL\b`) && has(`\btype=(ref|range) .*\bkey=\w*_`+column+`\b`)
}
