package mongo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/oneauth-go/oneauth/core/record"
)

const (
	commitTries = 5           // times that commitTransaction is called; the driver sends each twice if need be
	abortFor    = time.Second // bounds abortTransaction, which goes on when the caller's context has ended
)

// Commit applies all ops or none: one operation as one write, several in a transaction.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	ctx, err := s.enter(ctx)
	if err != nil || len(ops) == 0 {
		return err
	}
	batches, err := s.batches(ctx, ops)
	if err != nil {
		return err
	}
	if len(ops) == 1 {
		return singleOutcome(ctx, batches[0].write(ctx))
	}
	return s.transact(ctx, batches)
}

// batch is the writes to one kind, each conditional.
type batch struct {
	collection *driver.Collection
	models     []driver.WriteModel // inserts first, then updates, then deletes: each sort is one statement
	matched    int64               // documents that the updates must match
	deleted    int64               // and that the deletes must remove
}

// batches makes conditional writes of ops, by kind.
func (s *Store) batches(ctx context.Context, ops []record.Op) ([]*batch, error) {
	var out []*batch
	for rest := ops; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(op record.Op) bool { return op.Kind != rest[0].Kind })
		if n < 0 {
			n = len(rest)
		}
		b, err := s.batch(ctx, rest[:n])
		if err != nil {
			return nil, err
		}
		out, rest = append(out, b), rest[n:]
	}
	return out, nil
}

// batch makes conditional writes of ops, which are of one kind.
func (s *Store) batch(ctx context.Context, ops []record.Op) (*batch, error) {
	k, err := s.kind(ops[0].Kind)
	if err != nil {
		return nil, err
	}
	b := &batch{collection: k.collection}
	var inserts, updates, deletes []driver.WriteModel
	for _, op := range ops {
		at := bson.D{{Key: idName, Value: eq(docID(op.Key))}, {Key: revName, Value: eq(op.Want)}}
		switch op.Verb {
		case record.Put:
			if k, err = s.wide(ctx, op.Kind, len(op.Row)); err != nil {
				return nil, err
			}
			doc, err := k.encode(op.Record)
			if err != nil {
				return nil, err
			}
			if op.Want == 0 {
				inserts = append(inserts, driver.NewInsertOneModel().SetDocument(doc))
			} else {
				updates = append(updates, driver.NewReplaceOneModel().SetFilter(at).SetReplacement(doc))
			}
		case record.Check:
			count := bson.D{{Key: "$inc", Value: bson.D{{Key: checksName, Value: int64(1)}}}}
			updates = append(updates, driver.NewUpdateOneModel().SetFilter(at).SetUpdate(count))
		case record.Delete:
			deletes = append(deletes, driver.NewDeleteOneModel().SetFilter(at))
		default:
			return nil, fmt.Errorf("mongo store: unknown verb %d", op.Verb)
		}
	}
	b.models = slices.Concat(inserts, updates, deletes)
	b.matched, b.deleted = int64(len(updates)), int64(len(deletes))
	return b, nil
}

// eq is the condition that a field has the value, whatever the value means elsewhere.
func eq(value any) bson.D { return bson.D{{Key: "$eq", Value: value}} }

// write sends the writes of b, and returns record.ErrConflict when one of them found nothing to write.
func (b *batch) write(ctx context.Context) error {
	res, err := b.collection.BulkWrite(ctx, b.models, options.BulkWrite().SetOrdered(true))
	if err != nil {
		return err
	}
	if res.MatchedCount != b.matched || res.DeletedCount != b.deleted {
		return record.ErrConflict
	}
	return nil
}

// transact sends batches in a transaction. Until commitTransaction is sent, whatever goes wrong leaves nothing behind.
func (s *Store) transact(ctx context.Context, batches []*batch) error {
	session, err := s.db.Client().StartSession(options.Session().SetCausalConsistency(false))
	if err != nil {
		return fmt.Errorf("mongo store: start a session: %w", failure(ctx, err))
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortFor)
		defer cancel()
		session.EndSession(ctx) // aborts what is not committed
	}()
	o := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(durable()).
		SetReadPreference(readpref.Primary())
	if err := session.StartTransaction(o); err != nil {
		return fmt.Errorf("mongo store: start a transaction: %w", failure(ctx, err))
	}
	inside := driver.NewSessionContext(ctx, session)
	for _, b := range batches {
		if err := b.write(inside); err != nil {
			return statementOutcome(ctx, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := session.CommitTransaction(inside)
		if try == commitTries || !worthAnotherCommit(ctx, err) {
			return commitOutcome(err)
		}
	}
}
