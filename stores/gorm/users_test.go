package gormstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"github.com/oneauth-go/oneauth/stores/mem"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// inTenantOf is the tenant whose users the table has.
func inTenantOf(ctx context.Context) context.Context { return record.WithTenant(ctx, "default") }

// Whatever is done to users, by the kernel or by the application's own SQL, gives what a store in memory gives.
func TestUsersBehaveLikeRecords(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		d.options.Users.DeletedAt = "" // a key that was deleted is free again
		mapped := d.kernel(t)
		model, err := record.Open(t.Context(), mem.New(), record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		ctx := inTenantOf(t.Context())
		rnd := rand.New(rand.NewPCG(7, uint64(ids)))
		now := time.Date(2031, 5, 4, 3, 2, 1, 123e6, time.UTC)
		for step := range 100 {
			id := memberNo(ids, 1+rnd.IntN(12))
			p := person{
				ID: id, Name: fmt.Sprintf("Näme '%d' ?", step), CreatedAt: now, UpdatedAt: now.Add(time.Duration(step) * time.Second), Level: int64(step),
			}
			if rnd.IntN(2) == 0 {
				p.Data = map[string]any{"zip": "0123", "n": float64(step), "a": []any{"x", nil}}
			}
			var do func(tx *record.Tx) error
			what := rnd.IntN(7)
			switch what {
			case 0, 1:
				do = func(tx *record.Tx) error { return people.In(tx).Insert(&p) }
			case 2:
				do = func(tx *record.Tx) error { return people.In(tx).Put(&p) }
			case 3:
				do = func(tx *record.Tx) error {
					old, err := people.In(tx).Get(id)
					if err != nil {
						return err
					}
					old.Level++
					old.Data = nil
					return people.In(tx).Put(old)
				}
			case 4:
				do = func(tx *record.Tx) error { return people.In(tx).Delete(id) }
			case 5:
				do = func(tx *record.Tx) error {
					if err := people.In(tx).Set(&p); err != nil {
						return err
					}
					return errNo // undone
				}
			case 6: // the application renames somebody
				do = func(tx *record.Tx) error {
					old, err := people.In(tx).Get(id)
					if err != nil {
						return err
					}
					old.Name = p.Name
					return people.In(tx).Put(old)
				}
			}
			want := model.Update(ctx, do)
			var got error
			if what == 6 {
				exec(t, db, "UPDATE members SET full_name = ?, visits = visits + 1 WHERE no = ?", p.Name, id)
				got = want
			} else {
				got = mapped.Update(ctx, do)
			}
			if !errors.Is(got, want) && fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("step %d: verb %d of %s: %v, want %v", step, what, id, got, want)
			}
			page := record.Page{Limit: 1 + rnd.IntN(5), After: []string{"", id}[rnd.IntN(2)]}
			if rnd.IntN(2) == 0 {
				page.From, page.To = memberNo(ids, 1+rnd.IntN(12)), memberNo(ids, 1+rnd.IntN(12))
			}
			look := func(db *record.DB) (out string) {
				noErr(t, db.View(ctx, func(tx *record.Tx) error {
					one, err := people.In(tx).Get(id)
					if err != nil && !errors.Is(err, record.ErrNotFound) {
						return err
					}
					all, err := people.In(tx).All(page)
					text, _ := json.Marshal([]any{one, all})
					out = string(text)
					return err
				}))
				return out
			}
			if got, want := look(mapped), look(model); got != want {
				t.Fatalf("step %d: verb %d of %s:\n%s\nwant\n%s", step, what, id, got, want)
			}
		}
	})
}

// racing runs f by 64 goroutines over three stores with pools of their own, and returns how often it returned nil.
func racing(t *testing.T, d database, f func(i int, db *record.DB) error) (won int64) {
	t.Helper()
	dbs := []*record.DB{d.kernel(t), d.kernel(t), d.kernel(t)}
	var n atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			switch err := f(i, dbs[i%len(dbs)]); {
			case err == nil:
				n.Add(1)
			case !errors.Is(err, errNo) && !errors.Is(err, record.ErrExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return n.Load()
}

// Of 64 who claim an id, one gets it; of 64 who use something up, one does; and no increment is lost, whether it is kept
// in the application's row or beside it.
func TestUserRaces(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		d.options.Users.DeletedAt = ""
		ctx := inTenantOf(t.Context())
		id := memberNo(ids, 3)
		won := racing(t, d, func(i int, db *record.DB) error {
			return db.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id, Name: "0"}) })
		})
		if won != 1 {
			t.Errorf("%d claimed one id", won)
		}
		won = racing(t, d, func(i int, db *record.DB) error {
			return db.Update(ctx, func(tx *record.Tx) error {
				p, err := people.In(tx).Get(id)
				if err != nil || p.Data["used"] != nil {
					return errors.Join(err, errNo)
				}
				p.Data = map[string]any{"used": true}
				return people.In(tx).Put(p)
			})
		})
		if won != 1 {
			t.Errorf("%d used it", won)
		}
		racing(t, d, func(i int, db *record.DB) error {
			return db.Update(ctx, func(tx *record.Tx) error {
				p, err := people.In(tx).Get(id)
				if err != nil {
					return err
				}
				p.Level++
				p.Name += "+"
				return people.In(tx).Put(p)
			})
		})
		var name string
		var level int
		noErr(t, db.Raw("SELECT m.full_name, c.level FROM members m JOIN oneauth_user_companions c ON c.id = '"+id+"'").Row().Scan(&name, &level))
		if level != 64 || name != "0"+strings.Repeat("+", 64) {
			t.Errorf("level %d, name %s", level, name)
		}
	})
}

// Two transactions that each check what the other writes do not both commit.
func TestUserWriteSkew(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		dbs := []*record.DB{d.kernel(t), d.kernel(t)}
		ctx := inTenantOf(t.Context())
		on := []string{memberNo(ids, 1), memberNo(ids, 2)}
		for _, id := range on { // rows of the application, which have no companion
			exec(t, db, "INSERT INTO members (no, full_name, plan) "+overriding(d)+" VALUES (?, 'x', 'old')", id)
		}
		for round := range 15 {
			for _, id := range on {
				exec(t, db, "UPDATE members SET full_name = 'on duty' WHERE no = ?", id)
			}
			var left atomic.Int64
			var wg sync.WaitGroup
			for i := range on {
				wg.Go(func() {
					err := dbs[i].Update(ctx, func(tx *record.Tx) error {
						mine, err := people.In(tx).Get(on[i])
						if err != nil {
							return err
						}
						other, err := people.In(tx).Get(on[1-i])
						if err != nil || other.Name != "on duty" {
							return errors.Join(err, errNo)
						}
						mine.Name = "off duty"
						return people.In(tx).Put(mine)
					})
					if err == nil {
						left.Add(1)
					} else if !errors.Is(err, errNo) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if left.Load() != 1 {
				t.Fatalf("round %d: %d went off duty", round, left.Load())
			}
		}
	})
}

func overriding(d database) string {
	if d.name == "PostgreSQL" && d.options.Users != nil && d.options.Users.IDType == gormstore.IntegerID {
		return "OVERRIDING SYSTEM VALUE"
	}
	return ""
}

// The application's own UPDATE between our read and our save is seen, and not overwritten; what we do not change is not
// written, and columns that are not mapped do not concern us.
func TestRawUpdatesAreNotOverwritten(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		kernel := d.kernel(t)
		ctx := inTenantOf(t.Context())
		id := memberNo(ids, 4)
		exec(t, db, "INSERT INTO members (no, full_name, plan, visits) "+overriding(d)+" VALUES (?, 'Ann', 'old', 3)", id)
		for round, saved := range []bool{false, true} { // without a companion, and with one
			tries := 0
			err := kernel.Update(ctx, func(tx *record.Tx) error {
				p, err := people.In(tx).Get(id)
				if err != nil {
					return err
				}
				if tries++; tries == 1 { // by another connection, in the middle
					exec(t, db, "UPDATE members SET full_name = ? WHERE no = ?", fmt.Sprint("Ann ", round), id)
				}
				p.Name += " saved"
				p.Level++
				return people.In(tx).Put(p)
			})
			var name string
			noErr(t, errors.Join(err, db.Raw("SELECT full_name FROM members").Row().Scan(&name)))
			if tries != 2 || name != fmt.Sprintf("Ann %d saved", round) {
				t.Errorf("companion %v: %d tries, name %q", saved, tries, name)
			}
		}
		tries := 0
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get(id)
			if err != nil {
				return err
			}
			tries++
			exec(t, db, "UPDATE members SET visits = visits + 1, plan = 'gold' WHERE no = ?", id)
			p.Level = 9
			return people.In(tx).Put(p)
		}))
		var plan string
		var visits int
		noErr(t, db.Raw("SELECT plan, visits FROM members").Row().Scan(&plan, &visits))
		if tries != 1 || plan != "gold" || visits != 4 {
			t.Errorf("%d tries, plan %s, %d visits", tries, plan, visits)
		}
	})
}

// Under load neither side loses a change.
func TestRawUpdatesUnderLoad(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		d.options.Users = mapping(gormstore.IntegerID)
		d.options.Users.Email, d.options.Users.EmailVerified = "", ""
		db := withMembers(t, d, gormstore.IntegerID)
		ctx := inTenantOf(t.Context())
		exec(t, db, "INSERT INTO members (full_name, plan) VALUES ('', 'old')")
		concat := "full_name || 'a'"
		if d.name == "MariaDB" {
			concat = "CONCAT(full_name, 'a')"
		}
		racing(t, d, func(i int, kernel *record.DB) error {
			if i < 32 {
				return retrying(func() error { return db.Exec("UPDATE members SET full_name = " + concat).Error })
			}
			return kernel.Update(ctx, func(tx *record.Tx) error {
				p, err := people.In(tx).Get("1")
				if err != nil {
					return err
				}
				p.Name += "b"
				return people.In(tx).Put(p)
			})
		})
		var name string
		noErr(t, db.Raw("SELECT full_name FROM members").Row().Scan(&name))
		if a, b := strings.Count(name, "a"), strings.Count(name, "b"); a != 32 || b != 32 {
			t.Errorf("%d changes of the application and %d of ours are left of 32 each", a, b)
		}
	})
}

// retrying is the application's own answer to a deadlock.
func retrying(f func() error) (err error) {
	for range 20 {
		if err = f(); err == nil {
			return nil
		}
	}
	return err
}

// A row that is marked as deleted is no user, whoever marked it; its id is not given to another; and once it is restored
// everything is as before.
func TestSoftDeletedUsers(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		kernel := d.kernel(t)
		ctx := inTenantOf(t.Context())
		id := memberNo(ids, 2)
		get := func() (p *person, err error) {
			err = kernel.View(ctx, func(tx *record.Tx) (err error) { p, err = people.In(tx).Get(id); return err })
			return p, err
		}
		insert := func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id, Name: "Ann", Level: 5}) }
		noErr(t, kernel.Update(ctx, insert))
		exec(t, db, "UPDATE members SET gone = made WHERE no = ?", id)
		exec(t, db, "UPDATE members SET gone = ? WHERE no = ?", "2031-01-01 00:00:00", id)
		if _, err := get(); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("marked by the application: %v", err)
		}
		var value *record.ValueError
		if err := kernel.Update(ctx, insert); !errors.As(err, &value) || value.Field != "id" {
			t.Errorf("inserted anew: %v", err)
		}
		exec(t, db, "UPDATE members SET gone = NULL WHERE no = ?", id)
		if p, err := get(); err != nil || p.Level != 5 || p.Name != "Ann" {
			t.Errorf("restored: %+v, %v", p, err)
		}
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Delete(id) }))
		var kept int64
		noErr(t, db.Raw("SELECT count(*) FROM members WHERE gone IS NOT NULL").Scan(&kept).Error)
		if _, err := get(); !errors.Is(err, record.ErrNotFound) || kept != 1 {
			t.Errorf("deleted by us: %v, %d rows are left", err, kept)
		}
	})
}

// A row that was removed in the middle of a transaction is not written, and nothing of it comes back with its id.
func TestRemovedUsers(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		kernel := d.kernel(t)
		ctx := inTenantOf(t.Context())
		id := memberNo(ids, 2)
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id, Name: "Ann", Level: 5}) }))
		err := kernel.Update(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get(id)
			if err != nil {
				return err
			}
			exec(t, db, "DELETE FROM members WHERE no = ?", id)
			return people.In(tx).Put(p)
		})
		if !errors.Is(err, record.ErrNotFound) {
			t.Errorf("error is %v", err)
		}
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id, Name: "Bob"}) }))
		noErr(t, kernel.View(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get(id)
			if err == nil && (p.Level != 0 || p.Name != "Bob") {
				t.Errorf("got %+v", p)
			}
			return err
		}))
	})
}

// Inside a transaction of the application OneAuth sees what that did to the row, and both are undone together.
func TestTransactionWithUsers(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		kernel, err := record.Open(t.Context(), d.store(t, db), record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		ctx := inTenantOf(t.Context())
		id := memberNo(ids, 5)
		exec(t, db, "INSERT INTO members (no, full_name, plan) "+overriding(d)+" VALUES (?, 'Ann', 'old')", id)
		for _, outcome := range []error{errNo, nil} {
			err := db.Transaction(func(outer *gorm.DB) error {
				exec(t, outer, "UPDATE members SET full_name = 'Ann Two' WHERE no = ?", id)
				return errors.Join(outcome, gormstore.Transaction(ctx, outer, kernel, func(_ *gorm.DB, tx *record.Tx) error {
					p, err := people.In(tx).Get(id)
					if err != nil || p.Name != "Ann Two" {
						return errors.Join(err, fmt.Errorf("the name is %q", p.Name))
					}
					p.Level++
					return people.In(tx).Put(p)
				}))
			})
			if !errors.Is(err, outcome) {
				t.Errorf("error is %v, want %v", err, outcome)
			}
		}
		noErr(t, kernel.View(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get(id)
			if err == nil && (p.Name != "Ann Two" || p.Level != 1) {
				t.Errorf("got %+v", p)
			}
			return err
		}))
	})
}

// What cannot be a user of the table is refused by name, and found nowhere.
func TestUsersThatCannotBe(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		withMembers(t, d, ids)
		kernel := d.kernel(t)
		insert := func(tenant, id, field string) {
			t.Helper()
			err := kernel.Update(record.WithTenant(t.Context(), tenant), func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: id}) })
			var value *record.ValueError
			if !errors.As(err, &value) || value.Field != field {
				t.Errorf("%s in %s: %v", id, tenant, err)
			}
		}
		insert("another", memberNo(ids, 1), "tenant")
		if ids == gormstore.TextID {
			return
		}
		for _, id := range []string{"usr_1", "07", "+7", "1e3", "9223372036854775808", "0191FFFE-0000-7000-8000-00000000ABCD"} {
			insert("default", id, "id")
			err := kernel.View(inTenantOf(t.Context()), func(tx *record.Tx) error { _, err := people.In(tx).Get(id); return err })
			if !errors.Is(err, record.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// A user of the application's table is read by one statement, and saved by five, in a transaction.
func TestStatementsOfMappedUsers(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		withMembers(t, d, gormstore.IntegerID)
		d.options.Users = mapping(gormstore.IntegerID)
		d.options.Users.Email, d.options.Users.EmailVerified = "", ""
		var n atomic.Int64
		db, err := d.connect(&gorm.Config{Logger: counting{logger.Discard, &n}})
		noErr(t, err)
		kernel, err := record.Open(t.Context(), d.store(t, db), record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		ctx := inTenantOf(t.Context())
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: "7", Name: "Ann"}) }))
		n.Store(0)
		noErr(t, kernel.View(ctx, func(tx *record.Tx) error { _, err := people.In(tx).Get("7"); return err }))
		if got := n.Load(); got != 1 {
			t.Errorf("read by %d statements", got)
		}
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error {
			p, err := people.In(tx).Get("7")
			if err != nil {
				return err
			}
			n.Store(0)
			p.Name = "Ann Lee"
			return people.In(tx).Put(p)
		}))
		if got := n.Load(); got != 5 {
			t.Errorf("saved by %d statements", got)
		}
	})
}
