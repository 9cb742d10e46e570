package gormstore

import (
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// Bound returns the values of a row as the store gives them to the driver.
func Bound(db *gorm.DB, row record.Row) (args []any) {
	d, _ := dialectOf(db)
	for _, v := range row {
		args = append(args, d.bind(v))
	}
	return args
}

// Moment is Bound for an expiry, which may be missing.
func Moment(db *gorm.DB, t time.Time) any {
	if t.IsZero() {
		return nil
	}
	d, _ := dialectOf(db)
	return d.time(t)
}
