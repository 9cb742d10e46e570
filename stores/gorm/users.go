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
	"unicode/utf8"

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
	k := &userTable{table: newTable(s.dialect, s.names, companionKind, fields), users: &u, names: s.names, kindV: 1}
	k.table.kind = userKind
	for _, wanted := range s.wanted.Kinds {
		if wanted.Name == userKind {
			k.kindV = wanted.Version
		}
	}
	k.write()
	return k
}

// write writes the statements.
func (k *userTable) write() {
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

// apply runs an operation. Whatever it finds it has locked first, since the application's row has no revision to make a
// statement depend on.
func (k *userTable) apply(db *gorm.DB, op record.Op) error {
	key, ok := k.users.key(op.ID)
	if !ok || op.Tenant != k.users.Tenant {
		return k.foreign(op)
	}
	if op.Verb == record.Put {
		if !op.Expires.IsZero() {
			return &record.ValueError{Kind: userKind, Field: "expires", Reason: "cannot be kept in a table of the application"}
		}
		if len(op.Row) < len(k.fields) { // of an older release: what it does not know is absent
			op.Row = append(slices.Clone(op.Row), make(record.Row, len(k.fields)-len(op.Row))...)
		}
	}
	if op.Verb == record.Put && op.Want == 0 {
		return k.create(db, op, key)
	}
	lock := k.dialect.lock
	if op.Verb == record.Check {
		lock = k.dialect.share
	}
	now, rev, err := k.locking(db, op.ID, key, lock)
	if err != nil {
		return err
	}
	if k.revision(rev, now) != op.Want {
		return record.ErrConflict
	}
	switch op.Verb {
	case record.Put:
		return k.save(db, op, key, now, rev)
	case record.Delete:
		args := []any{key}
		if k.users.DeletedAt != "" {
			args = []any{k.dialect.time(time.Now()), key}
		}
		return errors.Join(db.Exec(k.remove, args...).Error,
			db.Exec("DELETE FROM "+k.name+" WHERE tenant = ? AND id = ?", op.Tenant, op.ID).Error)
	}
	return nil
}

// foreign is what becomes of an operation on a user who cannot be in the application's table.
func (k *userTable) foreign(op record.Op) error {
	switch {
	case op.Want != 0:
		return record.ErrConflict
	case op.Tenant != k.users.Tenant:
		return &record.ValueError{Kind: userKind, Field: "tenant", Reason: "is not the one whose users are in the application's table"}
	}
	return &record.ValueError{Kind: userKind, Field: "id", Reason: "is not one that the application's table can have; see Store.NewUserID"}
}

// locking returns the mapped values, in a row that has only them, and the companion's revision. Both rows are locked, one
// after the other: what a join read beside the row that it waited for would be of the time before.
func (k *userTable) locking(db *gorm.DB, id string, key any, lock string) (record.Row, int64, error) {
	row, err := k.present(db, id, key, lock)
	if err != nil {
		return nil, 0, err
	}
	var rev int64
	rows, err := db.Raw("SELECT rev FROM "+k.name+" WHERE tenant = ? AND id = ?"+lock, k.users.Tenant, id).Rows()
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&rev); err != nil {
			return nil, 0, err
		}
	}
	return row, rev, errors.Join(rows.Err(), rows.Close())
}

// present reads the mapped values. record.ErrConflict: there is no such user.
func (k *userTable) present(db *gorm.DB, id string, key any, lock string) (record.Row, error) {
	rows, err := db.Raw(k.current+lock, key).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var got string
	cells := make([]cell, len(k.mapped))
	dest := []any{&got}
	for n, i := range k.mapped {
		cells[n].typ = k.fields[i].Type
		dest = append(dest, &cells[n])
	}
	found := false
	if rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("gormstore: read a user: %w", err)
		}
		found = got == id
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if !found {
		return nil, record.ErrConflict
	}
	row := make(record.Row, len(k.fields))
	for n, i := range k.mapped {
		row[i] = cells[n].value
	}
	return row, nil
}

// save writes the columns that differ from now, which is locked, and the companion.
func (k *userTable) save(db *gorm.DB, op record.Op, key any, now record.Row, rev int64) error {
	var set []string
	var args []any
	for n, i := range k.mapped {
		if v := op.Row[i]; !same(v, now[i]) {
			if err := k.storable(k.fields[i].Name, v); err != nil {
				return err
			}
			set, args = append(set, k.theirs[n]+" = ?"), append(args, k.dialect.bind(v))
		}
	}
	if len(set) > 0 {
		update := "UPDATE " + k.users.table + " SET " + strings.Join(set, ", ") + " WHERE " + k.names.ident(k.users.ID) + " = ?"
		if err := db.Exec(update, append(args, key)...).Error; err != nil {
			return err
		}
		var err error
		if now, err = k.present(db, op.ID, key, k.dialect.lock); err != nil {
			return err
		}
	}
	companion := k.companion(op, now)
	if rev == 0 {
		return k.table.apply(db, companion)
	}
	companion.Want = rev
	return k.table.apply(db, companion)
}

// storable says by name what the application's column cannot keep.
func (k *userTable) storable(field string, v record.Value) error {
	why := k.dialect.unstorable(v)
	if n := k.users.widths[field]; n > 0 && utf8.RuneCountInString(v.Text()) > n {
		why = fmt.Sprintf("is longer than %d characters", n)
	}
	if why == "" {
		return nil
	}
	return &record.ValueError{Kind: userKind, Field: field, Reason: why}
}

// same reports whether two values mean the same in a column that has no place for "absent".
func same(a, b record.Value) bool {
	return a == b || a.Text() == b.Text() && a.Int() == b.Int() && (a.Type() == 0 || b.Type() == 0)
}

// create inserts the application's row. Where one with the id is there, living or deleted, it is a conflict.
func (k *userTable) create(db *gorm.DB, op record.Op, key any) error {
	args := []any{key}
	for _, i := range k.mapped {
		if err := k.storable(k.fields[i].Name, op.Row[i]); err != nil {
			return err
		}
		args = append(args, k.dialect.bind(op.Row[i]))
	}
	if k.users.Email != "" {
		address, err := k.address(db, op.ID)
		if err != nil {
			return err
		}
		args = append(args, address)
	}
	err := k.inserted(db.Exec(k.insert, append(args, k.users.values...)...))
	if errors.Is(err, record.ErrConflict) {
		// A row that is marked as deleted is never read and so would be inserted for ever.
		if _, there := k.present(db, op.ID, key, k.dialect.share); errors.Is(there, record.ErrConflict) && k.users.DeletedAt != "" {
			return &record.ValueError{Kind: userKind, Field: "id", Reason: "is of a row that is marked as deleted"}
		}
	}
	if err != nil {
		return err
	}
	now, err := k.present(db, op.ID, key, k.dialect.lock)
	if err != nil {
		return err
	}
	// One that is left from a row which the application has removed is not this user's.
	if err := db.Exec("DELETE FROM "+k.name+" WHERE tenant = ? AND id = ?", op.Tenant, op.ID).Error; err != nil {
		return err
	}
	return k.table.apply(db, k.companion(op, now))
}

// inserted is what became of the insertion of a user.
func (k *userTable) inserted(db *gorm.DB) error {
	err := changed(db)
	switch {
	case classOf(err) != duplicate:
		return err
	case k.dialect.unique == "" && (strings.Contains(err.Error(), "PRIMARY") || strings.Contains(err.Error(), "'"+k.users.ID+"'")):
		return record.ErrConflict
	case k.users.Email != "" && strings.Contains(err.Error(), k.users.Email):
		return &record.ValueError{Kind: userKind, Field: "email", Reason: "is in another row of " + k.users.Table}
	}
	return err
}

// address returns the e-mail address of a user whose identities this transaction has inserted: identities come before
// users in the order of kinds.
func (k *userTable) address(db *gorm.DB, id string) (any, error) {
	var address sql.NullString
	err := scanOne(db, []any{&address}, "SELECT (SELECT i.value FROM "+k.names.table(plural("identity"))+
		" i WHERE i.tenant = ? AND i.user_id = ? AND i.kind = 'email' ORDER BY i.is_primary DESC, i.id LIMIT 1)", k.users.Tenant, id)
	switch {
	case err != nil:
		return nil, err
	case address.Valid:
		return address.String, k.storable("email", record.TextValue(address.String))
	case k.users.must:
		return nil, &record.ValueError{Kind: userKind, Field: "email", Reason: "is required: " + k.users.Table + " takes no user without one"}
	}
	return nil, nil
}

// companion is the insertion of our row: its revision is such that, with the values now in the application's row, it
// makes the one that op is to have. Mapped values are not kept twice.
func (k *userTable) companion(op record.Op, now record.Row) record.Op {
	op.Rev = k.revision(op.Rev, now)
	op.Row = slices.Clone(op.Row)
	for _, i := range k.mapped {
		op.Row[i] = record.Value{}
	}
	op.Want = 0
	return op
}
