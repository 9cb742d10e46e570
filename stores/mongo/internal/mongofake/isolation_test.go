package mongofake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// start starts a server and returns a collection on it.
func start(t *testing.T) (*mongofake.Server, *mongo.Collection) {
	t.Helper()
	server, err := mongofake.Start(mongofake.Primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	client, err := mongo.Connect(options.Client().ApplyURI(server.URI()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return server, client.Database("db").Collection("doctors")
}

// oncall puts two doctors on call.
func oncall(t *testing.T, c *mongo.Collection) {
	t.Helper()
	docs := []any{bson.D{{Key: "_id", Value: "a"}, {Key: "on", Value: true}}, bson.D{{Key: "_id", Value: "b"}, {Key: "on", Value: true}}}
	if _, err := c.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

// begin opens a transaction; its context is for the statements in it.
func begin(t *testing.T, c *mongo.Collection) (context.Context, *mongo.Session) {
	t.Helper()
	s, err := c.Database().Client().StartSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.EndSession(context.Background()) })
	if err := s.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	return mongo.NewSessionContext(t.Context(), s), s
}

func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }

func set(name string, v any) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: name, Value: v}}}}
}

// isOn says whether a doctor is on call; ctx may be a transaction's.
func isOn(t *testing.T, ctx context.Context, c *mongo.Collection, id string) bool {
	t.Helper()
	var d struct{ On bool }
	if err := c.FindOne(ctx, byID(id)).Decode(&d); err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return d.On
}

func wantCode(t *testing.T, err error, code int, label string) {
	t.Helper()
	var se mongo.ServerError
	if !errors.As(err, &se) || !se.HasErrorCode(code) || label != "" && !se.HasErrorLabel(label) {
		t.Errorf("error is %v, want code %d, label %q", err, code, label)
	}
}

const transient = "TransientTransactionError"

// Two transactions that each only read what the other writes both commit: the write skew that a store must exclude.
func TestWriteSkewPasses(t *testing.T) {
	for name, look := range map[string]func(ctx context.Context, t *testing.T, c *mongo.Collection, id string){
		"by a read": func(ctx context.Context, t *testing.T, c *mongo.Collection, id string) { isOn(t, ctx, c, id) },
		"by an update that changes nothing": func(ctx context.Context, t *testing.T, c *mongo.Collection, id string) {
			if res, err := c.UpdateOne(ctx, byID(id), set("on", true)); err != nil || res.MatchedCount != 1 || res.ModifiedCount != 0 {
				t.Fatalf("%+v, %v", res, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := start(t)
			oncall(t, c)
			one, first := begin(t, c)
			two, second := begin(t, c)
			look(one, t, c, "b")
			look(two, t, c, "a")
			if _, err := c.UpdateOne(one, byID("a"), set("on", false)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.UpdateOne(two, byID("b"), set("on", false)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(first.CommitTransaction(t.Context()), second.CommitTransaction(t.Context())); err != nil {
				t.Fatalf("one of them was refused: %v", err)
			}
			if isOn(t, t.Context(), c, "a") || isOn(t, t.Context(), c, "b") {
				t.Error("somebody is on call")
			}
		})
	}
}

// With a read that writes, the second one to write is refused at once.
func TestWritesConflictAtTheWrite(t *testing.T) {
	_, c := start(t)
	oncall(t, c)
	one, first := begin(t, c)
	two, _ := begin(t, c)
	if _, err := c.UpdateOne(one, byID("a"), set("on", false)); err != nil {
		t.Fatal(err)
	}
	_, err := c.UpdateOne(two, byID("a"), set("checked", 1))
	wantCode(t, err, mongofake.WriteConflict, transient)
	_, err = c.UpdateOne(two, byID("b"), set("on", false)) // the refusal has aborted it
	wantCode(t, err, mongofake.NoSuchTransaction, transient)
	if err := first.CommitTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	if isOn(t, t.Context(), c, "a") || !isOn(t, t.Context(), c, "b") {
		t.Error("not what the first one wrote, and that alone")
	}
}

// A read and an unconditional write, outside a transaction, lose an update.
func TestReadThenWriteLosesUpdates(t *testing.T) {
	_, c := start(t)
	if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "n"}, {Key: "n", Value: int64(0)}}); err != nil {
		t.Fatal(err)
	}
	var both [2]struct{ N int64 }
	for i := range both {
		if err := c.FindOne(t.Context(), byID("n")).Decode(&both[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range both {
		if _, err := c.UpdateOne(t.Context(), byID("n"), set("n", both[i].N+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.FindOne(t.Context(), byID("n")).Decode(&both[0]); err != nil || both[0].N != 1 {
		t.Errorf("n is %d, %v: want the lost update", both[0].N, err)
	}
}

// A transaction sees its snapshot and its own writes; nobody else sees these before its commit, nor ever after an abort.
func TestSnapshots(t *testing.T) {
	_, c := start(t)
	oncall(t, c)
	one, first := begin(t, c)
	if !isOn(t, one, c, "a") { // the snapshot is taken
		t.Fatal("a is off call")
	}
	if _, err := c.UpdateOne(t.Context(), byID("a"), set("on", false)); err != nil {
		t.Fatal(err)
	}
	if !isOn(t, one, c, "a") {
		t.Error("a transaction sees what was committed after its snapshot")
	}
	if _, err := c.UpdateOne(one, byID("b"), set("on", false)); err != nil {
		t.Fatal(err)
	}
	if isOn(t, one, c, "b") || !isOn(t, t.Context(), c, "b") {
		t.Error("a transaction does not see its own write, or others do")
	}
	_, err := c.UpdateOne(one, byID("a"), set("seen", true))
	wantCode(t, err, mongofake.WriteConflict, transient) // it was changed since the snapshot
	wantCode(t, first.CommitTransaction(t.Context()), mongofake.NoSuchTransaction, transient)
	if !isOn(t, t.Context(), c, "b") {
		t.Error("an aborted write is there")
	}
}

// A write outside a transaction waits for the one that holds the document, and judges its filter again.
func TestSingleWritesWait(t *testing.T) {
	_, c := start(t)
	oncall(t, c)
	one, first := begin(t, c)
	if _, err := c.UpdateOne(one, byID("a"), set("on", false)); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		matched int64
		err     error
	}
	waiting := make(chan outcome)
	go func() {
		res, err := c.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "a"}, {Key: "on", Value: true}}, set("late", true))
		if err != nil {
			waiting <- outcome{0, err}
			return
		}
		waiting <- outcome{res.MatchedCount, nil}
	}()
	select {
	case got := <-waiting:
		t.Fatalf("it did not wait: %+v", got)
	case <-time.After(20 * time.Millisecond):
	}
	if err := first.CommitTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got.matched != 0 || got.err != nil {
		t.Errorf("after the wait: %+v, want no match", got)
	}
}

// A duplicate key aborts the transaction it happens in; with an insert that is not committed yet it is a conflict.
func TestDuplicateKeys(t *testing.T) {
	_, c := start(t)
	oncall(t, c)
	one, first := begin(t, c)
	if _, err := c.InsertOne(one, byID("c")); err != nil {
		t.Fatal(err)
	}
	two, _ := begin(t, c)
	_, err := c.InsertOne(two, byID("c"))
	wantCode(t, err, mongofake.WriteConflict, transient)
	_, err = c.InsertOne(one, byID("a"))
	wantCode(t, err, mongofake.DuplicateKey, "")
	wantCode(t, first.CommitTransaction(t.Context()), mongofake.NoSuchTransaction, transient)
	if n := count(t, c); n != 2 {
		t.Errorf("%d documents, want 2: an aborted insert is there", n)
	}
}

func count(t *testing.T, c *mongo.Collection) int {
	t.Helper()
	cursor, err := c.Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var all []bson.Raw
	if err := cursor.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A unique index holds across documents, and is told from _id.
func TestUniqueIndexes(t *testing.T) {
	_, c := start(t)
	model := mongo.IndexModel{Keys: bson.D{{Key: "name", Value: 1}}, Options: options.Index().SetUnique(true)}
	if _, err := c.Indexes().CreateOne(t.Context(), model); err != nil {
		t.Fatal(err)
	}
	doc := func(id string) bson.D { return bson.D{{Key: "_id", Value: id}, {Key: "name", Value: "ann"}} }
	if _, err := c.InsertOne(t.Context(), doc("a")); err != nil {
		t.Fatal(err)
	}
	_, err := c.InsertOne(t.Context(), doc("b"))
	var refused mongo.WriteException
	if !errors.As(err, &refused) || refused.WriteErrors[0].Raw.Lookup("keyPattern", "name").AsInt64() != 1 {
		t.Errorf("error is %v, want a duplicate of name", err)
	}
}
