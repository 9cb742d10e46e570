package mongo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// Tenants implements record.Lister. It looks into the index of _id once for each tenant and collection.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	kinds, err := s.kindNames(ctx)
	if err != nil {
		return nil, err
	}
	ctx = apart(ctx)
	seen := map[string]bool{}
	for _, name := range kinds {
		c := s.db.Collection(s.options.Prefix + name)
		for from := ""; ; {
			id, err := firstID(ctx, c, from)
			if err != nil {
				return nil, fmt.Errorf("mongo store: list the tenants of %s: %w", name, failure(ctx, err))
			}
			if id == "" {
				break
			}
			tenant, _, err := splitID(id)
			if err != nil {
				return nil, err
			}
			seen[tenant] = true
			from = afterTenant(tenant)
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	names, err := s.kindNames(ctx)
	if err != nil {
		return nil, err
	}
	var out []record.Kind
	for _, name := range names {
		stored, err := s.loadKind(apart(ctx), name)
		if err != nil {
			return nil, err
		}
		k, err := s.learn(stored)
		if err != nil {
			return nil, err
		}
		out = append(out, record.Kind{Name: name, Fields: slices.Clone(k.fields)})
	}
	return out, nil
}

func (s *Store) kindNames(ctx context.Context) ([]string, error) {
	ctx, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for from := ""; ; from = names[len(names)-1] + "\x00" {
		name, err := firstID(ctx, s.schema(), from)
		if err != nil {
			return nil, fmt.Errorf("mongo store: read the schema: %w", failure(ctx, err))
		}
		if name == "" {
			return names, nil
		}
		names = append(names, name)
	}
}

// firstID returns the lowest _id from the given one on, or "".
func firstID(ctx context.Context, c *driver.Collection, from string) (string, error) {
	filter := bson.D{{Key: idName, Value: bson.D{{Key: "$gte", Value: from}}}}
	o := options.Find().SetProjection(bson.D{{Key: idName, Value: 1}}).SetSort(bson.D{{Key: idName, Value: 1}}).SetLimit(1)
	cursor, err := c.Find(ctx, filter, o)
	if err != nil {
		return "", err
	}
	var docs []struct {
		ID string `bson:"_id"`
	}
	if err := cursor.All(ctx, &docs); err != nil || len(docs) == 0 {
		return "", err
	}
	return docs[0].ID, nil
}
