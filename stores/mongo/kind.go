package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/oneauth-go/oneauth/core/record"
)

// kind is a kind as the database knows it: with every field that any release declared.
type kind struct {
	name       string
	fields     []record.Field
	positions  map[string]int // of fields, by name
	collection *driver.Collection
}

// term reports whether records of k are found by the named field.
func (k *kind) term(name string) bool {
	i, ok := k.positions[name]
	return ok && k.fields[i].Term
}

// storedKind is a kind in the collection of kinds.
type storedKind struct {
	Name   string        `bson:"_id"`
	Edit   int64         `bson:"edit"` // goes up with every change
	Fields []storedField `bson:"fields"`
}

type storedField struct {
	Name string `bson:"name"`
	Type string `bson:"type"`
	Term bool   `bson:"term"`
}

// typeNamed returns the type of the name.
func typeNamed(name string) (record.Type, bool) {
	for t := record.String; t <= record.JSON; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// schema is the collection of kinds. No kind is called so: their names have no dot.
func (s *Store) schema() *driver.Collection {
	return s.db.Collection(s.options.Prefix + "schema.kinds")
}

// kind returns what is known of a kind, without asking the database.
func (s *Store) kind(name string) (*kind, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.kinds[name]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("mongo store: kind %q was not prepared", name)
}

// wide returns a kind with at least n fields. It asks the database when it knows fewer: a newer release has added some.
func (s *Store) wide(ctx context.Context, name string, n int) (*kind, error) {
	k, err := s.kind(name)
	if err != nil || len(k.fields) >= n {
		return k, err
	}
	stored, err := s.loadKind(ctx, name)
	if err != nil {
		return nil, err
	}
	if k, err = s.learn(stored); err != nil {
		return nil, err
	}
	if len(k.fields) < n {
		return nil, fmt.Errorf("%w: kind %s: a row has %d values, the schema %d fields", record.ErrCorrupt, name, n, len(k.fields))
	}
	return k, nil
}

// loadKind reads a kind from the database; one that is not there has Edit 0.
func (s *Store) loadKind(ctx context.Context, name string) (storedKind, error) {
	stored := storedKind{Name: name}
	err := s.schema().FindOne(ctx, bson.D{{Key: "_id", Value: name}}).Decode(&stored)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return stored, fmt.Errorf("mongo store: read the schema: %w", failure(ctx, err))
	}
	return stored, nil
}

// learn takes over what the database knows of a kind.
func (s *Store) learn(stored storedKind) (*kind, error) {
	k := &kind{name: stored.Name, positions: map[string]int{}, collection: s.db.Collection(s.options.Prefix + stored.Name)}
	for i, f := range stored.Fields {
		t, ok := typeNamed(f.Type)
		if !ok {
			return nil, fmt.Errorf("%w: kind %s: field %s is of type %q, unknown to this release", ErrSchema, stored.Name, f.Name, f.Type)
		}
		k.fields = append(k.fields, record.Field{Name: f.Name, Type: t, Term: f.Term})
		k.positions[f.Name] = i
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.kinds[k.name]; known != nil && len(known.fields) > len(k.fields) {
		return known, nil // somebody else learnt more in the meantime
	}
	s.kinds[k.name] = k
	return k, nil
}

// with returns what is stored together with what d declares, and whether that is more.
func (stored storedKind) with(d *record.Kind) (merged storedKind, more bool, err error) {
	merged = stored
	merged.Fields = append([]storedField(nil), stored.Fields...)
	for i, f := range d.Fields {
		if i == len(merged.Fields) {
			merged.Fields, more = append(merged.Fields, storedField{f.Name, f.Type.String(), f.Term}), true
			continue
		}
		have := &merged.Fields[i]
		if have.Name != f.Name || have.Type != f.Type.String() {
			return merged, false, fmt.Errorf("%w: kind %s: field %d is %s %s in the database, not %s %s; fields are only added at the end",
				ErrSchema, d.Name, i+1, have.Type, have.Name, f.Type, f.Name)
		}
		if f.Term && !have.Term {
			have.Term, more = true, true
		}
	}
	return merged, more || stored.Edit == 0, nil
}
