package mongo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

func TestOpenRefusesServersWithoutTransactions(t *testing.T) {
	for role, says := range map[mongofake.Role]string{
		mongofake.Standalone: "start mongod with --replSet",
		mongofake.Secondary:  "connect without directConnection",
	} {
		server, err := mongofake.Start(role)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		_, err = open(t, server.URI(), "db")
		if !errors.Is(err, mongo.ErrNoReplicaSet) || !strings.Contains(err.Error(), says) {
			t.Errorf("Open returned %v, and does not say %q", err, says)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := mongo.Open(t.Context(), nil, mongo.Options{}); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("without a database: %v", err)
	}
	db := connect(t, fake(t).URI()).Database("db")
	for field, o := range map[string]mongo.Options{
		"Prefix":     {Prefix: "$users"},
		"PurgeAfter": {PurgeAfter: time.Minute},
		"Indexes":    {Indexes: 7},
	} {
		if _, err := mongo.Open(t.Context(), db, o); err == nil || !strings.Contains(err.Error(), "Options."+field) {
			t.Errorf("a bad %s: %v", field, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	nobody := connect(t, "mongodb://127.0.0.1:1/?replicaSet=none").Database("db")
	if _, err := mongo.Open(ctx, nobody, mongo.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: %v, want %v", err, context.DeadlineExceeded)
	}
}

// Whatever the client was told, reads and writes are as the store needs them.
func TestConcernsAreTheStoresOwn(t *testing.T) {
	server := fake(t)
	careless := options.Client().ApplyURI(server.URI()).SetWriteConcern(writeconcern.W1()).
		SetReadPreference(readpref.SecondaryPreferred()).SetRetryWrites(false).SetRetryReads(false)
	client, err := driver.Connect(careless)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	store, err := mongo.Open(t.Context(), client.Database("db"), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{things.Kind()}}); err != nil {
		t.Fatal(err)
	}
	var seen []mongofake.Command
	server.Watch(func(c mongofake.Command) { seen = append(seen, c) })
	if err := store.Commit(t.Context(), []record.Op{put(0, 1, "a", "x", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := store.Commit(t.Context(), []record.Op{put(0, 2, "b", "x", 1), on(record.Check, 1, "a")}); err != nil {
		t.Fatal(err)
	}
	if got := revs(t, store, "b"); got[0] != 2 {
		t.Errorf("revision is %d, want 2", got[0])
	}
	server.Watch(nil)
	concerns := map[string]string{}
	for _, c := range seen {
		text := ""
		if w, ok := c.Body.Lookup("writeConcern", "w").StringValueOK(); ok {
			journal, _ := c.Body.Lookup("writeConcern", "j").BooleanOK()
			text += "write " + w + map[bool]string{true: " journal"}[journal]
		}
		if r, ok := c.Body.Lookup("readConcern", "level").StringValueOK(); ok {
			text += "read " + r
		}
		if p, ok := c.Body.Lookup("$readPreference", "mode").StringValueOK(); ok && p != "primary" {
			text += " from " + p
		}
		if _, ok := concerns[c.Name]; !ok {
			concerns[c.Name] = text
		}
		if in, ok := c.Body.Lookup("startTransaction").BooleanOK(); ok && in {
			concerns["transaction"] = text
		}
	}
	for name, want := range map[string]string{
		"insert": "write majority journal", "transaction": "read snapshot", "commitTransaction": "write majority journal", "find": "read majority",
	} {
		if concerns[name] != want {
			t.Errorf("%s is sent with %q, want %q", name, concerns[name], want)
		}
	}
}

// A context that carries the caller's own open transaction does not make our writes part of it.
func TestTheCallersTransactionIsNotOurs(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		session, err := db.Client().StartSession()
		if err != nil {
			t.Fatal(err)
		}
		defer session.EndSession(context.Background())
		if err := session.StartTransaction(); err != nil {
			t.Fatal(err)
		}
		ctx := driver.NewSessionContext(t.Context(), session)
		for _, ops := range [][]record.Op{
			{put(0, 1, "a", "x", 1)},
			{put(0, 2, "b", "x", 1), put(0, 3, "c", "x", 1)},
		} {
			if err := store.Commit(ctx, ops); err != nil {
				t.Fatal(err)
			}
		}
		if err := session.AbortTransaction(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := revs(t, store, "a", "b", "c"); got[0] != 1 || got[1] != 2 || got[2] != 3 {
			t.Errorf("revisions are %v: an acknowledged commit was undone", got)
		}
	})
}

func TestClosed(t *testing.T) {
	store, _ := prepared(t, fake(t).URI())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, get := store.Get(t.Context(), key("a"))
	for _, err := range []error{store.Close(), store.Prepare(t.Context(), record.Schema{}), get} {
		if !errors.Is(err, record.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// A document that is not a record is corrupt, and never taken for an absent one.
func TestCorruptDocuments(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		whole := bson.M{"_id": "main/a", "rev": int64(1), "version": int64(1), "_fields": int64(3), "owner": "x", "n": int64(1)}
		for name, v := range map[string]any{
			"rev": 1.5, "_fields": "three", "n": "one", "owner": int64(5), "words": bson.A{1}, "expires": "today", "version": "v1",
		} {
			doc := bson.M{}
			for k, v := range whole {
				doc[k] = v
			}
			doc[name] = v
			c := db.Collection("oneauth.thing")
			if _, err := c.InsertOne(t.Context(), doc); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Get(t.Context(), key("a")); !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("with %s %v: %v, want %v", name, v, err, record.ErrCorrupt)
			}
			if _, err := c.DeleteOne(t.Context(), bson.M{"_id": "main/a"}); err != nil {
				t.Fatal(err)
			}
		}
		whole["note"] = "somebody else's field"
		if _, err := db.Collection("oneauth.thing").InsertOne(t.Context(), whole); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(t.Context(), key("a")); err != nil || len(got) != 1 || len(got[0].Row) != 3 {
			t.Errorf("with a field of somebody else's: %v, %v", got, err)
		}
	})
}
