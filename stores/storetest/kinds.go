package storetest

import (
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// tenant is where laws work that do not speak of tenants.
const tenant = "t1"

// doc has a field of every type. Its field names are words that query languages keep for themselves.
type doc struct {
	ID     string            `record:"id"`
	Owner  string            `record:"owner,term"`
	Group  string            `record:"group,term"`
	Plain  string            `record:"select"`
	Text   string            `record:"from,text"`
	Bytes  []byte            `record:"key"`
	N      int64             `record:"order"`
	On     bool              `record:"on"`
	At     time.Time         `record:"at"`
	Labels map[string]string `record:"values"`
	Until  time.Time         `record:"expires"`
}

// item is a small record of several kinds.
type item struct {
	ID    string    `record:"id"`
	Owner string    `record:"owner,term"`
	N     int64     `record:"n"`
	Until time.Time `record:"expires"`
}

var (
	docs   = record.Define[doc]("table", 1)
	items  = record.Define[item]("item", 1)
	items2 = record.Define[item]("item_", 1) // a name that begins like another, and ends in a wildcard of SQL

	allKinds = []*record.Kind{docs.Kind(), items.Kind(), items2.Kind()}
)

// itemKey is the key of an item.
func itemKey(id string) record.Key { return record.Key{Tenant: tenant, Kind: "item", ID: id} }

// itemRecord is a stored item, as a backend sees it.
func itemRecord(rev int64, id, owner string, n int64) record.Record {
	return record.Record{
		Key: itemKey(id), Rev: rev, Version: 1,
		Row: record.Row{record.StringValue(owner), record.IntValue(n)},
	}
}

// putOp writes an item; want is the revision that must be stored.
func putOp(want int64, r record.Record) record.Op {
	return record.Op{Record: r, Verb: record.Put, Want: want}
}

// keyOp deletes or checks the item with the id.
func keyOp(verb record.Verb, want int64, id string) record.Op {
	return record.Op{Record: record.Record{Key: itemKey(id)}, Verb: verb, Want: want}
}
