package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
)

// Prepare makes the database ready for the kinds of schema: their fields are noted, and the indexes that they need are
// made. MongoDB builds an index while reads and writes go on. Under RequireIndexes it makes nothing, and returns
// ErrNotPrepared with a list of what is missing. ErrSchema says which field does not fit: a field never changes its name,
// type or position.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	ctx, err := s.enter(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, d := range schema.Kinds {
		lacks, err := s.prepareKind(ctx, d)
		if err != nil {
			return err
		}
		missing = append(missing, lacks...)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s", ErrNotPrepared, strings.Join(missing, "; "))
	}
	return s.learnOthers(ctx)
}

// prepareKind notes the fields of d and makes its indexes, or returns what is missing.
func (s *Store) prepareKind(ctx context.Context, d *record.Kind) (missing []string, err error) {
	stored, more, err := s.noteKind(ctx, d)
	if err != nil {
		return nil, err
	}
	if more {
		return []string{"kind " + d.Name + ": not all fields are in " + s.schema().Name()}, nil
	}
	k, err := s.learn(stored)
	if err != nil {
		return nil, err
	}
	if err := s.refuseCollation(ctx, k); err != nil {
		return nil, err
	}
	return s.prepareIndexes(ctx, k)
}

// noteKind stores the fields of d that the database does not know. Under RequireIndexes it reports them as more instead.
func (s *Store) noteKind(ctx context.Context, d *record.Kind) (stored storedKind, more bool, err error) {
	for {
		if stored, err = s.loadKind(ctx, d.Name); err != nil {
			return stored, false, err
		}
		merged, more, err := stored.with(d)
		if err != nil || !more || s.options.Indexes == RequireIndexes {
			return merged, more, err
		}
		merged.Edit++
		done, err := s.replaceKind(ctx, stored.Edit, merged)
		if err != nil {
			return stored, false, fmt.Errorf("mongo store: write the schema: %w", failure(ctx, err))
		}
		if done {
			return merged, false, nil
		}
	}
}

// replaceKind writes a kind unless its edit is not the given one any more; 0 is none.
func (s *Store) replaceKind(ctx context.Context, edit int64, k storedKind) (bool, error) {
	if edit == 0 {
		_, err := s.schema().InsertOne(ctx, k)
		if driver.IsDuplicateKeyError(err) {
			return false, nil
		}
		return err == nil, err
	}
	res, err := s.schema().ReplaceOne(ctx, bson.D{{Key: "_id", Value: k.Name}, {Key: "edit", Value: edit}}, k)
	return err == nil && res.MatchedCount == 1, err
}

// learnOthers learns the kinds that the schema of this process does not name, so that Sweep reaches them.
func (s *Store) learnOthers(ctx context.Context) error {
	cursor, err := s.schema().Find(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("mongo store: read the schema: %w", failure(ctx, err))
	}
	var all []storedKind
	if err := cursor.All(ctx, &all); err != nil {
		return fmt.Errorf("mongo store: read the schema: %w", failure(ctx, err))
	}
	for _, stored := range all {
		if known, _ := s.kind(stored.Name); known == nil {
			if _, err := s.learn(stored); err != nil && !errors.Is(err, ErrSchema) {
				return err
			}
		}
	}
	return nil
}

// refuseCollation refuses a collection that somebody made with a collation: ids are compared as bytes.
func (s *Store) refuseCollation(ctx context.Context, k *kind) error {
	name := k.collection.Name()
	found, err := s.db.ListCollectionSpecifications(ctx, bson.D{{Key: "name", Value: name}})
	if err != nil {
		return fmt.Errorf("mongo store: look at collection %s: %w", name, failure(ctx, err))
	}
	for _, spec := range found {
		if _, err := spec.Options.LookupErr("collation"); err == nil {
			return fmt.Errorf("mongo store: collection %s has a collation; ids and terms must be compared as bytes", name)
		}
	}
	return nil
}

// keys returns the key patterns of the indexes that k needs: by expiry, and by each term together with the id.
func (k *kind) keys() []bson.D {
	keys := []bson.D{expiryKey()}
	for _, f := range k.fields {
		if f.Term {
			keys = append(keys, termKey(f.Name))
		}
	}
	return keys
}

func expiryKey() bson.D { return bson.D{{Key: "expires", Value: int32(1)}} }

func termKey(term string) bson.D {
	return bson.D{{Key: term, Value: int32(1)}, {Key: "_id", Value: int32(1)}}
}

// prepareIndexes makes the indexes that k lacks, or returns them.
func (s *Store) prepareIndexes(ctx context.Context, k *kind) (missing []string, err error) {
	have, err := s.indexes(ctx, k)
	if err != nil {
		return nil, err
	}
	var models []driver.IndexModel
	for i, key := range k.keys() {
		if have[patternText(key)] {
			continue
		}
		missing = append(missing, fmt.Sprintf("collection %s: index %s", k.collection.Name(), patternText(key)))
		model := driver.IndexModel{Keys: key}
		if i == 0 {
			model.Options = options.Index().SetExpireAfterSeconds(int32(s.options.PurgeAfter.Seconds()))
		}
		models = append(models, model)
	}
	if len(models) == 0 || s.options.Indexes == RequireIndexes {
		return missing, nil
	}
	if _, err := k.collection.Indexes().CreateMany(ctx, models); err != nil {
		return nil, fmt.Errorf("mongo store: create indexes of %s: %w", k.collection.Name(), failure(ctx, err))
	}
	return nil, nil
}

// indexes returns the key patterns of the plain indexes of k. An index on expires that removes too early is refused.
func (s *Store) indexes(ctx context.Context, k *kind) (map[string]bool, error) {
	cursor, err := k.collection.Indexes().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("mongo store: list indexes of %s: %w", k.collection.Name(), failure(ctx, err))
	}
	var found []bson.Raw
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fmt.Errorf("mongo store: list indexes of %s: %w", k.collection.Name(), failure(ctx, err))
	}
	have := map[string]bool{}
	for _, spec := range found {
		var key bson.D
		if err := bson.Unmarshal(spec.Lookup("key").Value, &key); err != nil {
			return nil, fmt.Errorf("mongo store: read an index of %s: %w", k.collection.Name(), err)
		}
		if ttl, err := spec.LookupErr("expireAfterSeconds"); err == nil {
			if seconds, ok := ttl.AsInt64OK(); !ok || patternText(key) != patternText(expiryKey()) || seconds < int64(minPurge.Seconds()) {
				return nil, fmt.Errorf("mongo store: collection %s: the TTL index %s %v removes records too early: "+
					"only expires may have one, of at least %v", k.collection.Name(), patternText(key), spec.Lookup("expireAfterSeconds"), minPurge)
			}
		}
		have[patternText(key)] = plain(spec)
	}
	return have, nil
}

// plain reports whether an index holds every document, and by the bytes of its values.
func plain(spec bson.Raw) bool {
	for _, option := range []string{"collation", "partialFilterExpression", "sparse", "unique", "hidden"} {
		if _, err := spec.LookupErr(option); err == nil {
			return false
		}
	}
	return true
}

// patternText is a key pattern as the shell writes it.
func patternText(key bson.D) string {
	parts := make([]string, len(key))
	for i, e := range key {
		parts[i] = fmt.Sprintf("%s: %v", e.Key, e.Value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
