package record_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// Invite is a one-time token; being used up is written, not deleted.
type Invite struct {
	ID     string    `record:"id"`
	OrgID  string    `record:"org_id,term"`
	UsedBy string    `record:"used_by"`
	Until  time.Time `record:"expires"`
}

var invites = record.Define[Invite]("invite", 1)

func Example() {
	ctx := record.WithTenant(context.Background(), "acme")
	db, err := record.Open(ctx, mem.New(), record.Options{}, invites.Kind())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()

	err = db.Update(ctx, func(tx *record.Tx) error {
		return invites.In(tx).Insert(&Invite{ID: "inv-1", OrgID: "org-1", Until: db.Now().Add(time.Hour)})
	})
	fmt.Println("invited:", err)

	errUsed := errors.New("invite is used up")
	accept := func(user string) error {
		return db.Update(ctx, func(tx *record.Tx) error {
			inv, err := invites.In(tx).Get("inv-1")
			if err != nil {
				return err
			}
			if inv.UsedBy != "" {
				return errUsed
			}
			inv.UsedBy = user
			return invites.In(tx).Put(inv)
		})
	}
	fmt.Println("ada:", accept("ada"))
	fmt.Println("bob:", accept("bob"))

	err = db.View(ctx, func(tx *record.Tx) error {
		list, err := invites.In(tx).Find("org_id", "org-1", record.Page{Limit: 10})
		for _, inv := range list {
			fmt.Println(inv.ID, "was used by", inv.UsedBy)
		}
		return err
	})
	fmt.Println("listed:", err)
	// Output:
	// invited: <nil>
	// ada: <nil>
	// bob: invite is used up
	// inv-1 was used by ada
	// listed: <nil>
}
