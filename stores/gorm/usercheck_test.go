package gormstore_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
)

// A table that does not fit is refused at the start, and the error names option and column.
func TestUserTableIsChecked(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := withMembers(t, d, gormstore.IntegerID)
		if d.name == "PostgreSQL" {
			exec(t, db, "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
		}
		exec(t, db, "CREATE TABLE odd (id "+map[string]string{
			"SQLite": "TEXT COLLATE NOCASE PRIMARY KEY", "MariaDB": "VARCHAR(64) COLLATE utf8mb4_general_ci PRIMARY KEY",
			"PostgreSQL": "varchar(64) COLLATE loose PRIMARY KEY",
		}[d.name]+", twice INTEGER NOT NULL, made INTEGER, gone "+map[bool]string{true: "timestamptz", false: "DATETIME"}[d.name == "PostgreSQL"]+" NOT NULL)")
		for want, change := range map[string]func(u *gormstore.UserTable){
			"Options.Users.Table: there is no table membres": func(u *gormstore.UserTable) { u.Table = "membres" },
			`Options.Users.Table: "a b" is not a plain name`: func(u *gormstore.UserTable) { u.Table = "a b" },
			`Options.Users.Table: ".x" is not a plain name`:  func(u *gormstore.UserTable) { u.Table = ".x" },
			"Options.Users.Name: column nmae of members is not there": func(u *gormstore.UserTable) {
				u.Name = "nmae"
			},
			`Options.Users.Name: "a\"b" is not a plain name`:               func(u *gormstore.UserTable) { u.Name = `a"b` },
			"Options.Users.Name: column visits of members is of type int":  func(u *gormstore.UserTable) { u.Name = "visits" },
			"Options.Users.UpdatedAt: column made is that of CreatedAt":    func(u *gormstore.UserTable) { u.UpdatedAt = "made" },
			"Options.Users.CreatedAt: column hash of members is of type":   func(u *gormstore.UserTable) { u.CreatedAt, u.PasswordHash = "hash", "" },
			"Options.Users.ID: column no of members is of type":            func(u *gormstore.UserTable) { u.IDType = gormstore.UUIDID },
			"Options.Users.ID: column visits of members is not unique":     func(u *gormstore.UserTable) { u.ID = "visits" },
			"Options.Users.Data: column full_name of members is":           func(u *gormstore.UserTable) { u.Data, u.Name = "full_name", "" },
			"Options.Users.Email is required":                              func(u *gormstore.UserTable) { u.Email = "" },
			"Options.Users.Defaults: column plan of members is NOT NULL":   func(u *gormstore.UserTable) { u.Defaults = nil },
			"Options.Users.Defaults: column extra of members is not there": func(u *gormstore.UserTable) { u.Defaults = map[string]any{"extra": 1} },
			"Options.Users.IDType: 9 is none":                              func(u *gormstore.UserTable) { u.IDType = 9 },
			"Options.Users.Tenant: not the name of a tenant":               func(u *gormstore.UserTable) { u.Tenant = "it's" },
			"Options.Users.ID: column id of odd has collation":             func(u *gormstore.UserTable) { *u = gormstore.UserTable{Table: "odd", IDType: gormstore.TextID} },
			"Options.Users.DeletedAt: column gone of odd is NOT NULL": func(u *gormstore.UserTable) {
				*u = gormstore.UserTable{Table: "odd", IDType: gormstore.UUIDID, DeletedAt: "gone"}
			},
			"Options.Users.CreatedAt: column made of odd is of type integer": func(u *gormstore.UserTable) {
				*u = gormstore.UserTable{Table: "odd", IDType: gormstore.UUIDID, CreatedAt: "made"}
			},
		} {
			if d.name == "MariaDB" {
				want = strings.Replace(want, "of type integer", "of type int", 1)
			}
			o := gormstore.Options{Migrate: true, Users: mapping(gormstore.IntegerID)}
			change(o.Users)
			store, err := gormstore.Open(db, o)
			if err == nil {
				_, err = record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind())
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v, want %s", err, want)
			}
		}
		if tables := tables(t, d); slices.ContainsFunc(tables, func(name string) bool { return strings.HasPrefix(name, "oneauth") }) {
			t.Errorf("a refusal has made tables: %q", tables)
		}
	})
}

func tables(t *testing.T, d database) []string {
	t.Helper()
	all, err := d.open(t).Migrator().GetTables()
	noErr(t, err)
	return all
}

// The application's table is never altered; the dry run has what OneAuth makes beside it.
func TestDryRunWithUsers(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		layout := func() (out string) {
			columns, err := db.Migrator().ColumnTypes("members")
			noErr(t, err)
			for _, c := range columns {
				nullable, _ := c.Nullable()
				def, _ := c.DefaultValue()
				out += fmt.Sprintln(c.Name(), c.DatabaseTypeName(), nullable, def)
			}
			return out
		}
		before := layout()
		store, err := gormstore.Open(db, d.options)
		noErr(t, err)
		_, err = record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind())
		var pending *gormstore.PendingError
		if !errors.As(err, &pending) || !strings.Contains(pending.SQL(), "oneauth_user_companions") || strings.Contains(pending.SQL(), "members") {
			t.Fatalf("error is %v", err)
		}
		noErr(t, store.Migrate(t.Context()))
		if _, err := record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind()); err != nil {
			t.Error(err)
		}
		if after := layout(); after != before {
			t.Errorf("the table was\n%s and is\n%s", before, after)
		}
		var n int64
		noErr(t, db.Raw("SELECT count(*) FROM members").Scan(&n).Error)

		// Users are in one place: who leaves the option out, or sets it later, is told so.
		plain := d
		plain.options.Users = nil
		_, err = record.Open(t.Context(), plain.store(t, db), record.Options{}, people.Kind())
		if err == nil || !strings.Contains(err.Error(), "Options.Users: the kind user is in table oneauth_user_companions already") {
			t.Errorf("without the option: %v", err)
		}
	})
}

// A later release of the kind adds a field: it goes to the companion.
func TestUsersGetFurtherFields(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		ctx := inTenantOf(t.Context())
		old := d.kernel(t)
		id := memberNo(ids, 1)
		noErr(t, old.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id, Name: "Ann", Level: 1}) }))
		later, err := record.Open(t.Context(), d.store(t, db), record.Options{}, grownUps.Kind(), cars.Kind())
		noErr(t, err)
		noErr(t, later.Update(ctx, func(tx *record.Tx) error {
			p, err := grownUps.In(tx).Get(id)
			if err != nil {
				return err
			}
			p.Age = 40
			return grownUps.In(tx).Put(p)
		}))
		noErr(t, old.Update(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get(id)
			if err != nil {
				return err
			}
			p.Level++
			return people.In(tx).Put(p)
		}))
		noErr(t, later.View(ctx, func(tx *record.Tx) error {
			p, err := grownUps.In(tx).Get(id)
			if err == nil && (p.Age != 40 || p.Level != 2 || p.Name != "Ann") {
				t.Errorf("got %+v", p)
			}
			return err
		}))
	})
}

type grownUp struct {
	person
	Age int64 `record:"age"`
}

var grownUps = record.Define[grownUp]("user", 1)

// Ids are new whoever draws them, and above those that the application gives out meanwhile.
func TestNewUserID(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		if ids == gormstore.IntegerID {
			exec(t, db, "INSERT INTO members (full_name, plan) VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')")
			exec(t, db, "DELETE FROM members WHERE full_name = 'c'") // its id is not given to another
		}
		stores := []*gormstore.Store{d.store(t, d.open(t)), d.store(t, d.open(t)), d.store(t, d.open(t))}
		for _, s := range stores {
			_, err := record.Open(t.Context(), s, record.Options{}, people.Kind(), cars.Kind())
			noErr(t, err)
		}
		var mu sync.Mutex
		drawn := map[string]bool{}
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				id, err := stores[i%len(stores)].NewUserID(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if drawn[id] {
					t.Errorf("%s was drawn twice", id)
				}
				drawn[id] = true
			})
		}
		wg.Wait()
		for id := range drawn {
			n, err := strconv.Atoi(id)
			switch {
			case ids == gormstore.IntegerID && (err != nil || n < 4 || n > 27):
				t.Errorf("drew %s", id)
			case ids != gormstore.IntegerID && !uuid7.MatchString(id):
				t.Errorf("drew %s", id)
			}
		}
		if ids != gormstore.IntegerID {
			return
		}
		exec(t, db, "INSERT INTO members (no, full_name, plan) "+overriding(d)+" VALUES (1000, 'd', 'x')")
		if d.name == "PostgreSQL" {
			return // its sequence does not know of that
		}
		if id, err := stores[0].NewUserID(t.Context()); err != nil || id != "1001" {
			t.Errorf("drew %s, %v", id, err)
		}
	})
}

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// A table without a sequence gets its ids from a counter, in PostgreSQL too; a serial column has one.
func TestNewUserIDOfOtherColumns(t *testing.T) {
	d, ok := place(t, "PostgreSQL")
	if !ok {
		return
	}
	db := d.open(t)
	exec(t, db, "CREATE SCHEMA crm")
	t.Cleanup(func() { exec(t, db, "DROP SCHEMA crm CASCADE") })
	exec(t, db, "CREATE TABLE crm.plain (id int PRIMARY KEY, name text)")
	exec(t, db, "INSERT INTO crm.plain VALUES (41, 'Ann')")
	exec(t, db, "CREATE TABLE crm.numbered (id serial PRIMARY KEY, name text)")
	exec(t, db, "SELECT setval('crm.numbered_id_seq', 76)")
	for i, c := range []struct{ table, want string }{{"crm.plain", "42"}, {"crm.numbered", "77"}} {
		d.options = gormstore.Options{Prefix: fmt.Sprintf("auth%d_", i), Users: &gormstore.UserTable{Table: c.table, Name: "name"}}
		store := d.store(t, db)
		_, err := record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		if id, err := store.NewUserID(t.Context()); err != nil || id != c.want {
			t.Errorf("%s: drew %s, %v", c.table, id, err)
		}
	}
}

// Without the option there is nothing to draw from.
func TestNewUserIDWithoutTable(t *testing.T) {
	d, _ := place(t, "SQLite")
	if id, err := d.store(t, d.open(t)).NewUserID(t.Context()); err == nil {
		t.Errorf("drew %s", id)
	}
}

// UUIDs in capitals are those in small letters where the column says so; elsewhere such a row is nobody's, and is not
// taken in as somebody new.
func TestUUIDsInCapitals(t *testing.T) {
	const capitals, small = "0191FFFE-0000-7000-8000-00000000ABCD", "0191fffe-0000-7000-8000-00000000abcd"
	each(t, func(t *testing.T, d database) {
		for _, folds := range []bool{true, false} {
			column := map[string]string{"SQLite": "TEXT", "PostgreSQL": "varchar(36)", "MariaDB": "CHAR(36)"}[d.name]
			switch {
			case d.name == "PostgreSQL" && folds:
				continue
			case d.name == "SQLite" && folds:
				column += " COLLATE NOCASE"
			case d.name == "MariaDB" && !folds:
				column += " COLLATE utf8mb4_bin"
			}
			d, _ := place(t, d.name)
			db := d.open(t)
			exec(t, db, "CREATE TABLE people (id "+column+" NOT NULL PRIMARY KEY, email VARCHAR(100))")
			exec(t, db, "INSERT INTO people VALUES (?, 'ann@example.com')", capitals)
			d.options.Users = &gormstore.UserTable{Table: "people", IDType: gormstore.UUIDID, Email: "email"}
			c := &club{t: t, d: d, db: db}
			c.open()
			seed, err := core.AdoptByEmail(c.store.FindByEmail)(t.Context(), identifier.Identifier{Kind: identifier.Email, Value: "ann@example.com"})
			noErr(t, err)
			_, adopted, err := c.Users().Adopt(t.Context(), *seed)
			if adopted != folds || folds && seed.ID != small || !folds && core.AsError(err).Field != "id" {
				t.Errorf("folds %v: adopted %v, %s, %v", folds, adopted, seed.ID, err)
			}
			var n int64
			noErr(t, db.Raw("SELECT count(*) FROM people").Scan(&n).Error)
			if n != 1 {
				t.Errorf("folds %v: %d rows", folds, n)
			}
		}
	})
}
