package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var limitLaws = []law{
	{"of MaxOps operations holds to the last one", limitOps},
	{"of MaxBytes bytes holds", limitBytes},
	{"of pages is checked", limitPages},
	{"on bounds of pages is text", limitBounds},
	{"on kinds and terms: only declared ones", limitDeclared},
}

func limitOps(e *env) {
	db := e.db(0)
	insert := func(prefix string, n int) error {
		return e.update(db, func(rows record.Rows[item]) error {
			for i := range n {
				if err := rows.Insert(&item{ID: fmt.Sprintf("%s-%03d", prefix, i), Owner: prefix}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	e.must(insert("most", record.MaxOps))
	e.wantErr(insert("more", record.MaxOps+1), record.ErrTooLarge)
	if n := len(e.ids(db, "most")); n != record.MaxOps {
		e.Errorf("found %d records, want %d", n, record.MaxOps)
	}
	e.wantIDs(e.ids(db, "more"))
	e.wantErr(e.update(db, func(rows record.Rows[item]) error {
		if _, err := rows.Find("owner", "most", record.Page{}); err != nil { // validated reads count, too
			return err
		}
		return rows.Insert(&item{ID: "one"})
	}), record.ErrTooLarge)
}

// largest is a text that just fits into one commit, beside the small values of an otherwise empty doc.
func largest() string { return strings.Repeat("x", record.MaxBytes-8*len(docs.Kind().Fields)) }

func limitBytes(e *env) {
	db := e.db(0)
	put := func(id, text string) error {
		return db.Update(e.ctx, func(tx *record.Tx) error { return docs.In(tx).Set(&doc{ID: id, Text: text}) })
	}
	e.must(put("a", largest()))
	e.wantErr(put("b", largest()+"x"), record.ErrTooLarge)
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		got, err := docs.In(tx).Get("a")
		if err == nil && got.Text != largest() {
			e.Errorf("a text of %d bytes came back with %d", len(largest()), len(got.Text))
		}
		return err
	}))
}

// commitMaxBytes is the same at the backend: the largest commit that the kernel lets through.
func commitMaxBytes(e *env) {
	b := e.backend()
	const parts = 16
	row := make(record.Row, len(docs.Kind().Fields))
	row[docs.Kind().FieldIndex("from")] = record.TextValue(strings.Repeat("é", record.MaxBytes/parts/2-100))
	var ops []record.Op
	for i := range parts {
		r := record.Record{Key: record.Key{Tenant: tenant, Kind: "table", ID: fmt.Sprint(i)}, Rev: e.rev(), Version: 1, Row: row}
		ops = append(ops, record.Op{Record: r, Verb: record.Put})
	}
	e.must(e.commit(b, ops...))
	for _, op := range ops {
		got := e.get(b, op.Key)
		if got == nil {
			e.Fatalf("%v is not there", op.Key)
			return
		}
		e.wantRecord(*got, op.Record)
	}
}

func limitPages(e *env) {
	e.must(e.db(0).View(e.ctx, func(tx *record.Tx) error {
		for _, limit := range []int{-1, record.MaxPage + 1} {
			if _, err := items.In(tx).All(record.Page{Limit: limit}); err == nil {
				e.Errorf("a page of %d is not refused", limit)
			}
		}
		_, err := items.In(tx).All(record.Page{Limit: record.MaxPage})
		return err
	}))
}

func limitBounds(e *env) {
	e.insert(e.db(0), item{ID: "a", Owner: "x"})
	e.must(e.db(0).View(e.ctx, func(tx *record.Tx) error {
		for _, bad := range []string{"\x00", "a\x00b", "\xff"} {
			for field, p := range map[string]record.Page{"after": {After: bad}, "from": {From: bad}, "to": {To: bad}} {
				_, err := items.In(tx).Find("owner", "x", p)
				var v *record.ValueError
				if !errors.As(err, &v) || v.Kind != "item" || v.Field != field {
					e.Errorf("%s %q: error is %v, want a ValueError for it", field, bad, err)
				}
			}
			if _, err := items.In(tx).Get(bad); !errors.Is(err, record.ErrNotFound) {
				e.Errorf("id %q: error is %v, want %v", bad, err, record.ErrNotFound)
			}
			if found, err := items.In(tx).Find("owner", bad, record.Page{}); len(found) != 0 || err != nil {
				e.Errorf("owner %q: found %d, %v", bad, len(found), err)
			}
		}
		return nil
	}))
}

func limitDeclared(e *env) {
	stranger := record.Define[item]("stranger", 1)
	e.must(e.db(0).View(e.ctx, func(tx *record.Tx) error {
		if _, err := stranger.In(tx).Get("a"); err == nil || errors.Is(err, record.ErrNotFound) {
			e.Errorf("a kind that was not given to Open: %v", err)
		}
		for _, term := range []string{"n", "id", "nothing", "owner'"} {
			if _, err := items.In(tx).Find(term, "x", record.Page{}); err == nil {
				e.Errorf("find by %q is not refused", term)
			}
		}
		return nil
	}))
}

var contextLaws = []law{
	{"ended before a call fails it and changes nothing", contextBefore},
	{"ended during a commit: applied or not, as reported", contextDuring},
	{"ended in a transaction undoes it", contextInTx},
}

func contextBefore(e *env) {
	b := e.backend()
	e.fill(b, "x", "a")
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	late, cancelLate := context.WithDeadline(e.ctx, time.Unix(0, 0))
	defer cancelLate()
	for _, ctx := range []context.Context{ctx, late} {
		_, err := b.Get(ctx, itemKey("a"))
		e.wantErr(err, ctx.Err())
		_, err = b.Find(ctx, itemQuery("", ""))
		e.wantErr(err, ctx.Err())
		e.wantErr(b.Commit(ctx, []record.Op{putOp(0, itemRecord(e.rev(), "b", "x", 1))}), ctx.Err())
		_, err = b.Sweep(ctx, e.clock.Now(), 1)
		e.wantErr(err, ctx.Err())
		e.wantErr(b.Prepare(ctx, record.Schema{Kinds: allKinds}), ctx.Err())
	}
	e.wantIDs(e.find(b, itemQuery("", "")), "a")
}

// contextDuring ends the context at random moments of a commit. Whatever is reported must be so afterwards.
func contextDuring(e *env) {
	b := e.instance(0)
	e.instance(1)
	unknown := map[string]bool{}
	failed := map[string]bool{}
	for i := range 10 * e.rounds {
		id := fmt.Sprintf("id-%04d", i)
		ctx, cancel := context.WithTimeout(e.ctx, time.Duration(i%50)*20*time.Microsecond)
		err := b.Commit(ctx, []record.Op{putOp(0, itemRecord(e.rev(), id, "x", 1)), putOp(0, itemRecord(e.rev(), id+"b", "x", 1))})
		cancel()
		there := e.get(e.instance(1), itemKey(id)) != nil
		if both := e.get(e.instance(1), itemKey(id+"b")) != nil; both != there && !errors.Is(err, record.ErrUnknown) {
			e.Fatalf("commit returned %v, and half of it is there", err)
		}
		switch {
		case errors.Is(err, record.ErrUnknown):
			unknown[id] = true
		case err == nil && !there:
			e.Fatalf("commit returned nil, and the record is not there")
		case err != nil && there:
			e.Fatalf("commit returned %v, and the record is there", err)
		case err != nil:
			failed[id] = true
		}
	}
	for id := range failed { // not later either
		if e.get(b, itemKey(id)) != nil {
			e.Errorf("commit of %s failed and was applied later", id)
		}
	}
	e.Logf("%d failed, %d unknown", len(failed), len(unknown))
}

func contextInTx(e *env) {
	db := e.db(0)
	ctx, cancel := context.WithCancel(e.ctx)
	err := db.Update(ctx, func(tx *record.Tx) error {
		if err := items.In(tx).Insert(&item{ID: "a"}); err != nil {
			return err
		}
		cancel()
		return nil
	})
	e.wantErr(err, context.Canceled)
	if errors.Is(err, record.ErrContention) {
		e.Errorf("the caller's own cancellation is called contention")
	}
	e.wantIDs(e.ids(db, ""))
}
