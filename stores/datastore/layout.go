package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// layout is what a store knows of a kind: its own fields, and behind them those that a newer release has added. The
// fields of a kind, in order, are in an entity of kind Schema, so that an older release can tell which property is which
// value of a row that is longer than it knows.
type layout struct {
	kind   string
	fields []record.Field
	terms  map[string]bool // of this release
}

// property returns the position of the field with this name, or -1.
func (l *layout) property(name string) int {
	return slices.IndexFunc(l.fields, func(f record.Field) bool { return f.Name == name })
}

// prepareAttempts is how often Prepare tries when other processes prepare at the same moment.
const prepareAttempts = 20

// Prepare writes down the fields of kinds that are new or have new fields. It fails when a kind has a field in a place
// where another name or type is stored already.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	layouts, err := s.writeLayouts(ctx, schema)
	for try := 1; errors.Is(err, record.ErrBusy) && try < prepareAttempts; try++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Millisecond << min(try, 6))):
		}
		layouts, err = s.writeLayouts(ctx, schema)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range layouts {
		s.layouts[l.kind] = l
	}
	return nil
}

// writeLayouts brings the stored fields up to date in one transaction, and returns the layouts of all kinds.
func (s *Store) writeLayouts(ctx context.Context, schema record.Schema) ([]*layout, error) {
	keys := make([]*datastore.Key, len(schema.Kinds))
	for i, k := range schema.Kinds {
		keys[i] = s.names.schema(k.Name)
	}
	layouts := make([]*layout, len(schema.Kinds))
	_, err := s.client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
		stored, err := (reader{ctx, s.client, tx}).get(keys)
		if err != nil {
			return err
		}
		for i, k := range schema.Kinds {
			known, err := storedFields(k.Name, stored[i])
			if err != nil {
				return err
			}
			if layouts[i], err = layoutOf(k, known); err != nil {
				return err
			}
			if len(layouts[i].fields) == len(known) {
				continue
			}
			if _, err := tx.Put(keys[i], layouts[i].entity()); err != nil {
				return err
			}
		}
		return nil
	}, datastore.MaxAttempts(1))
	if err != nil {
		return nil, failed(ctx, err)
	}
	return layouts, nil
}

// layoutOf joins the kind of this release with the fields that are stored already.
func layoutOf(k *record.Kind, stored []record.Field) (*layout, error) {
	l := &layout{kind: k.Name, fields: slices.Clone(stored), terms: map[string]bool{}}
	for i, f := range k.Fields {
		if f.Term {
			l.terms[f.Name] = true
		}
		if i == len(l.fields) {
			l.fields = append(l.fields, record.Field{Name: f.Name, Type: f.Type})
		} else if have := l.fields[i]; have.Name != f.Name || have.Type != f.Type {
			return nil, fmt.Errorf("kind %s: field %d is %s %s, but %s %s is stored there",
				k.Name, i+1, f.Name, f.Type, have.Name, have.Type)
		}
	}
	return l, nil
}

// entity is the layout as it is stored: a list of "name type".
func (l *layout) entity() *datastore.PropertyList {
	list := make([]any, len(l.fields))
	for i, f := range l.fields {
		list[i] = f.Name + " " + f.Type.String()
	}
	return &datastore.PropertyList{{Name: "fields", Value: list, NoIndex: true}}
}

// storedFields reads what entity has written.
func storedFields(kind string, stored datastore.PropertyList) ([]record.Field, error) {
	var fields []record.Field
	for _, p := range stored {
		list, ok := p.Value.([]any)
		if p.Name != "fields" || !ok {
			continue
		}
		for _, v := range list {
			text, _ := v.(string)
			name, typ, _ := strings.Cut(text, " ")
			f := record.Field{Name: name}
			for t := record.String; t <= record.JSON; t++ {
				if t.String() == typ {
					f.Type = t
				}
			}
			if f.Type == 0 {
				return nil, fmt.Errorf("%w: schema of kind %s: %q", record.ErrCorrupt, kind, text)
			}
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// layout returns what is known of a kind, with at least the given number of fields. It asks the database when it does not
// know the kind or fewer fields: then another process has prepared it, or a newer release has added some.
func (s *Store) layout(ctx context.Context, kind string, fields int) (*layout, error) {
	s.mu.RLock()
	l := s.layouts[kind]
	s.mu.RUnlock()
	if l != nil && fields <= len(l.fields) {
		return l, nil
	}
	stored, err := s.reader(ctx).get([]*datastore.Key{s.names.schema(kind)})
	if err != nil {
		return nil, failed(ctx, err)
	}
	known, err := storedFields(kind, stored[0])
	switch {
	case err != nil:
		return nil, err
	case stored[0] == nil:
		return nil, fmt.Errorf("datastore: kind %q was not prepared", kind)
	case len(known) < fields:
		return nil, fmt.Errorf("datastore: kind %s: a row has %d values, but only %d fields are known", kind, fields, len(known))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	have := s.layouts[kind]
	if have == nil {
		have = &layout{kind: kind}
	}
	if len(have.fields) < len(known) {
		have = &layout{kind: kind, fields: known, terms: have.terms}
	}
	s.layouts[kind] = have
	return have, nil
}
