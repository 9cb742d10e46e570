package mongo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
)

// Sweep removes at most limit records that expired before the given time, kind by kind, the oldest expiry first.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	ctx, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	s.mu.RLock()
	kinds := slices.SortedFunc(maps.Values(s.kinds), func(a, b *kind) int { return strings.Compare(a.name, b.name) })
	s.mu.RUnlock()
	swept := 0
	for _, k := range kinds {
		for swept < limit {
			chunk := min(limit-swept, record.MaxPage)
			found, n, err := k.sweep(ctx, before, chunk)
			swept += n
			if err != nil {
				return swept, fmt.Errorf("mongo store: sweep %s: %w", k.name, failure(ctx, err))
			}
			if found < chunk {
				break
			}
		}
	}
	return swept, nil
}

// sweep removes at most limit records of k. It returns how many had expired when it looked, and how many it removed: a
// record that was renewed in between stays, since the delete judges its expiry again.
func (k *kind) sweep(ctx context.Context, before time.Time, limit int) (found, removed int, err error) {
	expired := bson.E{Key: expiresName, Value: bson.D{{Key: "$lt", Value: bson.DateTime(before.UnixMilli())}}}
	o := options.Find().SetProjection(bson.D{{Key: idName, Value: 1}}).SetHint(expiryKey()).
		SetSort(bson.D{{Key: expiresName, Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit))
	cursor, err := k.collection.Find(ctx, bson.D{expired}, o)
	if err != nil {
		return 0, 0, err
	}
	var docs []struct {
		ID string `bson:"_id"`
	}
	if err := cursor.All(ctx, &docs); err != nil || len(docs) == 0 {
		return 0, 0, err
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	res, err := k.collection.DeleteMany(ctx, bson.D{{Key: idName, Value: oneOf(ids)}, expired})
	if err != nil {
		return len(ids), 0, err
	}
	return len(ids), int(res.DeletedCount), nil
}
