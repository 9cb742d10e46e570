package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// catalogue is the schema as Redis has it: everything that any release declared. It is never changed, only replaced.
type catalogue struct {
	Generation int64            `json:"generation"` // goes up with every change
	Kinds      map[string]*kind `json:"kinds"`
	text       string           // as stored
}

type kind struct {
	Fields []field `json:"fields"`
}

type field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Term int64  `json:"term,omitempty"` // the generation in which the field became a term; 0: it is none
	kind record.Type
}

// terms returns the fields by which records are found.
func (k *kind) terms() []field {
	var out []field
	for _, f := range k.Fields {
		if f.Term > 0 {
			out = append(out, f)
		}
	}
	return out
}

func (c *catalogue) kind(name string) (*kind, error) {
	if k := c.Kinds[name]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("%w: kind %q", errUndeclared, name)
}

func (c *catalogue) generation() string { return strconv.FormatInt(c.Generation, 10) }

// parseCatalogue reads what is stored; "" is the first one, empty.
func parseCatalogue(text string) (*catalogue, error) {
	c := &catalogue{Kinds: map[string]*kind{}, text: text}
	if text == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return nil, fmt.Errorf("%w: schema: %w", record.ErrCorrupt, err)
	}
	if c.Kinds == nil {
		c.Kinds = map[string]*kind{}
	}
	for name, k := range c.Kinds {
		if k == nil {
			return nil, fmt.Errorf("%w: schema: kind %s is null", record.ErrCorrupt, name)
		}
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.kind = typeNamed(f.Type); f.kind == 0 {
				return nil, fmt.Errorf("%w: schema: kind %s: field %s has unknown type %q", record.ErrCorrupt, name, f.Name, f.Type)
			}
		}
	}
	return c, nil
}

func typeNamed(name string) record.Type {
	for t := record.String; t <= record.JSON; t++ {
		if t.String() == name {
			return t
		}
	}
	return 0
}

// merge returns the catalogue with what s adds to it, and itself if that is nothing.
func (c *catalogue) merge(s record.Schema) (*catalogue, error) {
	next := &catalogue{Generation: c.Generation + 1, Kinds: maps.Clone(c.Kinds)}
	changed := false
	for _, d := range s.Kinds {
		k := &kind{}
		if have := next.Kinds[d.Name]; have != nil {
			k.Fields = slices.Clone(have.Fields)
		} else {
			changed = true
		}
		grown, err := k.extend(d, next.Generation)
		if err != nil {
			return nil, err
		}
		changed = changed || grown
		next.Kinds[d.Name] = k
	}
	if !changed {
		return c, nil
	}
	text, err := json.MarshalIndent(next, "", " ")
	next.text = string(text)
	return next, err
}

// extend adds the fields and terms of d that k has not.
func (k *kind) extend(d *record.Kind, generation int64) (changed bool, err error) {
	for i, f := range d.Fields {
		if i == len(k.Fields) {
			k.Fields = append(k.Fields, field{Name: f.Name, Type: f.Type.String(), kind: f.Type})
			changed = true
		}
		have := &k.Fields[i]
		if have.Name != f.Name || have.kind != f.Type {
			return false, fmt.Errorf("%w: kind %s: field %d is %s %s, but %s %s is stored there",
				ErrSchema, d.Name, i+1, f.Name, f.Type, have.Name, have.Type)
		}
		if f.Term && have.Term == 0 {
			have.Term, changed = generation, true
		}
	}
	return changed, nil
}

// Prepare adds the kinds of schema to the stored ones, and indexes what was there before its terms. It fails with
// ErrSchema, changing nothing, when a field has another name or type in its place. An older release may go on working: it
// takes over what was added when it next writes.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	for {
		if err := s.reload(ctx); err != nil {
			return err
		}
		have := s.schema.Load()
		next, err := have.merge(schema)
		if err != nil {
			return err
		}
		if next == have {
			return s.indexAll(ctx)
		}
		_, err = within(ctx, func() (any, error) {
			return swapScript.run(ctx, s.client, []string{s.schemaKey()}, have.text, next.text)
		})
		if err != nil {
			return fmt.Errorf("redis store: save schema: %w", refused(err))
		}
	}
}

// reload takes over the stored schema.
func (s *Store) reload(ctx context.Context) error {
	text, err := within(ctx, func() (string, error) { return s.client.Get(ctx, s.schemaKey()).Result() })
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("redis store: read schema: %w", refused(err))
	}
	c, err := parseCatalogue(text)
	if err != nil {
		return err
	}
	s.schema.Store(c)
	return nil
}
