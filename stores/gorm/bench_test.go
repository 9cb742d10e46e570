package gormstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// The store against hand-written statements through the same GORM and pool, on PostgreSQL: a record that is read, checked
// and written back with a condition, as refreshing a token does; and one that is read, as a session check does. Each party
// has a row of its own.
func BenchmarkAgainstHandWritten(b *testing.B) {
	d, ok := place(b, "PostgreSQL")
	if !ok {
		return
	}
	db := d.open(b)
	kernel, err := record.Open(b.Context(), d.store(b, db), record.Options{}, cars.Kind())
	if err != nil {
		b.Fatal(err)
	}
	const rows = 64
	ctx := inTenant(b.Context())
	exec(b, db, "CREATE TABLE plain (id text PRIMARY KEY, owner text, wheels bigint)")
	for i := range rows {
		id := fmt.Sprint("car-", i)
		exec(b, db, "INSERT INTO plain VALUES (?, 'ann', 0)", id)
		err := kernel.Update(ctx, func(tx *record.Tx) error { return cars.In(tx).Insert(&car{ID: id, Owner: "ann"}) })
		if err != nil {
			b.Fatal(err)
		}
	}
	type plain struct {
		ID, Owner string
		Wheels    int64
	}
	for name, f := range map[string]func(id string) error{
		"rotate/store": func(id string) error {
			return kernel.Update(ctx, func(tx *record.Tx) error {
				c, err := cars.In(tx).Get(id)
				if err != nil {
					return err
				}
				c.Wheel++
				return cars.In(tx).Put(c)
			})
		},
		"rotate/hand": func(id string) error {
			var row plain
			if err := db.WithContext(ctx).Raw("SELECT id, owner, wheels FROM plain WHERE id = ?", id).Scan(&row).Error; err != nil {
				return err
			}
			done := db.WithContext(ctx).Exec("UPDATE plain SET wheels = ? WHERE id = ? AND wheels = ?", row.Wheels+1, id, row.Wheels)
			if done.Error == nil && done.RowsAffected != 1 {
				return gorm.ErrRecordNotFound
			}
			return done.Error
		},
		"look/store": func(id string) error {
			return kernel.View(ctx, func(tx *record.Tx) error { _, err := cars.In(tx).Get(id); return err })
		},
		"look/hand": func(id string) error {
			var row plain
			return db.WithContext(ctx).Raw("SELECT id, owner, wheels FROM plain WHERE id = ?", id).Scan(&row).Error
		},
	} {
		for _, parties := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", name, parties), func(b *testing.B) {
				var next atomic.Int64
				b.SetParallelism(max(1, parties/2)) // times GOMAXPROCS, which is 2 here
				if parties == 1 {
					for b.Loop() {
						if err := f("car-0"); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					id := fmt.Sprint("car-", next.Add(1)%rows)
					for pb.Next() {
						if err := f(id); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
