package gormstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
)

// members is a table of users that an application had before OneAuth, with names of its own for everything.
var members = map[string]string{
	"SQLite": `CREATE TABLE members (no %s, full_name TEXT NOT NULL, email TEXT UNIQUE, prefs JSON, made DATETIME, changed DATETIME,
		gone DATETIME, hash TEXT, confirmed DATETIME, plan TEXT NOT NULL, visits INTEGER NOT NULL DEFAULT 0)`,
	"PostgreSQL": `CREATE TABLE members (no %s, full_name varchar(100) NOT NULL, email varchar(200) UNIQUE, prefs jsonb, made timestamptz(3),
		changed timestamp(3), gone timestamptz, hash text, confirmed timestamptz, plan text NOT NULL, visits int NOT NULL DEFAULT 0)`,
	"MariaDB": `CREATE TABLE members (no %s, full_name VARCHAR(100) NOT NULL, email VARCHAR(200) UNIQUE, prefs JSON, made DATETIME(3),
		changed DATETIME(3), gone DATETIME(3), hash TEXT, confirmed DATETIME, plan VARCHAR(20) NOT NULL, visits INT NOT NULL DEFAULT 0)
		DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`,
}

// memberID is how the column of ids is declared.
var memberID = map[string]map[gormstore.IDType]string{
	"SQLite": {
		gormstore.IntegerID: "INTEGER PRIMARY KEY AUTOINCREMENT", gormstore.UUIDID: "TEXT PRIMARY KEY", gormstore.TextID: "VARCHAR(64) PRIMARY KEY",
	},
	"PostgreSQL": {
		gormstore.IntegerID: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", gormstore.UUIDID: "uuid PRIMARY KEY DEFAULT gen_random_uuid()",
		gormstore.TextID: "varchar(64) PRIMARY KEY",
	},
	"MariaDB": {
		gormstore.IntegerID: "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY", gormstore.UUIDID: "CHAR(36) PRIMARY KEY",
		gormstore.TextID: "VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY",
	},
}

// idTypes are the types of ids that are tried on each database.
var idTypes = map[string][]gormstore.IDType{
	"SQLite":     {gormstore.IntegerID, gormstore.UUIDID, gormstore.TextID},
	"PostgreSQL": {gormstore.IntegerID, gormstore.UUIDID, gormstore.TextID},
	"MariaDB":    {gormstore.IntegerID, gormstore.UUIDID},
}

// mapping maps every column of members that can be mapped.
func mapping(ids gormstore.IDType) *gormstore.UserTable {
	return &gormstore.UserTable{
		Table: "members", ID: "no", IDType: ids, Name: "full_name", Data: "prefs", CreatedAt: "made", UpdatedAt: "changed", DeletedAt: "gone",
		Email: "email", EmailVerified: "confirmed", PasswordHash: "hash", Defaults: map[string]any{"plan": "free"},
	}
}

// withMembers makes the table.
func withMembers(t testing.TB, d database, ids gormstore.IDType) *gorm.DB {
	t.Helper()
	db := d.open(t)
	exec(t, db, fmt.Sprintf(members[d.name], memberID[d.name][ids]))
	return db
}

// eachMembers runs a test on every database with each type of ids; the options map every column but the address, which is
// about more than one kind.
func eachMembers(t *testing.T, run func(t *testing.T, d database, ids gormstore.IDType)) {
	t.Helper()
	each(t, func(t *testing.T, d database) {
		for _, ids := range idTypes[d.name] {
			t.Run(ids.String(), func(t *testing.T) {
				d, ok := place(t, d.name)
				if !ok {
					return
				}
				users := mapping(ids)
				users.Email, users.EmailVerified = "", ""
				d.options.Users = users
				run(t, d, ids)
			})
		}
	})
}

// memberNo is the n-th id of a type, n from 1.
func memberNo(ids gormstore.IDType, n int) string {
	switch ids {
	case gormstore.IntegerID:
		return fmt.Sprint(n * n * 7) // in another order as text
	case gormstore.UUIDID:
		return fmt.Sprintf("0191%04x-0000-7000-8000-00000000abcd", 0xffff-n)
	}
	return fmt.Sprintf("%c_%d.x", "aZbYcX"[n%6], n)
}

// person is a user of the kernel's: four fields that members has columns for, and one that it has not.
type person struct {
	ID        string         `record:"id"`
	Name      string         `record:"name,text"`
	Data      map[string]any `record:"data"`
	CreatedAt time.Time      `record:"created_at"`
	UpdatedAt time.Time      `record:"updated_at"`
	Level     int64          `record:"level"`
}

var people = record.Define[person]("user", 1)

// kernel opens a kernel over a store of its own, as another process would have it.
func (d database) kernel(t testing.TB) *record.DB {
	t.Helper()
	db, err := record.Open(t.Context(), d.store(t, d.open(t)), record.Options{}, people.Kind(), cars.Kind())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
