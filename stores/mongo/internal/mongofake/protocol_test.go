package mongofake_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// A write whose answer was lost is sent again under the same number, and done once.
func TestRetriedWritesAreDoneOnce(t *testing.T) {
	server, c := start(t)
	oncall(t, c)
	var sent atomic.Int32
	server.Watch(func(c mongofake.Command) {
		if c.Name == "update" {
			sent.Add(1)
		}
	})
	server.Inject(mongofake.Fault{Command: "update", Action: mongofake.DropAfter})
	inc := bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: int64(1)}}}}
	res, err := c.UpdateOne(t.Context(), byID("a"), inc)
	if err != nil || res.MatchedCount != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	var d struct{ N int64 }
	if err := c.FindOne(t.Context(), byID("a")).Decode(&d); err != nil || d.N != 1 || sent.Load() != 2 {
		t.Errorf("sent %d times, n is %d, %v; want twice and 1", sent.Load(), d.N, err)
	}
}

// commitTransaction may come again, and what is over is over.
func TestCommitIsIdempotent(t *testing.T) {
	server, c := start(t)
	oncall(t, c)
	one, first := begin(t, c)
	if _, err := c.UpdateOne(one, byID("a"), set("on", false)); err != nil {
		t.Fatal(err)
	}
	server.Inject(mongofake.Fault{Command: "commitTransaction", Action: mongofake.DropAfter})
	if err := first.CommitTransaction(t.Context()); err != nil {
		t.Fatalf("the driver's second try: %v", err)
	}
	if err := first.CommitTransaction(t.Context()); err != nil {
		t.Errorf("a third try: %v", err)
	}
	if isOn(t, t.Context(), c, "a") {
		t.Error("not committed")
	}
}

// What the server does not know is refused, not ignored.
func TestUnknownThingsAreRefused(t *testing.T) {
	_, c := start(t)
	oncall(t, c)
	db := c.Database()
	ctx := t.Context()
	exec := func(d bson.D) func() error { return func() error { return db.RunCommand(ctx, d).Err() } }
	find := func(filter any, o ...options.Lister[options.FindOptions]) func() error {
		return func() error { _, err := c.Find(ctx, filter, o...); return err }
	}
	for name, try := range map[string]func() error{
		"command":      exec(bson.D{{Key: "aggregate", Value: "doctors"}, {Key: "pipeline", Value: bson.A{}}, {Key: "cursor", Value: bson.D{}}}),
		"field":        exec(bson.D{{Key: "ping", Value: 1}, {Key: "loudly", Value: true}}),
		"operator":     find(bson.D{{Key: "on", Value: bson.D{{Key: "$exists", Value: true}}}}),
		"top operator": find(bson.D{{Key: "$or", Value: bson.A{bson.D{}}}}),
		"dotted field": find(bson.D{{Key: "a.b", Value: 1}}),
		"skip":         find(bson.D{}, options.Find().SetSkip(1)),
		"collation":    find(bson.D{}, options.Find().SetCollation(&options.Collation{Locale: "en"})),
		"hint":         find(bson.D{}, options.Find().SetHint(bson.D{{Key: "on", Value: 1}})),
		"update operator": func() error {
			_, err := c.UpdateOne(ctx, byID("a"), bson.D{{Key: "$mul", Value: bson.D{{Key: "n", Value: 2}}}})
			return err
		},
		"upsert": func() error {
			_, err := c.UpdateOne(ctx, byID("z"), set("on", true), options.UpdateOne().SetUpsert(true))
			return err
		},
		"multi": func() error { _, err := c.UpdateMany(ctx, bson.D{}, set("on", false)); return err },
		"index option": func() error {
			_, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "on", Value: 1}}, Options: options.Index().SetSparse(true)})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("an unknown %s is not refused", name)
		}
	}
	if n := count(t, c); n != 2 || !isOn(t, ctx, c, "a") {
		t.Error("a refused command did something")
	}
}

// A query gives its answer in batches.
func TestCursors(t *testing.T) {
	server, c := start(t)
	var docs []any
	for i := range 250 {
		docs = append(docs, bson.D{{Key: "_id", Value: strings.Repeat("x", i+1)}})
	}
	if _, err := c.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	var more atomic.Int32
	server.Watch(func(c mongofake.Command) {
		if c.Name == "getMore" {
			more.Add(1)
		}
	})
	if n := count(t, c); n != 250 || more.Load() == 0 {
		t.Errorf("%d documents with %d getMores", n, more.Load())
	}
	cursor, err := c.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(10))
	if err != nil {
		t.Fatal(err)
	}
	if err := cursor.Close(context.Background()); err != nil {
		t.Errorf("killCursors: %v", err)
	}
}
