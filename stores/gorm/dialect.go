package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// dialect is what differs between the databases.
type dialect struct {
	name      string
	dialector string // the name of GORM's
	quote     byte
	schemas   bool // tables can be in a named schema

	key       string // type of tenant and id: compared as bytes
	types     map[record.Type]string
	engine    string // ends CREATE TABLE
	now       string // the present time, in UTC
	partial   bool   // an index may leave rows out
	addColumn string // between ALTER TABLE and the column
	jsonDepth int    // how deep JSON may be nested; 0: as deep as it likes

	unique string // ends INSERT: a key that is taken inserts nothing, instead of failing
	share  string // ends SELECT: lock the rows against writers until the end of the transaction
	lock   string // ends SELECT: lock the rows for writing
	sweep  string // removes at most so many expired rows of %[1]s: arguments are time, limit, time

	time func(time.Time) any

	asText    string // an id of the application's table as text
	idText    string // and so that it compares as bytes
	given     string // in INSERT before VALUES: ids that the database would make are given
	sequences bool   // the default of a column may draw its next id
	count     string // draws the next number from table %s, which is at least the argument
	lockUsers string // after share and lock, in a query with an outer join

	// userColumns describes the application's table of users; there are no columns where there is no table.
	userColumns func(db *gorm.DB, u *users) ([]userColumn, error)
	// lastID is a query for an id that the application's table has given out; there are none above.
	lastID func(db *gorm.DB, u *users) (int64, error)

	// probe refuses settings of the connection that lose or change data.
	probe func(ctx context.Context, db *gorm.DB, pool *sql.DB) error

	// exclusive runs fn while no other process migrates the tables of the name, in one transaction where DDL can be undone.
	exclusive func(db *gorm.DB, name string, fn func(*gorm.DB) error) error
}

// dialectOf returns the dialect of a GORM dialector.
func dialectOf(db *gorm.DB) (*dialect, error) {
	for _, d := range []*dialect{postgres, mariadb, sqlite} {
		if d.dialector == db.Dialector.Name() {
			return d, nil
		}
	}
	return nil, fmt.Errorf("gormstore: the database is %q; postgres, mysql (MariaDB) and sqlite are known", db.Dialector.Name())
}

// lookup runs a query of one row and scans it.
func lookup(db *gorm.DB, query string, dest ...any) error { return scanOne(db, dest, query) }

// scanOne is lookup with arguments.
func scanOne(db *gorm.DB, dest []any, query string, args ...any) error {
	rows, err := db.Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%s: no answer", query)
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}
