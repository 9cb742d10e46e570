package mongo_test

import (
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/oneauth-go/oneauth/core/record"
)

// A person who opens the database finds typed fields.
func TestDocumentsHaveTypedFields(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		kernel, err := record.Open(t.Context(), store, record.Options{}, things.Kind())
		if err != nil {
			t.Fatal(err)
		}
		until := time.Date(2090, 1, 2, 3, 4, 5, 6e6, time.UTC)
		err = kernel.Update(record.WithTenant(t.Context(), "a/b"), func(tx *record.Tx) error {
			return things.In(tx).Insert(&thing{ID: "t/1", Owner: "ann", N: 1<<53 + 1, Words: []string{"read", "write"}, Until: until})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID      string    `bson:"_id"`
			Rev     int64     `bson:"rev"`
			Owner   string    `bson:"owner"`
			N       int64     `bson:"n"`
			Words   []string  `bson:"words"`
			Expires time.Time `bson:"expires"`
		}
		if err := db.Collection("oneauth.thing").FindOne(t.Context(), bson.D{{Key: "words", Value: "write"}}).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.ID != "a%2Fb/t/1" || got.Rev == 0 || got.Owner != "ann" || got.N != 1<<53+1 || len(got.Words) != 2 || !got.Expires.Equal(until) {
			t.Errorf("the document is %+v", got)
		}
	})
}

// A30: what is an operator elsewhere is a value here, in ids, tenants and terms; NUL is refused by name.
func TestA30OperatorsAreValues(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, _ := prepared(t, uri)
		kernel, err := record.Open(t.Context(), store, record.Options{}, things.Kind())
		if err != nil {
			t.Fatal(err)
		}
		hostile := []string{`{"$ne":""}`, `{"$gt":""}`, "$where", "$ne", "a.b", ".", "$", "a/b", "a%2Fb", "/", "a/", "%", "0", "null",
			"x\ny", "\u0001"}
		for _, tenant := range hostile {
			ctx := record.WithTenant(t.Context(), tenant)
			err := kernel.Update(ctx, func(tx *record.Tx) error {
				for _, v := range hostile {
					if err := things.In(tx).Insert(&thing{ID: v, Owner: v}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, tenant := range hostile {
			err := kernel.View(record.WithTenant(t.Context(), tenant), func(tx *record.Tx) error {
				all, err := things.In(tx).All(record.Page{})
				if len(all) != len(hostile) {
					t.Errorf("tenant %q has %d things, want %d", tenant, len(all), len(hostile))
				}
				for _, v := range hostile {
					found, err := things.In(tx).Find("owner", v, record.Page{})
					if err != nil || len(found) != 1 || found[0].ID != v {
						t.Errorf("tenant %q: by the owner %q: %d things, %v", tenant, v, len(found), err)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var refused *record.ValueError
		err = kernel.Update(record.WithTenant(t.Context(), "main"), func(tx *record.Tx) error {
			return things.In(tx).Insert(&thing{ID: "a", Owner: "\x00"})
		})
		if !errors.As(err, &refused) || refused.Field != "owner" {
			t.Errorf("NUL: %v, want a ValueError for owner", err)
		}
		if got := revs(t, store, "a"); got[0] != 0 {
			t.Error("the refused thing is there")
		}
	})
}

// A field that a newer release added is known to a store that was prepared before, reading and writing.
func TestNewerFieldsAreLearnt(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		older, db := prepared(t, uri)
		newer, err := open(t, uri, db.Name())
		if err != nil {
			t.Fatal(err)
		}
		later := *things.Kind()
		later.Version = 2
		later.Fields = append(later.Fields[:len(later.Fields):len(later.Fields)], record.Field{Name: "blob", Type: record.Bytes})
		if err := newer.Prepare(t.Context(), schema(&later)); err != nil {
			t.Fatal(err)
		}
		op := put(0, 1, "a", "x", 1)
		op.Row = append(op.Row, record.Value{}, record.BytesValue([]byte{0, 1}))
		if err := older.Commit(t.Context(), []record.Op{op}); err != nil { // wider than it knows: it asks
			t.Fatal(err)
		}
		got, err := newer.Get(t.Context(), key("a"))
		if err != nil || len(got) != 1 || got[0].Row[3] != record.BytesValue([]byte{0, 1}) {
			t.Errorf("the newer release reads %v, %v", got, err)
		}
		op.Row, op.ID = append(op.Row, record.IntValue(1)), "b"
		if err := older.Commit(t.Context(), []record.Op{op}); !errors.Is(err, record.ErrCorrupt) {
			t.Errorf("a field that no release declared: %v", err)
		}
		if got := revs(t, older, "b"); got[0] != 0 {
			t.Error("it was written all the same")
		}
	})
}

// JSON comes back to the byte, also where it is kept as an array.
func TestListsComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		for i, c := range []struct {
			text string
			bson bson.Type
		}{
			{`["a","b"]`, bson.TypeArray}, {`[]`, bson.TypeArray}, {`["é\"\\"]`, bson.TypeArray},
			{`["a", "b"]`, bson.TypeString}, {`[null]`, bson.TypeString}, {`["<"]`, bson.TypeString}, {`["\u00e9"]`, bson.TypeString},
			{`[1e400,"a"]`, bson.TypeString}, {`{"a":["b"]}`, bson.TypeString},
		} {
			op := put(0, 1, string(rune('a'+i)), "x", 1)
			op.Row = append(op.Row, record.JSONValue(c.text))
			if err := store.Commit(t.Context(), []record.Op{op}); err != nil {
				t.Fatal(err)
			}
			got, err := store.Get(t.Context(), op.Key)
			if err != nil || len(got) != 1 || got[0].Row[2] != record.JSONValue(c.text) {
				t.Errorf("%s came back as %v, %v", c.text, got, err)
			}
			raw, err := db.Collection("oneauth.thing").FindOne(t.Context(), bson.D{{Key: "_id", Value: "main/" + op.ID}}).Raw()
			if err != nil || raw.Lookup("words").Type != c.bson {
				t.Errorf("%s is kept as %v, %v; want %v", c.text, raw.Lookup("words").Type, err, c.bson)
			}
		}
	})
}
