package mongo_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// naive is a store with one of the mistakes that one makes on MongoDB. Our server must let each of them happen, as MongoDB
// does: else it would prove nothing of the store that makes none.
type naive struct {
	*driver.Collection
	commit func(ctx context.Context, n naive, op record.Op) error
	single bool // without transactions
}

// entry is how a naive store keeps a record.
type entry struct {
	Key  string `bson:"key"`
	Rev  int64  `bson:"rev"`
	Data []byte `bson:"data"`
}

func keyOf(k record.Key) string {
	return hex.EncodeToString(record.AppendKey(nil, k.Tenant, k.Kind, k.ID))
}

// doc is the document of an op, under the id that is given.
func doc(op record.Op, id any) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "key", Value: keyOf(op.Key)}, {Key: "rev", Value: op.Rev},
		{Key: "data", Value: record.AppendRecord(nil, op.Record)}}
}

// look is a plain read that compares revisions.
func (n naive) look(ctx context.Context, op record.Op) error {
	var e entry
	err := n.FindOne(ctx, bson.D{{Key: "key", Value: keyOf(op.Key)}}).Decode(&e)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return err
	}
	if e.Rev != op.Want {
		return record.ErrConflict
	}
	return nil
}

// conditional writes in one step, where the revision is the expected one.
func (n naive) conditional(ctx context.Context, op record.Op) error {
	if op.Want == 0 {
		_, err := n.InsertOne(ctx, doc(op, keyOf(op.Key)))
		return err
	}
	res, err := n.ReplaceOne(ctx, bson.D{{Key: "_id", Value: keyOf(op.Key)}, {Key: "rev", Value: op.Want}}, doc(op, keyOf(op.Key)))
	if err == nil && res.MatchedCount != 1 {
		return record.ErrConflict
	}
	return err
}

// right makes no mistake: what it validates it also writes.
func right(ctx context.Context, n naive, op record.Op) error {
	if op.Verb == record.Put {
		return n.conditional(ctx, op)
	}
	touch := bson.D{{Key: "$inc", Value: bson.D{{Key: "checked", Value: int64(1)}}}}
	res, err := n.UpdateOne(ctx, bson.D{{Key: "_id", Value: keyOf(op.Key)}, {Key: "rev", Value: op.Want}}, touch)
	if err == nil && res.MatchedCount != 1 {
		return record.ErrConflict
	}
	return err
}

// checksByReading reads what is to be validated, in the snapshot of its transaction, and writes the rest as it should.
func checksByReading(ctx context.Context, n naive, op record.Op) error {
	if op.Verb == record.Put {
		return n.conditional(ctx, op)
	}
	return n.look(ctx, op)
}

// readsThenWrites reads the revision, and then replaces whatever is there.
func readsThenWrites(ctx context.Context, n naive, op record.Op) error {
	if op.Want == 0 {
		return n.conditional(ctx, op)
	}
	if err := n.look(ctx, op); err != nil {
		return err
	}
	_, err := n.ReplaceOne(ctx, bson.D{{Key: "_id", Value: keyOf(op.Key)}}, doc(op, keyOf(op.Key)))
	return err
}

// claimsByLooking inserts, in a transaction, where it sees nothing: a phantom.
func claimsByLooking(ctx context.Context, n naive, op record.Op) error {
	if err := n.look(ctx, op); err != nil {
		return err
	}
	_, err := n.InsertOne(ctx, doc(op, bson.NewObjectID()))
	return err
}

// Commit applies ops one after the other, in a transaction or without.
func (n naive) Commit(ctx context.Context, ops []record.Op) error {
	all := func(ctx context.Context) error {
		for _, op := range ops {
			if err := n.commit(ctx, n, op); err != nil {
				return err
			}
		}
		return nil
	}
	if n.single {
		return classed(all(ctx))
	}
	session, err := n.Database().Client().StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	if err := session.StartTransaction(); err != nil {
		return err
	}
	if err := all(driver.NewSessionContext(ctx, session)); err != nil {
		_ = session.AbortTransaction(ctx)
		return classed(err)
	}
	return classed(session.CommitTransaction(ctx))
}

// classed turns the driver's errors into the kernel's.
func classed(err error) error {
	var server driver.ServerError
	switch {
	case driver.IsDuplicateKeyError(err):
		return record.ErrConflict
	case errors.As(err, &server) && server.HasErrorLabel("TransientTransactionError"):
		return record.ErrBusy
	}
	return err
}

func (n naive) Get(ctx context.Context, keys ...record.Key) (out []record.Record, err error) {
	for _, k := range keys {
		var e entry
		switch err := n.FindOne(ctx, bson.D{{Key: "key", Value: keyOf(k)}}).Decode(&e); {
		case errors.Is(err, driver.ErrNoDocuments):
			continue
		case err != nil:
			return nil, err
		}
		r := record.Record{Key: k}
		if err := record.DecodeRecord(e.Data, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (naive) Prepare(context.Context, record.Schema) error                { return nil }
func (naive) Find(context.Context, record.Query) ([]record.Record, error) { return nil, nil }
func (naive) Sweep(context.Context, time.Time, int) (int, error)          { return 0, nil }
func (naive) Close() error                                                { return nil }

const (
	lawClaim   = "Race/for a claim has exactly one winner"
	lawToken   = "Race/for a one-time token has exactly one winner"
	lawCounter = "Race/for a counter loses no increment"
	lawSkew    = "Skew/is excluded: of two that read what the other writes one commits"
	lawCheck   = "Skew/is excluded at the backend: check against write"
)

// Stores with one mistake each fail the suite on our server: it lets happen what MongoDB lets happen.
func TestServerPermitsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		store   naive
		laws    []string
		mistake bool
	}{
		"nothing wrong, without the mistakes":       {naive{commit: right}, []string{lawClaim, lawToken, lawCounter, lawSkew, lawCheck}, false},
		"write skew, where checks only read":        {naive{commit: checksByReading}, []string{lawSkew, lawCheck}, true},
		"lost updates, where it reads, then writes": {naive{commit: readsThenWrites, single: true}, []string{lawToken, lawCounter}, true},
		"phantoms, where it claims by looking":      {naive{commit: claimsByLooking}, []string{lawClaim}, true},
	} {
		for _, law := range c.laws {
			t.Run(name+"/"+law, func(t *testing.T) {
				server := fake(t)
				complaints := storetest.Complaints(t, storetest.Harness{Open: func() (record.Backend, error) {
					n := c.store
					n.Collection = connect(t, server.URI()).Database("db").Collection("entries")
					return n, nil
				}}, law)
				if (len(complaints) > 0) != c.mistake {
					t.Errorf("complaints: %q", complaints)
				} else if c.mistake {
					t.Logf("%.200s", complaints[0])
				}
			})
		}
	}
}

// A write whose answer is lost was done: who repeats it has done it twice.
func TestServerPermitsDoubleWrites(t *testing.T) {
	server := fake(t)
	client, err := driver.Connect(options.Client().ApplyURI(server.URI()).SetRetryWrites(false))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	c := client.Database("db").Collection("counters")
	spend := func() error {
		_, err := c.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "n"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: int64(1)}}}})
		return err
	}
	if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "n"}, {Key: "n", Value: int64(0)}}); err != nil {
		t.Fatal(err)
	}
	server.Inject(mongofake.Fault{Command: "update", Action: mongofake.DropAfter})
	if err := spend(); err == nil {
		t.Fatal("the answer was not lost")
	}
	if err := spend(); err != nil {
		t.Fatal(err)
	}
	var got struct{ N int64 }
	if err := c.FindOne(t.Context(), bson.D{{Key: "_id", Value: "n"}}).Decode(&got); err != nil || got.N != 2 {
		t.Error(fmt.Errorf("spent %d times, want twice: %w", got.N, err))
	}
}
