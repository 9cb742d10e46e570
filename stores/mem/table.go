package mem

import (
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/tidwall/btree"
)

type tableKey struct{ tenant, kind string }

// table holds the records of one kind in one tenant.
type table struct {
	rows  map[string]record.Record
	ids   btree.Set[string]
	terms map[term]*btree.Set[string] // the ids found by each term
}

// term is a value at a field's position.
type term struct {
	field int
	value string
}

func (d *data) get(k record.Key) (record.Record, bool) {
	t := d.tables[tableKey{k.Tenant, k.Kind}]
	if t == nil {
		return record.Record{}, false
	}
	r, ok := t.rows[k.ID]
	return r, ok
}

// put replaces whatever is stored under r's key.
func (d *data) put(r record.Record) {
	d.remove(r.Key)
	key := tableKey{r.Tenant, r.Kind}
	t := d.tables[key]
	if t == nil {
		t = &table{rows: map[string]record.Record{}, terms: map[term]*btree.Set[string]{}}
		d.tables[key] = t
	}
	t.rows[r.ID] = r
	t.ids.Insert(r.ID)
	t.index(d.schema[r.Kind], r)
	d.due.add(r)
}

func (d *data) remove(k record.Key) {
	key := tableKey{k.Tenant, k.Kind}
	t := d.tables[key]
	if t == nil {
		return
	}
	r, ok := t.rows[k.ID]
	if !ok {
		return
	}
	d.due.drop(r)
	for _, at := range d.schema[k.Kind].terms(r.Row) {
		ids := t.terms[at]
		if ids.Delete(k.ID); ids.Len() == 0 {
			delete(t.terms, at)
		}
	}
	t.ids.Delete(k.ID)
	if delete(t.rows, k.ID); len(t.rows) == 0 {
		delete(d.tables, key)
	}
}

// reindex builds the terms of a kind anew, in all tenants.
func (d *data) reindex(name string, k *kind) {
	for key, t := range d.tables {
		if key.kind != name {
			continue
		}
		clear(t.terms)
		for _, r := range t.rows {
			t.index(k, r)
		}
	}
}

func (t *table) index(k *kind, r record.Record) {
	for _, at := range k.terms(r.Row) {
		ids := t.terms[at]
		if ids == nil {
			ids = &btree.Set[string]{}
			t.terms[at] = ids
		}
		ids.Insert(r.ID)
	}
}

func (t *table) find(q record.Query, k *kind) []record.Record {
	ids := &t.ids
	if q.Term != "" {
		if ids = t.terms[term{k.position(q.Term), q.Value}]; ids == nil {
			return nil
		}
	}
	var out []record.Record
	ids.Ascend(max(q.From, q.After), func(id string) bool {
		if len(out) == q.Limit || q.To != "" && id >= q.To {
			return false
		}
		if q.After == "" || id > q.After {
			r := t.rows[id]
			r.Row = slices.Clone(r.Row)
			out = append(out, r)
		}
		return true
	})
	return out
}
