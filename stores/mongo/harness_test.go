package mongo_test

import (
	"context"
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// never is the longest PurgeAfter, 68 years: tests hold the clock, and a real server's TTL monitor does not.
const never = (1<<31 - 1) * time.Second

// fake starts a server of our own.
func fake(t *testing.T) *mongofake.Server {
	t.Helper()
	server, err := mongofake.Start(mongofake.Primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// onEach runs a test on a server of our own, and on the one that ONEAUTH_TEST_MONGO_URI names.
func onEach(t *testing.T, test func(t *testing.T, uri string)) {
	t.Run("fake", func(t *testing.T) { test(t, fake(t).URI()) })
	uri := os.Getenv("ONEAUTH_TEST_MONGO_URI")
	if uri == "" {
		required := strings.FieldsFunc(os.Getenv("ONEAUTH_REQUIRE"), func(c rune) bool { return c == ' ' || c == ',' })
		if slices.Contains(required, "mongodb") {
			t.Error("ONEAUTH_REQUIRE asks for mongodb, and ONEAUTH_TEST_MONGO_URI names none")
		}
		t.Log("not run: on MongoDB itself (ONEAUTH_TEST_MONGO_URI)")
		return
	}
	t.Run("server", func(t *testing.T) { test(t, uri) })
}

// connect connects a client, as a process of its own would.
func connect(t *testing.T, uri string) *driver.Client {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

// freshName is the name of a database that is dropped at the end of the test.
func freshName(t *testing.T, uri string) string {
	t.Helper()
	name := "oneauth_test_" + strings.ToLower(rand.Text())
	client := connect(t, uri)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.Database(name).Drop(ctx)
	})
	return name
}

// open opens a store over a client of its own.
func open(t *testing.T, uri, name string) (*mongo.Store, error) {
	return mongo.Open(t.Context(), connect(t, uri).Database(name), mongo.Options{PurgeAfter: never})
}

// thing is a kind for tests.
type thing struct {
	ID    string    `record:"id"`
	Owner string    `record:"owner,term"`
	N     int64     `record:"n"`
	Words []string  `record:"words"`
	Until time.Time `record:"expires"`
}

var things = record.Define[thing]("thing", 1)

// prepared is a store that knows things, on a fresh database.
func prepared(t *testing.T, uri string) (*mongo.Store, *driver.Database) {
	t.Helper()
	name := freshName(t, uri)
	store, err := open(t, uri, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{things.Kind()}}); err != nil {
		t.Fatal(err)
	}
	return store, connect(t, uri).Database(name)
}

func key(id string) record.Key { return record.Key{Tenant: "main", Kind: "thing", ID: id} }

// put is an operation that writes a thing.
func put(want, rev int64, id, owner string, n int64) record.Op {
	return record.Op{Verb: record.Put, Want: want, Record: record.Record{
		Key: key(id), Rev: rev, Version: 1, Row: record.Row{record.StringValue(owner), record.IntValue(n)},
	}}
}

// on is a delete or a check of a thing.
func on(verb record.Verb, want int64, id string) record.Op {
	return record.Op{Verb: verb, Want: want, Record: record.Record{Key: key(id)}}
}

// revs returns the revisions of things as a store without faults sees them; absent ones are 0.
func revs(t *testing.T, b record.Backend, ids ...string) []int64 {
	t.Helper()
	out := make([]int64, len(ids))
	for i, id := range ids {
		found, err := b.Get(t.Context(), key(id))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			out[i] = found[0].Rev
		}
	}
	return out
}
