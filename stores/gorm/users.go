package gormstore

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// userKind is the kind of record that UserTable maps.
const userKind = "user"

// userTable keeps users in the application's own table. What that has no column for is in a companion row of ours, which
// is made when OneAuth first writes the user: the application's rows need no preparation.
//
// The revision of a user is the companion's, mixed with a hash of the mapped columns as they are read. So it changes when
// the application changes one of these, and a save by somebody who has not seen the change is a conflict.
type userTable struct {
	*table // the companion
	users  *users
	names  names
	mapped []int    // the fields with a column in the application's table
	theirs []string // these columns, quoted
	kindV  int      // version of the kind, for rows without a companion
	now    func() time.Time

	read, current, insert, remove string
}

var _ keeper = (*userTable)(nil)

// companionKind names the table of companions as the kinds do theirs.
const companionKind = "user_companion"

// newKeeper returns who keeps a kind. The caller holds preparing.
func (s *Store) newKeeper(kind string, fields []record.Field) keeper {
	if kind != userKind || s.users == nil {
		return newTable(s.dialect, s.names, kind, fields)
	}
	u := *s.users
	k := &userTable{table: newTable(s.dialect, s.names, companionKind, fields), users: &u, names: s.names, kindV: 1, now: s.options.Now}
	k.table.kind = userKind
	for _, wanted := range s.wanted.Kinds {
		if wanted.Name == userKind {
			k.kindV = wanted.Version
		}
	}
	k.prepare()
	return k
}

// prepare writes the statements.
func (k *userTable) prepare() {
	u, d := k.users, k.dialect
	mine := []string{"c.rev", "c.version", "c._fields", "c._extra"}
	columns := []string{u.text}
	for i, f := range k.fields {
		column := u.column(f.Name)
		if column == "" {
			mine = append(mine, "c."+k.quoted[i])
			continue
		}
		k.mapped = append(k.mapped, i)
		k.theirs = append(k.theirs, k.names.ident(column))
		columns = append(columns, "u."+k.names.ident(column))
	}
	k.read = fmt.Sprintf("SELECT %s FROM %s u LEFT JOIN %s c ON c.tenant = '%s' AND c.id = %s WHERE %s",
		strings.Join(append(columns, mine...), ", "), u.table, k.name, u.Tenant, u.text, u.living)
	k.current = "SELECT " + strings.Join(columns, ", ") + " FROM " + u.table + " u WHERE " + u.id + " = ? AND " + u.living

	id := k.names.ident(u.ID)
	into := append([]string{id}, k.theirs...)
	if u.Email != "" {
		into = append(into, k.names.ident(u.Email))
	}
	into = append(into, u.extra...)
	k.insert = "INSERT INTO " + u.table + " (" + strings.Join(into, ", ") + ")" + d.given + " VALUES (?" + strings.Repeat(", ?", len(into)-1) + ")"
	if d.unique != "" {
		k.insert += " ON CONFLICT (" + id + ") DO NOTHING"
	}
	k.remove = "DELETE FROM " + u.table + " WHERE " + id + " = ?"
	if u.DeletedAt != "" {
		k.remove = "UPDATE " + u.table + " SET " + k.names.ident(u.DeletedAt) + " = ? WHERE " + id + " = ?"
	}
}

// alone: what happens to a user is several statements.
func (k *userTable) alone(record.Op) bool { return false }

// nextTenant: all rows are one tenant's, with a companion or without.
func (k *userTable) nextTenant(_ reader, after string) (string, bool, error) {
	return k.users.Tenant, after < k.users.Tenant, nil
}

// sweep: users do not expire.
func (k *userTable) sweep(*gorm.DB, any, int) (int, error) { return 0, nil }

func (k *userTable) get(r reader, tenant string, ids []string) ([]record.Record, error) {
	var args []any
	for _, id := range ids {
		if key, ok := k.users.key(id); ok && tenant == k.users.Tenant && !slices.Contains(args, key) {
			args = append(args, key)
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	for len(args)&(len(args)-1) != 0 { // a power of two, so that there are few different statements
		args = append(args, args[0])
	}
	query := k.read + " AND " + k.users.id + " IN (?" + strings.Repeat(", ?", len(args)-1) + ")"
	found, err := k.scan(r.db, query+k.locked(r), args)
	return slices.DeleteFunc(found, func(rec record.Record) bool { return !slices.Contains(ids, rec.ID) }), err
}

func (k *userTable) find(r reader, q record.Query) ([]record.Record, error) {
	if q.Term != "" {
		return nil, fmt.Errorf("gormstore: kind %s has no term %q", q.Kind, q.Term)
	}
	if q.Tenant != k.users.Tenant {
		return nil, nil
	}
	query, args := k.read, []any(nil)
	for _, bound := range []struct{ op, id string }{{">=", q.From}, {"<", q.To}, {">", q.After}} {
		if bound.id != "" {
			query += " AND " + k.users.text + " " + bound.op + " ?"
			args = append(args, bound.id)
		}
	}
	return k.scan(r.db, query+" ORDER BY "+k.users.text+" LIMIT ?"+k.locked(r), append(args, q.Limit))
}

// locked is the end of a query that reads for a transaction of the application. PostgreSQL locks one side of an outer
// join.
func (k *userTable) locked(r reader) string {
	if r.lock != "" {
		return r.lock + k.dialect.lockUsers
	}
	return ""
}

// scan runs a query that begins like read.
func (k *userTable) scan(db *gorm.DB, query string, args []any) ([]record.Record, error) {
	rows, err := db.Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var id sql.NullString
	var rev, version, known nullInt
	more := cell{typ: record.JSON}
	cells := make([]cell, len(k.fields))
	dest := []any{&id}
	for _, i := range k.mapped {
		dest = append(dest, &cells[i])
	}
	dest = append(dest, &rev, &version, &known, &more)
	for i, f := range k.fields {
		cells[i].typ = f.Type
		if !slices.Contains(k.mapped, i) {
			dest = append(dest, &cells[i])
		}
	}
	var out []record.Record
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("gormstore: read a user: %w", err)
		}
		if int(known) > len(k.fields) {
			return nil, errBehind
		}
		if !id.Valid { // SQLite allows a key without a value
			continue
		}
		rec := record.Record{Key: record.Key{Tenant: k.users.Tenant, Kind: userKind, ID: id.String}, Version: int(version), Row: make(record.Row, len(k.fields))}
		if rec.Version == 0 {
			rec.Version = k.kindV
		}
		for i := range cells {
			rec.Row[i] = cells[i].value
		}
		rec.Rev = k.revision(int64(rev), rec.Row)
		if text := more.value.Text(); text != "" {
			row, err := unpackExtra(text)
			if err != nil {
				return nil, err
			}
			rec.Row = append(rec.Row, row...)
		}
		out = append(out, rec)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// nullInt is an integer column in which NULL is 0.
type nullInt int64

// Scan implements sql.Scanner.
func (n *nullInt) Scan(src any) (err error) {
	if *n = 0; src == nil {
		return nil
	}
	got, err := integer(src)
	*n = nullInt(got)
	return err
}

// revision mixes the companion's revision, 0 where there is none, with the mapped values of row. It is its own inverse.
func (k *userTable) revision(rev int64, row record.Row) int64 {
	h := sha256.New()
	for _, i := range k.mapped {
		v := row[i]
		fmt.Fprintf(h, "%d:%d:%d:", v.Type(), v.Int(), len(v.Text()))
		h.Write([]byte(v.Text()))
	}
	mixed := rev ^ int64(binary.BigEndian.Uint64(h.Sum(nil))>>1)
	if mixed == 0 { // 0 would say that there is no such record
		return 1
	}
	return mixed
}
