package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

// FindByEmail looks a person up in the application's table by the address in UserTable.Email, for core.AdoptByEmail: the id,
// empty for nobody, the address as it stands there, whether it is verified, and the password hash. In a context of another
// tenant than UserTable.Tenant there is nobody. That two rows have one address is an error, since it cannot be known who is
// meant.
func (s *Store) FindByEmail(ctx context.Context, address string) (id, value string, verified bool, hash string, err error) {
	if err := s.enter(ctx); err != nil {
		return "", "", false, "", err
	}
	k, err := s.userKeeper(ctx)
	if err == nil && k.users.Email == "" {
		err = errors.New("gormstore: FindByEmail: Options.Users.Email is not set")
	}
	if err != nil {
		return "", "", false, "", err
	}
	if tenant, err := record.TenantOf(ctx); err == nil && tenant != k.users.Tenant {
		return "", "", false, "", nil
	}
	query, args := k.byEmail(address)
	rows, err := own(ctx, s.db).Raw(query, args...).Rows()
	if err != nil {
		return "", "", false, "", fmt.Errorf("gormstore: look a user up: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if id != "" {
			return "", "", false, "", fmt.Errorf("gormstore: two rows of %s have the address of user %s", k.users.Table, id)
		}
		var text sql.NullString
		var yes set
		if err := rows.Scan(&id, &value, &text, &yes); err != nil {
			return "", "", false, "", fmt.Errorf("gormstore: look a user up: %w", err)
		}
		verified, hash = bool(yes), text.String
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return "", "", false, "", fmt.Errorf("gormstore: look a user up: %w", err)
	}
	return id, value, verified, hash, nil
}

// byEmail is the query for the rows with an address: at most two.
func (k *userTable) byEmail(address string) (string, []any) {
	u := k.users
	column := func(name string) string {
		if name == "" {
			return "NULL"
		}
		return "u." + k.names.ident(name)
	}
	email := column(u.Email)
	query := fmt.Sprintf("SELECT %s, %s, %s, %s FROM %s u WHERE %s AND ", u.text, email, column(u.PasswordHash), column(u.EmailVerified),
		u.table, u.living)
	if u.FoldEmail {
		return query + "LOWER(" + email + ") = ? LIMIT 2", []any{strings.ToLower(address)}
	}
	return query + email + " IN (?, ?) LIMIT 2", []any{address, strings.ToLower(address)}
}

// set is a column that says yes by TRUE or by the time of it.
type set bool

// Scan implements sql.Scanner.
func (s *set) Scan(src any) error {
	*s = false
	if src == nil {
		return nil
	}
	if n, err := integer(src); err == nil {
		*s = n != 0
		return nil
	}
	if b, ok := src.([]byte); ok && len(b) == 1 { // BIT(1)
		*s = b[0] != 0
		return nil
	}
	t, err := moment(src)
	*s = set(err == nil && !t.IsZero())
	return err
}
