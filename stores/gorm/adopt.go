package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
)

// AdoptByEmail looks a person up in the application's table, for oneauth.WithAdopt: who has a row with the address in
// column UserTable.Email signs in as ever, with the hash in UserTable.PasswordHash. A hash that password.Importable does
// not take is left out: that person sets a new password by a reset. Identifiers other than addresses name nobody. That two
// rows have one address is an error, since it cannot be known who is meant.
func (s *Store) AdoptByEmail(ctx context.Context, id identifier.Identifier) (*core.Seed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	k, err := s.userKeeper(ctx)
	if err != nil {
		return nil, err
	}
	u := k.users
	switch {
	case u.Email == "":
		return nil, errors.New("gormstore: AdoptByEmail: Options.Users.Email is not set")
	case id.Kind != identifier.Email:
		return nil, nil
	}
	column := func(name string) string {
		if name == "" {
			return "NULL"
		}
		return "u." + s.names.ident(name)
	}
	address := column(u.Email)
	query := fmt.Sprintf("SELECT %s, %s, %s, %s FROM %s u WHERE %s AND ", u.text, address, column(u.PasswordHash), column(u.EmailVerified), u.table, u.living)
	args := []any{id.Value, strings.ToLower(id.Value)}
	if u.FoldEmail {
		query, args = query+"LOWER("+address+") = ?", args[1:]
	} else {
		query += address + " IN (?, ?)"
	}
	rows, err := own(ctx, s.db).Raw(query+" LIMIT 2", args...).Rows()
	if err != nil {
		return nil, fmt.Errorf("gormstore: look a user up: %w", err)
	}
	defer rows.Close()
	var seed *core.Seed
	for rows.Next() {
		if seed != nil {
			return nil, fmt.Errorf("gormstore: two rows of %s have the address of user %s", u.Table, seed.ID)
		}
		var key, value string
		var hash sql.NullString
		var verified set
		if err := rows.Scan(&key, &value, &hash, &verified); err != nil {
			return nil, fmt.Errorf("gormstore: look a user up: %w", err)
		}
		seed = &core.Seed{ID: key, Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: value, Verified: bool(verified)}}}
		if password.Importable(hash.String) == nil {
			seed.PasswordHash = hash.String
		}
	}
	return seed, errors.Join(rows.Err(), rows.Close())
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
