package gormstore

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

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
			args = []any{k.dialect.time(k.now()), key}
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
		why := &record.ValueError{Kind: userKind, Field: "email", Reason: "is in another row of " + k.users.Table}
		return errors.Join(why, record.ErrTaken)
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
		return nil, &record.ValueError{Kind: userKind, Field: "email", Reason: "is required"}
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
