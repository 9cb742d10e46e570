package gormstore

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// IDType says what the ids of an application's users are.
type IDType uint8

const (
	IntegerID IDType = iota // from a sequence, an identity column or AUTO_INCREMENT; above 0
	UUIDID                  // a column of type UUID, or text with a UUID in small letters (any, where the column folds case)
	TextID                  // any text that core.Seed takes as an id, compared as bytes
)

func (t IDType) String() string { return [...]string{"integer", "UUID", "text"}[t] }

// UserTable maps OneAuth's users onto a table that the application has. It is asked for by Options.Users. The fields are
// names of columns; an empty one is not mapped, and OneAuth keeps what belongs there itself.
//
// The table is the application's: it is never altered, and rows are read and written by the columns named here alone, by
// plain SQL, so that GORM's hooks are not run. Whatever the application does to a row is respected: a save by somebody who
// has not seen a change of a mapped column is tried again over what is there now, and writes only the columns that it
// changes. A row that is removed, or marked so in DeletedAt, is no user any more.
type UserTable struct {
	Table  string // "users", or "schema.users"
	ID     string // the key: unique and not NULL; default "id"
	IDType IDType
	Tenant string // whose users the table has; default "default", which is the tenant of an application that has none

	Name      string // of core.User.Name: text
	Data      string // of core.User.Data, the custom fields: JSON or text, NULL where there are none
	CreatedAt string // timestamps; those without a zone are in UTC
	UpdatedAt string
	DeletedAt string // NULL, or when the row was deleted: OneAuth reads what is NULL alone, and deletes by setting it

	// Email gets the address of a new user when the row is inserted. Afterwards it is the application's: OneAuth signs
	// people in by its own identities.
	Email string

	// What FindByEmail reads beside, for people who are in the table already.
	EmailVerified string // a boolean, or a timestamp that is NULL where the address is not verified; empty: none is
	PasswordHash  string // empty for a new user; bcrypt, argon2id, scrypt or PBKDF2 in the forms of password.Importable
	FoldEmail     bool   // addresses have capitals: compare lower(Email), on which there should then be an index

	// Defaults are written to further columns of a new row: those that are NOT NULL and have no default.
	Defaults map[string]any
}

// users is a UserTable that was judged, with quoted names.
type users struct {
	UserTable
	table  string // qualified
	bare   string // without its schema, not quoted
	schema string // not quoted; or empty
	id     string // of u
	text   string // of u, as text that compares as bytes
	living string // a condition on u
	extra  []string
	values []any // of extra

	// What only the database knows, from checkUsers.
	draw   string         // the query for the next id, where there is a sequence
	must   bool           // the e-mail column takes no NULL
	widths map[string]int // of the columns of name and email, in characters, where they are bounded
}

// columns yields the options that name a column, with it.
func (t UserTable) columns() func(yield func(option, column string) bool) {
	return func(yield func(option, column string) bool) {
		for _, c := range [...][2]string{
			{"ID", t.ID}, {"Name", t.Name}, {"Data", t.Data}, {"CreatedAt", t.CreatedAt}, {"UpdatedAt", t.UpdatedAt},
			{"DeletedAt", t.DeletedAt}, {"Email", t.Email}, {"EmailVerified", t.EmailVerified}, {"PasswordHash", t.PasswordHash},
		} {
			if c[1] != "" && !yield(c[0], c[1]) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(t.Defaults)) {
			if !yield("Defaults", name) {
				return
			}
		}
	}
}

// newUsers judges what can be judged without the database.
func newUsers(d *dialect, n names, t *UserTable) (*users, error) {
	u := &users{UserTable: *t, living: "1 = 1"}
	if u.ID == "" {
		u.ID = "id"
	}
	if u.Tenant == "" {
		u.Tenant = "default"
	}
	u.bare = u.Table
	if schema, table, ok := strings.Cut(u.Table, "."); ok {
		u.schema, u.bare = schema, table
	}
	switch {
	case !plainName(u.bare) || u.schema != "" && !plainName(u.schema) || strings.HasPrefix(u.Table, "."):
		return nil, fmt.Errorf("gormstore: Options.Users.Table: %q is not a plain name, or two with a dot", u.Table)
	case u.schema != "" && !d.schemas:
		return nil, fmt.Errorf("gormstore: Options.Users.Table: %s has no schemas", d.name)
	case u.IDType > TextID:
		return nil, fmt.Errorf("gormstore: Options.Users.IDType: %d is none", u.IDType)
	case strings.ContainsFunc(u.Tenant, func(r rune) bool { return r == '\'' || r == '\\' || r == '?' || r == '@' }):
		return nil, errors.New("gormstore: Options.Users.Tenant: not the name of a tenant")
	case (u.EmailVerified != "" || u.FoldEmail) && u.Email == "":
		return nil, errors.New("gormstore: Options.Users.Email is required beside EmailVerified and FoldEmail")
	}
	seen := map[string]string{}
	for option, column := range u.columns() {
		if !plainName(column) {
			return nil, fmt.Errorf("gormstore: Options.Users.%s: %q is not a plain name", option, column)
		}
		if other := seen[strings.ToLower(column)]; other != "" {
			return nil, fmt.Errorf("gormstore: Options.Users.%s: column %s is that of %s", option, column, other)
		}
		seen[strings.ToLower(column)] = option
	}
	u.table = n.ident(u.bare)
	if u.schema != "" {
		u.table = n.ident(u.schema) + "." + u.table
	}
	u.id = "u." + n.ident(u.ID)
	u.text = fmt.Sprintf(d.idText, u.id)
	if u.DeletedAt != "" {
		u.living = "u." + n.ident(u.DeletedAt) + " IS NULL"
	}
	return u, nil
}

func plainName(name string) bool { return nameRE.MatchString(name) && len(name) <= maxName }

// column returns the column of a field of the kind, or "".
func (u *users) column(field string) string {
	switch field {
	case "name":
		return u.Name
	case "data":
		return u.Data
	case "created_at":
		return u.CreatedAt
	case "updated_at":
		return u.UpdatedAt
	}
	return ""
}

var uuidRE = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// key returns an id as an argument of a statement. Only the form in which the id is read is one: the same user has no
// second id.
func (u *users) key(id string) (any, bool) {
	switch u.IDType {
	case IntegerID:
		n, err := strconv.ParseInt(id, 10, 64)
		return n, err == nil && strconv.FormatInt(n, 10) == id
	case UUIDID:
		return id, uuidRE.MatchString(id)
	}
	return id, true
}
