package mongo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo"
)

func schema(kinds ...*record.Kind) record.Schema { return record.Schema{Kinds: kinds} }

// indexes lists the indexes of a collection as the shell writes their keys, with the seconds of a TTL index.
func indexes(t *testing.T, c *driver.Collection) []string {
	t.Helper()
	specs, err := c.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range specs {
		text := s.KeysDocument.String()
		if s.ExpireAfterSeconds != nil {
			text += " " + (time.Duration(*s.ExpireAfterSeconds) * time.Second).String()
		}
		out = append(out, strings.NewReplacer(`{"$numberInt":"1"}`, "1", `"`, "", " ", "").Replace(text))
	}
	slices.Sort(out)
	return out
}

func TestPrepareMakesIndexes(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		db := connect(t, uri).Database(freshName(t, uri))
		store, err := mongo.Open(t.Context(), db, mongo.Options{Prefix: "auth_"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := store.Prepare(t.Context(), schema(things.Kind())); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"{_id:1}", "{expires:1}24h0m0s", "{owner:1,_id:1}"}
		if got := indexes(t, db.Collection("auth_thing")); !slices.Equal(got, want) {
			t.Errorf("indexes are %q, want %q", got, want)
		}
	})
}

// Under RequireIndexes the store makes nothing, and names what is missing.
func TestPrepareNamesWhatIsMissing(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		db := connect(t, uri).Database(freshName(t, uri))
		strict, err := mongo.Open(t.Context(), db, mongo.Options{Indexes: mongo.RequireIndexes})
		if err != nil {
			t.Fatal(err)
		}
		err = strict.Prepare(t.Context(), schema(things.Kind()))
		if !errors.Is(err, mongo.ErrNotPrepared) || !strings.Contains(err.Error(), "oneauth.schema.kinds") {
			t.Errorf("on an empty database: %v", err)
		}
		if names, err := db.ListCollectionNames(t.Context(), bson.D{}); err != nil || len(names) != 0 {
			t.Errorf("it made %q, %v", names, err)
		}
		maker, err := mongo.Open(t.Context(), db, mongo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := maker.Prepare(t.Context(), schema(things.Kind())); err != nil {
			t.Fatal(err)
		}
		if err := strict.Prepare(t.Context(), schema(things.Kind())); err != nil {
			t.Errorf("on a prepared database: %v", err)
		}
	})
}

func TestPrepareNamesAMissingIndex(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		_, db := prepared(t, uri)
		// A term that a later release adds, whose index nobody has made.
		later := *things.Kind()
		later.Fields = append(slices.Clone(later.Fields), record.Field{Name: "city", Type: record.String, Term: true})
		kinds := db.Collection("oneauth.schema.kinds")
		var stored bson.D
		if err := kinds.FindOne(t.Context(), bson.D{{Key: "_id", Value: "thing"}}).Decode(&stored); err != nil {
			t.Fatal(err)
		}
		for i, e := range stored {
			if e.Key == "fields" {
				city := bson.D{{Key: "name", Value: "city"}, {Key: "type", Value: "string"}, {Key: "term", Value: true}}
				stored[i].Value = append(e.Value.(bson.A), city)
			}
		}
		if _, err := kinds.ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: "thing"}}, stored); err != nil {
			t.Fatal(err)
		}
		strict, err := mongo.Open(t.Context(), db, mongo.Options{Indexes: mongo.RequireIndexes})
		if err != nil {
			t.Fatal(err)
		}
		err = strict.Prepare(t.Context(), schema(&later))
		if !errors.Is(err, mongo.ErrNotPrepared) || !strings.Contains(err.Error(), "{city: 1, _id: 1}") {
			t.Errorf("without the index of a term: %v", err)
		}
	})
}

// What somebody else has done to the collections is refused where it breaks the store, and left alone where it does not.
func TestPrepareLooksAtWhatIsThere(t *testing.T) {
	ttl := func(key string, seconds int32) driver.IndexModel {
		return driver.IndexModel{Keys: bson.D{{Key: key, Value: int32(1)}}, Options: options.Index().SetExpireAfterSeconds(seconds)}
	}
	for name, c := range map[string]struct {
		before func(t *testing.T, db *driver.Database) error
		says   string // empty: accepted
	}{
		"a collation": {func(t *testing.T, db *driver.Database) error {
			o := options.CreateCollection().SetCollation(&options.Collation{Locale: "en", Strength: 2})
			return db.CreateCollection(t.Context(), "oneauth.thing", o)
		}, "collation"},
		"a TTL index that removes at once": {func(t *testing.T, db *driver.Database) error {
			_, err := db.Collection("oneauth.thing").Indexes().CreateOne(t.Context(), ttl("expires", 0))
			return err
		}, "too early"},
		"a TTL index on something else": {func(t *testing.T, db *driver.Database) error {
			_, err := db.Collection("oneauth.thing").Indexes().CreateOne(t.Context(), ttl("created", 1<<20))
			return err
		}, "too early"},
		"a TTL index of a week": {func(t *testing.T, db *driver.Database) error {
			_, err := db.Collection("oneauth.thing").Indexes().CreateOne(t.Context(), ttl("expires", 7*24*3600))
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, uri string) {
				db := connect(t, uri).Database(freshName(t, uri))
				if err := c.before(t, db); err != nil {
					t.Fatal(err)
				}
				store, err := mongo.Open(t.Context(), db, mongo.Options{})
				if err != nil {
					t.Fatal(err)
				}
				err = store.Prepare(t.Context(), schema(things.Kind()))
				if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("Prepare returned %v, want it to say %q", err, c.says)
				}
			})
		})
	}
}

func TestPrepareRefusesAnotherTypeInTheSamePlace(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, _ := prepared(t, uri)
		other := *things.Kind()
		other.Fields = slices.Clone(other.Fields)
		other.Fields[1].Type = record.String
		if err := store.Prepare(t.Context(), schema(&other)); !errors.Is(err, mongo.ErrSchema) || !strings.Contains(err.Error(), "field 2") {
			t.Errorf("a string in the place of an int: %v", err)
		}
	})
}

// A violation of a unique index that others made is no conflict: trying again would go on until time is out.
func TestForeignUniqueIndex(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		model := driver.IndexModel{Keys: bson.D{{Key: "n", Value: int32(1)}}, Options: options.Index().SetUnique(true)}
		if _, err := db.Collection("oneauth.thing").Indexes().CreateOne(t.Context(), model); err != nil {
			t.Fatal(err)
		}
		if err := store.Commit(t.Context(), []record.Op{put(0, 1, "a", "x", 7)}); err != nil {
			t.Fatal(err)
		}
		for name, ops := range map[string][]record.Op{
			"single":      {put(0, 2, "b", "x", 7)},
			"transaction": {put(0, 2, "b", "x", 7), put(0, 3, "c", "x", 8)},
		} {
			err := store.Commit(t.Context(), ops)
			if err == nil || isOneOf(err, record.ErrConflict, record.ErrBusy, record.ErrUnknown) || !driver.IsDuplicateKeyError(err) {
				t.Errorf("%s: %v, want the duplicate key itself", name, err)
			}
		}
		if got := revs(t, store, "b", "c"); got[0] != 0 || got[1] != 0 {
			t.Errorf("revisions are %v: a refused commit left something", got)
		}
	})
}
