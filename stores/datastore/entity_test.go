package datastore_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	client "cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func fullNote(rev int64) record.Record {
	return record.Record{Key: noteKey("n1"), Rev: rev, Version: 2, Expires: noon, Row: record.Row{
		record.StringValue("ann"), record.StringValue("blue"), record.TextValue("hello"), record.BytesValue([]byte{1, 2}),
		record.IntValue(7), record.BoolValue(true), record.TimeValue(noon), record.JSONValue(`["a"]`)}}
}

func insert(r record.Record) []record.Op { return []record.Op{{Record: r, Verb: record.Put}} }

// Whoever opens the console sees one entity per record, with the fields by name and in their own types.
func TestEntitiesAreReadable(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	noError(t, p.prepared(t).Commit(t.Context(), insert(fullNote(99))))
	var got client.PropertyList
	noError(t, p.client.Get(t.Context(), client.NameKey("oneauth_note", "acme/n1", nil), &got))
	want := map[string]client.Property{
		"owner": {Value: "ann"}, "colour": {Value: "blue"}, "body": {Value: "hello", NoIndex: true},
		"key": {Value: []byte{1, 2}, NoIndex: true}, "n": {Value: int64(7), NoIndex: true}, "on": {Value: true, NoIndex: true},
		"at": {Value: noon, NoIndex: true}, "labels": {Value: `["a"]`, NoIndex: true}, "purge_at": {Value: noon},
		"rev": {Value: int64(99), NoIndex: true}, "version": {Value: int64(2), NoIndex: true}, "_fields": {Value: int64(8), NoIndex: true},
	}
	for _, g := range got {
		w := want[g.Name]
		var same bool
		switch v := g.Value.(type) {
		case []byte:
			same = bytes.Equal(v, w.Value.([]byte))
		case time.Time:
			same = v.Equal(w.Value.(time.Time))
		default:
			same = v == w.Value
		}
		if !same || g.NoIndex != w.NoIndex {
			t.Errorf("property %+v, want %+v", g, w)
		}
		delete(want, g.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// A row comes back with as many values as it had, so that an upgrade sees what its writer knew.
func TestRowsKeepTheirLength(t *testing.T) {
	s := fake(t, dstest.Options{}, datastore.Shared).prepared(t)
	for n := range len(note.Fields) + 1 {
		r := fullNote(int64(n + 1))
		r.Row = r.Row[:n:n]
		if n > 0 {
			r.Row[n-1] = record.Value{}
		}
		noError(t, s.Commit(t.Context(), []record.Op{{Record: r, Verb: record.Put, Want: int64(n)}}))
		got, err := s.Get(t.Context(), r.Key)
		noError(t, err)
		if len(got) != 1 || !slices.Equal(got[0].Row, r.Row) {
			t.Errorf("%v came back as %v", r.Row, got)
		}
	}
}

// A property that the application added is its own, and stays.
func TestForeignPropertiesStay(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	s := p.prepared(t)
	noError(t, s.Commit(t.Context(), insert(fullNote(1))))
	key := client.NameKey("oneauth_note", "acme/n1", nil)
	_, err := p.client.RunInTransaction(t.Context(), func(tx *client.Transaction) error {
		var e client.PropertyList
		if err := tx.Get(key, &e); err != nil {
			return err
		}
		e = append(e, client.Property{Name: "cost_centre", Value: "R&D"})
		_, err := tx.Put(key, &e)
		return err
	})
	noError(t, err)
	noError(t, s.Commit(t.Context(), []record.Op{{Record: fullNote(2), Verb: record.Put, Want: 1}}))
	var e client.PropertyList
	noError(t, p.client.Get(t.Context(), key, &e))
	if !slices.ContainsFunc(e, func(p client.Property) bool { return p.Name == "cost_centre" && p.Value == "R&D" && !p.NoIndex }) {
		t.Errorf("the application's property is gone: %v", e)
	}
}

// An older release puts a new record in the place of an expired one, of a newer release: nothing of that one is left.
func TestReplacedRecordsLeaveNothingBehind(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	older := p.prepared(t)
	newer := p.open(t)
	k := *note
	k.Fields = append(slices.Clone(note.Fields), record.Field{Name: "city", Type: record.String, Term: true})
	noError(t, newer.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{&k}}))
	r := fullNote(1)
	r.Row = append(r.Row, record.StringValue("Bern"))
	noError(t, newer.Commit(t.Context(), insert(r)))
	noError(t, older.Commit(t.Context(), []record.Op{putNote(1, 2, "n1", "x")}))
	found, err := newer.Find(t.Context(), record.Query{Tenant: "acme", Kind: "note", Term: "city", Value: "Bern", Limit: 1})
	noError(t, err)
	if len(found) != 0 {
		t.Errorf("the new record is found by a value of the old one: %v", found)
	}
}

// A property of another type than its field's is an error, and never an absent value.
func TestWrongTypesAreErrors(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	s := p.prepared(t)
	for name, bad := range map[string]any{"owner": int64(1), "n": "7", "on": int64(1), "at": "now", "key": "text", "labels": true, "rev": "x"} {
		noError(t, s.Commit(t.Context(), insert(fullNote(1))))
		key := client.NameKey("oneauth_note", "acme/n1", nil)
		_, err := p.client.RunInTransaction(t.Context(), func(tx *client.Transaction) error {
			var e client.PropertyList
			if err := tx.Get(key, &e); err != nil {
				return err
			}
			i := slices.IndexFunc(e, func(p client.Property) bool { return p.Name == name })
			e[i].Value = bad
			_, err := tx.Put(key, &e)
			return err
		})
		noError(t, err)
		if got, err := s.Get(t.Context(), noteKey("n1")); !errors.Is(err, record.ErrCorrupt) || !strings.Contains(err.Error(), "n1") {
			t.Errorf("%s as %T: %v, %v", name, bad, got, err)
		}
		_, err = p.client.RunInTransaction(t.Context(), func(tx *client.Transaction) error { return tx.Delete(key) })
		noError(t, err)
	}
}

func TestTimesThatDatastoreCannotKeepAreRefusedByName(t *testing.T) {
	s := fake(t, dstest.Options{}, datastore.Shared).prepared(t)
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	at, expires := fullNote(1), fullNote(1)
	at.Row[6] = record.TimeValue(far)
	expires.Expires = far
	for field, r := range map[string]record.Record{"at": at, "expires": expires} {
		var bad *record.ValueError
		if err := s.Commit(t.Context(), insert(r)); !errors.As(err, &bad) || bad.Kind != "note" || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if revision(t, s, "n1") != 0 {
		t.Error("a refused record is there")
	}
}

// A record that is larger than an entity may be is in parts, which go when it goes.
func TestLargeRecords(t *testing.T) {
	for name, begin := range places(t) {
		t.Run(name, func(t *testing.T) {
			p := begin(t)
			s := p.prepared(t)
			for rev := int64(1); rev <= 2; rev++ {
				r := fullNote(rev)
				r.Row[2] = record.TextValue(strings.Repeat(string(rune('a'+rev)), 700_000))
				r.Row[3] = record.BytesValue(bytes.Repeat([]byte{byte(rev)}, 347_000))
				noError(t, s.Commit(t.Context(), []record.Op{{Record: r, Verb: record.Put, Want: rev - 1}}))
				q := record.Query{Tenant: "acme", Kind: "note", Term: "owner", Value: "ann", Limit: 10}
				found, err := s.Find(t.Context(), q)
				noError(t, err)
				got, err := s.Get(t.Context(), r.Key)
				noError(t, err)
				for _, list := range [][]record.Record{found, got} {
					if len(list) != 1 || !slices.Equal(list[0].Row, r.Row) {
						t.Errorf("revision %d came back as %d records", rev, len(list))
					}
				}
				if p.server != nil && p.server.Count("oneauth_Part") != 1 {
					t.Errorf("there are %d parts, want 1", p.server.Count("oneauth_Part"))
				}
			}
			n, err := s.Sweep(t.Context(), noon.Add(time.Second), 10)
			noError(t, err)
			if n != 1 || p.server != nil && p.server.Count("oneauth_Part") != 0 {
				t.Errorf("swept %d, and there are still parts", n)
			}
		})
	}
}
