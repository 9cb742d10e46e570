package gormstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// table keeps the records of a kind in a table of ours. Its statements are written once. fields are the columns that the
// table has, which are more than the program's when a newer release has migrated.
type table struct {
	dialect *dialect
	kind    string
	name    string // quoted and qualified
	fields  []record.Field
	quoted  []string // the fields' columns

	selectRow                                        string // up to the condition
	selectOne, insert, update, delete, check, expire string
}

var _ keeper = (*table)(nil)

const whereID = " WHERE tenant = ? AND id = ?"

func newTable(d *dialect, n names, kind string, fields []record.Field) *table {
	t := &table{dialect: d, kind: kind, name: n.table(plural(kind)), fields: fields}
	for _, f := range fields {
		t.quoted = append(t.quoted, n.ident(f.Name))
	}
	comma := func(before string, list []string) string {
		return strings.Join(append([]string{before}, list...), ", ")
	}
	t.selectRow = "SELECT " + comma("id, rev, version, purge_at, _fields, _extra", t.quoted) + " FROM " + t.name
	t.selectOne = d.text(t.selectRow + whereID)
	t.insert = d.text("INSERT INTO " + t.name + " (" + comma("tenant, id, rev, version, purge_at, _fields, _extra", t.quoted) +
		") VALUES (?, ?, ?, ?, ?, ?, ?" + strings.Repeat(", ?", len(fields)) + ")" + d.unique)
	set := make([]string, len(fields))
	for i, c := range t.quoted {
		set[i] = c + " = ?"
	}
	const where = whereID + " AND rev = ?"
	t.update = d.text("UPDATE " + t.name + " SET " + comma("rev = ?, version = ?, purge_at = ?, _fields = ?, _extra = ?", set) + where +
		fmt.Sprintf(" AND _fields <= %d", len(fields)))
	t.delete = d.text("DELETE FROM " + t.name + where)
	t.check = d.text("SELECT 1 FROM " + t.name + where + d.share)
	t.expire = d.text(fmt.Sprintf(d.sweep, t.name))
	return t
}

// knows reports whether there are columns for n fields.
func (t *table) knows(n int) bool { return n <= len(t.fields) }

// alone reports that each operation is one statement.
func (t *table) alone(record.Op) bool { return true }

// apply runs an operation. record.ErrConflict: its condition does not hold.
func (t *table) apply(db *gorm.DB, op record.Op) error {
	switch {
	case op.Verb == record.Put && op.Want == 0:
		args, err := t.values(append(t.room(2), op.Tenant, op.ID), op.Record)
		if err != nil {
			return err
		}
		err = changed(exec(db, t.insert, args))
		if classOf(err) == duplicate && t.dialect.unique == "" && strings.Contains(err.Error(), "PRIMARY") {
			return record.ErrConflict
		}
		return err
	case op.Verb == record.Put:
		args, err := t.values(t.room(3), op.Record)
		if err != nil {
			return err
		}
		return changed(exec(db, t.update, append(args, op.Tenant, op.ID, op.Want)))
	case op.Verb == record.Delete:
		return changed(exec(db, t.delete, []any{op.Tenant, op.ID, op.Want}))
	}
	return there(query(db, t.check, []any{op.Tenant, op.ID, op.Want}))
}

// changed is what became of a statement that changes one row or none.
func changed(db *gorm.DB) error {
	if db.Error == nil && db.RowsAffected == 0 {
		return record.ErrConflict
	}
	return db.Error
}

// there is what became of a query for a row that must be there.
func there(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	found := rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if !found {
		return record.ErrConflict
	}
	return nil
}

// room returns an empty list for the arguments of values and n others.
func (t *table) room(n int) []any { return make([]any, 0, 5+len(t.fields)+n) }

// values appends the arguments from rev on.
func (t *table) values(args []any, r record.Record) ([]any, error) {
	var purge any
	if !r.Expires.IsZero() {
		if why := unstorableTime(r.Expires); why != "" {
			return nil, &record.ValueError{Kind: t.kind, Field: "expires", Reason: why}
		}
		purge = t.dialect.time(r.Expires)
	}
	known := min(len(r.Row), len(t.fields))
	more, err := packExtra(r.Row[known:])
	if err != nil {
		return nil, err
	}
	args = append(args, r.Rev, r.Version, purge, known, more)
	for i, v := range r.Row[:known] {
		if why := t.dialect.unstorable(v); why != "" {
			return nil, &record.ValueError{Kind: t.kind, Field: t.fields[i].Name, Reason: why}
		}
		args = append(args, t.dialect.bind(v))
	}
	for range len(t.fields) - known {
		args = append(args, nil)
	}
	return args, nil
}

// sweep removes at most limit rows that expired before the given time.
func (t *table) sweep(db *gorm.DB, before any, limit int) (int, error) {
	args := []any{before, limit, before}
	done := exec(db, t.expire, args[:strings.Count(t.dialect.sweep, "?")])
	return int(done.RowsAffected), done.Error
}
