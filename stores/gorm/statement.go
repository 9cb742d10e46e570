package gormstore

import (
	"database/sql"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// Our statements are texts that are written once and go through GORM's callbacks and loggers as they are. GORM's Raw and
// Exec would put the placeholders into the text again each time, with an allocation or two for every argument.

// text returns a statement with the placeholders of the driver.
func (d *dialect) text(statement string) string {
	if d != postgres {
		return statement
	}
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// query runs a text that answers with rows.
func query(db *gorm.DB, text string, args []any) (*sql.Rows, error) {
	return filled(db, text, args).Rows()
}

// exec runs a text that changes rows; what became of it is in Error and RowsAffected.
func exec(db *gorm.DB, text string, args []any) *gorm.DB {
	db = filled(db, text, args)
	return db.Callback().Raw().Execute(db)
}

func filled(db *gorm.DB, text string, args []any) *gorm.DB {
	db = db.Raw("")
	db.Statement.SQL.WriteString(text)
	db.Statement.Vars = args
	return db
}
