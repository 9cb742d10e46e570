package mongo_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// harness opens stores on a database, each with a client of its own, like processes.
func harness(t *testing.T, uri, name string) storetest.Harness {
	return storetest.Harness{Open: func() (record.Backend, error) { return open(t, uri, name) }}
}

func TestOneWinner(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) { storeproof.OneWinner(t, harness(t, uri, freshName(t, uri))) })
}

func TestA30HostileValues(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) { storeproof.HostileValues(t, harness(t, uri, freshName(t, uri))) })
}

func TestA24FailsClosed(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) { storeproof.FailsClosed(t, harness(t, uri, freshName(t, uri))) })
}

// The dump is every string and every binary value of every document.
func TestA32Dump(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		name := freshName(t, uri)
		storeproof.DumpSignsNobodyIn(t, harness(t, uri, name), func(testing.TB) []string { return dump(t, connect(t, uri).Database(name)) })
	})
}

// dump returns every string and every binary value of every document.
func dump(t testing.TB, db *driver.Database) []string {
	t.Helper()
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var values []string
	add := func(v string) {
		if v != "" && !seen[v] {
			seen[v], values = true, append(values, v)
		}
	}
	var walk func(v bson.RawValue)
	walk = func(v bson.RawValue) {
		var inner []bson.RawValue
		switch v.Type {
		case bson.TypeString:
			add(v.StringValue())
		case bson.TypeBinary:
			_, b := v.Binary()
			add(string(b))
		case bson.TypeEmbeddedDocument:
			inner, err = v.Document().Values()
		case bson.TypeArray:
			inner, err = v.Array().Values()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range inner {
			walk(v)
		}
	}
	for _, name := range names {
		cursor, err := db.Collection(name).Find(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		var docs []bson.Raw
		if err := cursor.All(t.Context(), &docs); err != nil {
			t.Fatal(err)
		}
		for _, doc := range docs {
			walk(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc})
		}
	}
	if len(values) < 50 || len(names) < 8 {
		t.Fatalf("%d values in %q: the test sees too little", len(values), names)
	}
	return values
}
