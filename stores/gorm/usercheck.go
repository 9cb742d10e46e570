package gormstore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// userColumn is a column of the application's table as the database describes it.
type userColumn struct {
	Name      string
	Type      string // in lower case, without lengths
	Width     int    // of text, in characters; 0: unbounded
	Nullable  bool
	Defaulted bool   // there is a default, or the database makes the value
	Default   string // its expression; "" where there is none or it cannot be evaluated
	Collation string // of text that does not compare as bytes; or empty
	Sole      bool   // a unique index has this column alone
}

// checkUsers looks whether the application's table is as the options say, and names option and column where it is not. It is
// read only.
func (s *Store) checkUsers(db *gorm.DB) error {
	u := s.users
	fault := func(option, column, format string, args ...any) error {
		return fmt.Errorf("gormstore: Options.Users.%s: column %s of %s %s", option, column, u.Table, fmt.Sprintf(format, args...))
	}
	list, err := s.dialect.userColumns(db, u)
	if err != nil {
		return fmt.Errorf("gormstore: Options.Users.Table: look at %s: %w", u.Table, err)
	}
	if len(list) == 0 {
		return fmt.Errorf("gormstore: Options.Users.Table: there is no table %s", u.Table)
	}
	columns := map[string]userColumn{}
	for _, c := range list {
		columns[c.Name] = c
	}
	used := map[string]bool{}
	for option, name := range u.columns() {
		c, ok := columns[name]
		if !ok {
			return fault(option, name, "is not there")
		}
		used[name] = true
		if why := u.judge(option, c); why != "" {
			return fault(option, name, "%s", why)
		}
	}
	for _, c := range list {
		if !used[c.Name] && !c.Nullable && !c.Defaulted {
			return fault("Defaults", c.Name, "is NOT NULL and has no default: say what a new user has there")
		}
	}
	u.extra, u.values = nil, nil
	for _, name := range slices.Sorted(maps.Keys(u.Defaults)) {
		u.extra, u.values = append(u.extra, s.names.ident(name)), append(u.values, u.Defaults[name])
	}
	for name, none := range map[string]any{u.PasswordHash: "", u.EmailVerified: false} {
		c, ok := columns[name]
		switch {
		case !ok || c.Nullable || c.Defaulted:
		case none == false && c.is("time"):
			return fault("EmailVerified", name, "is NOT NULL, and who is not verified has NULL there")
		default:
			u.extra, u.values = append(u.extra, s.names.ident(name)), append(u.values, none)
		}
	}
	u.widths = map[string]int{"name": columns[u.Name].Width, "email": columns[u.Email].Width}
	u.must = u.Email != "" && !columns[u.Email].Nullable
	u.draw, u.text = "", fmt.Sprintf(s.dialect.idText, u.id)
	id := columns[u.ID]
	if u.IDType == UUIDID && id.Collation != "" { // it finds small letters by capitals
		u.text = fmt.Sprintf(s.dialect.idText, "LOWER("+fmt.Sprintf(s.dialect.asText, u.id)+")")
	}
	if u.IDType == IntegerID && s.dialect.sequences && id.Default != "" {
		u.draw = "SELECT " + id.Default
	}
	return nil
}

// What the databases call their types.
var typeClasses = map[string][]string{
	"integer": {"smallint", "integer", "int", "mediumint", "bigint", "tinyint"},
	"boolean": {"boolean", "bool", "tinyint", "bit", "numeric"},
	"uuid":    {"uuid"},
	"text":    {"text", "varchar", "char", "character varying", "character", "tinytext", "mediumtext", "longtext", "citext", "nvarchar", "string"},
	"time":    {"datetime", "timestamp", "timestamp with time zone", "timestamp without time zone"},
	"json":    {"json", "jsonb", "text", "mediumtext", "longtext"},
}

func (c userColumn) is(classes ...string) bool {
	for _, class := range classes {
		for _, t := range typeClasses[class] {
			if c.Type == t {
				return true
			}
		}
	}
	return false
}

// judge says why a column does not fit an option, or "".
func (u *users) judge(option string, c userColumn) string {
	wrong := func(want string) string { return fmt.Sprintf("is of type %s, not %s", c.Type, want) }
	switch option {
	case "ID":
		return u.judgeID(c)
	case "Name", "Email", "PasswordHash":
		if !c.is("text") {
			return wrong("text")
		}
	case "Data":
		switch {
		case !c.is("json"):
			return wrong("JSON or text")
		case !c.Nullable:
			return "is NOT NULL, and who has no custom fields has NULL there"
		}
	case "CreatedAt", "UpdatedAt":
		if !c.is("time") {
			return wrong("a timestamp")
		}
	case "DeletedAt":
		switch {
		case !c.is("time"):
			return wrong("a timestamp")
		case !c.Nullable:
			return "is NOT NULL, and who is not deleted has NULL there"
		}
	case "EmailVerified":
		if !c.is("boolean", "time") {
			return wrong("a boolean or a timestamp")
		}
	}
	return ""
}

func (u *users) judgeID(c userColumn) string {
	fits := map[IDType][]string{IntegerID: {"integer"}, UUIDID: {"uuid", "text"}, TextID: {"text"}}[u.IDType]
	switch {
	case !c.is(fits...):
		return fmt.Sprintf("is of type %s, not %s (see IDType)", c.Type, strings.Join(fits, " or "))
	case c.Nullable:
		return "takes NULL"
	case !c.Sole:
		return "is not unique by itself"
	case u.IDType == TextID && c.Collation != "":
		return fmt.Sprintf("has collation %s, under which different ids are the same: it must compare as bytes", c.Collation)
	}
	return ""
}

// describe reads the columns of a table by a query that selects the fields of userColumn in their order.
func describeColumns(db *gorm.DB, query string, args ...any) (out []userColumn, err error) {
	rows, err := db.Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c userColumn
		if err := rows.Scan(&c.Name, &c.Type, &c.Nullable, &c.Defaulted, &c.Default, &c.Collation, &c.Sole); err != nil {
			return nil, err
		}
		typ, width, _ := strings.Cut(strings.ToLower(c.Type), "(")
		c.Type = strings.TrimSpace(typ)
		if c.is("text") {
			width, _, _ = strings.Cut(width, ")")
			c.Width, _ = strconv.Atoi(width)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
