package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

var versionLaws = []law{
	{"older rows are upgraded when they are read", versionUpgrade},
	{"fields of a newer release survive an older writer", versionUnknownFields},
	{"an older release reads what a newer one wrote", versionOlderReads},
}

// Two releases of one kind: the second split the name, and can find by city.
type noteV1 struct {
	ID    string `record:"id"`
	Owner string `record:"owner,term"`
	Name  string `record:"name"`
}

type noteV2 struct {
	ID    string `record:"id"`
	Owner string `record:"owner,term"`
	Name  string `record:"name"`
	Last  string `record:"last"`
	City  string `record:"city,term"`
	Data  []byte `record:"data"`
}

var (
	notesV1 = record.Define[noteV1]("note", 1)
	notesV2 = record.Define[noteV2]("note", 2).Upgrading(func(from int, row record.Row) record.Row {
		first, last, _ := strings.Cut(row[1].Text(), " ")
		row[1] = record.StringValue(first)
		return append(row[:2:2], record.StringValue(last))
	})
)

// releases opens a DB of each release, the newer one over another instance.
func (e *env) releases() (older, newer *record.DB) {
	e.Helper()
	older = e.dbOver(e.instance(0), notesV1.Kind())
	return older, e.dbOver(e.instance(1), notesV2.Kind())
}

func versionUpgrade(e *env) {
	older, newer := e.releases()
	e.must(older.Update(e.ctx, func(tx *record.Tx) error {
		return notesV1.In(tx).Insert(&noteV1{ID: "a", Owner: "x", Name: "Ada Lovelace"})
	}))
	want := noteV2{ID: "a", Owner: "x", Name: "Ada", Last: "Lovelace"}
	for range 2 { // a row is upgraded each time it is read, and never twice
		e.wantNote(newer, "owner", "x", want)
		e.wantNote(e.dbOver(e.instance(1), notesV2.Kind()), "owner", "x", want)
	}
	want.City = "London"
	e.must(newer.Update(e.ctx, func(tx *record.Tx) error { n := want; return notesV2.In(tx).Put(&n) }))
	e.wantNote(newer, "city", "London", want)
}

// wantNote checks what the newer release gets under want's id, and finds by a term.
func (e *env) wantNote(db *record.DB, term, value string, want noteV2) {
	e.Helper()
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		got, err := notesV2.In(tx).Get(want.ID)
		if err != nil {
			return err
		}
		found, err := notesV2.In(tx).Find(term, value, record.Page{})
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("found %d notes by %s, want 1", len(found), term)
		}
		if err == nil && (!reflect.DeepEqual(*got, want) || !reflect.DeepEqual(*found[0], want)) {
			err = fmt.Errorf("got %+v, found %+v, want %+v", *got, *found[0], want)
		}
		return err
	}))
}

func versionUnknownFields(e *env) {
	older, newer := e.releases()
	want := noteV2{ID: "a", Owner: "x", Name: "Ada", Last: "Lovelace", City: "London", Data: []byte{0, 1}}
	e.must(newer.Update(e.ctx, func(tx *record.Tx) error { n := want; return notesV2.In(tx).Insert(&n) }))
	for _, write := range []func(rows record.Rows[noteV1], n *noteV1) error{
		record.Rows[noteV1].Put, record.Rows[noteV1].Set,
		func(rows record.Rows[noteV1], n *noteV1) error { return errors.Join(rows.Put(n), rows.Put(n)) },
	} {
		want.Name += "!"
		e.must(older.Update(e.ctx, func(tx *record.Tx) error {
			n, err := notesV1.In(tx).Get("a")
			if err != nil {
				return err
			}
			n.Name += "!"
			return write(notesV1.In(tx), n)
		}))
		e.wantNote(newer, "city", "London", want)
	}
	e.must(older.Update(e.ctx, func(tx *record.Tx) error { return notesV1.In(tx).Delete("a") }))
	e.must(newer.View(e.ctx, func(tx *record.Tx) error {
		found, err := notesV2.In(tx).Find("city", "London", record.Page{})
		if len(found) != 0 {
			e.Errorf("an older release deleted the record, and it is still found by a term it does not know")
		}
		return err
	}))
}

func versionOlderReads(e *env) {
	older, newer := e.releases()
	e.must(newer.Update(e.ctx, func(tx *record.Tx) error {
		return notesV2.In(tx).Insert(&noteV2{ID: "a", Owner: "x", Name: "Ada", City: "London"})
	}))
	e.must(older.View(e.ctx, func(tx *record.Tx) error {
		got, err := notesV1.In(tx).Get("a")
		if err == nil && *got != (noteV1{ID: "a", Owner: "x", Name: "Ada"}) {
			e.Errorf("the older release reads %+v", got)
		}
		return err
	}))
}
