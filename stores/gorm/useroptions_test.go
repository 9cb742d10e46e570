package gormstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
)

// Rows without a companion are somebody's, too: who lists the tenants leaves them out of nothing.
func TestTenantOfMappedUsersIsListed(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		db := withMembers(t, d, ids)
		store := d.store(t, db)
		_, err := record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		tenants, err := store.Tenants(t.Context())
		noErr(t, err)
		if !slices.Equal(tenants, []string{"default"}) {
			t.Errorf("tenants are %q", tenants)
		}
	})
}

// The clock and the randomness of the options are those that are used: for when a row was deleted, and for new UUIDs.
func TestClockOfMappedUsers(t *testing.T) {
	eachMembers(t, func(t *testing.T, d database, ids gormstore.IDType) {
		at := time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)
		d.options.Now = func() time.Time { return at }
		d.options.Rand = strings.NewReader(strings.Repeat("\x00", 16))
		db := withMembers(t, d, ids)
		store := d.store(t, db)
		kernel, err := record.Open(t.Context(), store, record.Options{}, people.Kind(), cars.Kind())
		noErr(t, err)
		if ids != gormstore.IntegerID {
			id, err := store.NewUserID(t.Context())
			noErr(t, err)
			if want := fmt.Sprintf("%012x", at.UnixMilli()); strings.ReplaceAll(id, "-", "") != want+"70008000000000000000" {
				t.Errorf("the id is %s", id)
			}
			if id, err := store.NewUserID(t.Context()); err == nil {
				t.Errorf("without randomness the id is %s", id)
			}
		}
		no := memberNo(ids, 1)
		ctx := inTenantOf(t.Context())
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Insert(&person{ID: no, Name: "Ann"}) }))
		noErr(t, kernel.Update(ctx, func(tx *record.Tx) error { return people.In(tx).Delete(no) }))
		var when time.Time
		noErr(t, db.Raw("SELECT gone FROM members").Row().Scan(&when))
		if !when.Equal(at) {
			t.Errorf("deleted at %s", when)
		}
	})
}
