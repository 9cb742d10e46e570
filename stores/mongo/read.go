package mongo

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
)

// Get returns the records that exist among keys: one query for each kind among them.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	ctx, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string][]string{}
	var kinds []string
	for _, k := range keys {
		if ids[k.Kind] == nil {
			kinds = append(kinds, k.Kind)
		}
		ids[k.Kind] = append(ids[k.Kind], docID(k))
	}
	out := make([]record.Record, 0, len(keys))
	for _, kind := range kinds {
		found, err := s.query(ctx, kind, bson.D{{Key: idName, Value: oneOf(ids[kind])}}, options.Find())
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// oneOf is a condition that one of the values holds.
func oneOf(values []string) bson.D {
	if len(values) == 1 {
		return bson.D{{Key: "$eq", Value: values[0]}}
	}
	slices.Sort(values)
	return bson.D{{Key: "$in", Value: slices.Compact(values)}}
}

// Find returns the records that match q, in one query over the index of the term, or over _id.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	ctx, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	k, err := s.kind(q.Kind)
	if err != nil {
		return nil, err
	}
	filter := bson.D{{Key: idName, Value: idRange(q)}}
	o := options.Find().SetSort(bson.D{{Key: idName, Value: 1}}).SetLimit(int64(q.Limit)).SetBatchSize(int32(q.Limit))
	if q.Term != "" {
		if !k.term(q.Term) {
			return nil, fmt.Errorf("mongo store: kind %s has no term %q", q.Kind, q.Term)
		}
		filter = append(bson.D{{Key: q.Term, Value: bson.D{{Key: "$eq", Value: q.Value}}}}, filter...)
		o.SetHint(termKey(q.Term)) // without its index the query fails, instead of reading the tenant
	}
	return s.query(ctx, q.Kind, filter, o)
}

// idRange is the condition on _id for the tenant and the bounds of q.
func idRange(q record.Query) bson.D {
	prefix := tenantPrefix(q.Tenant)
	lower := bson.E{Key: "$gte", Value: prefix + q.From}
	if q.After != "" && q.After >= q.From {
		lower = bson.E{Key: "$gt", Value: prefix + q.After}
	}
	upper := bson.E{Key: "$lt", Value: afterTenant(q.Tenant)}
	if q.To != "" {
		upper.Value = prefix + q.To
	}
	return bson.D{lower, upper}
}

// query runs a query over a kind and makes records of what it finds.
func (s *Store) query(ctx context.Context, kind string, filter bson.D, o *options.FindOptionsBuilder) ([]record.Record, error) {
	k, err := s.kind(kind)
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	cursor, err := k.collection.Find(ctx, filter, o)
	if err == nil {
		err = cursor.All(ctx, &docs)
	}
	if err != nil {
		return nil, fmt.Errorf("mongo store: read %s: %w", kind, failure(ctx, err))
	}
	out := make([]record.Record, len(docs))
	for i, doc := range docs {
		n, err := width(doc)
		if err != nil {
			return nil, err
		}
		if k, err = s.wide(ctx, kind, n); err != nil {
			return nil, err
		}
		if out[i], err = k.decode(doc, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}
