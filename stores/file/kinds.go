package file

import (
	"encoding/json"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

// kindSet is the schema in the file, by kind name. It is never changed, only replaced.
type kindSet map[string]*kind

// kind is a kind as the file knows it: everything that any release declared in it.
type kind struct {
	record.Kind
	bucket []byte
	terms  []term
}

// term is an index. While it is building, an entry may be missing.
type term struct {
	field    int
	bucket   []byte
	building bool
}

func (k *kind) term(name string) (term, bool) {
	for _, t := range k.terms {
		if k.Fields[t.field].Name == name {
			return t, true
		}
	}
	return term{}, false
}

// upgraded returns the row as its readers see it: that is what it is found by. r.Row stays as it is, whatever Upgrade
// does to the one it gets.
func (k *kind) upgraded(r record.Record) record.Row {
	if r.Version < k.Version && k.Upgrade != nil {
		return k.Upgrade(r.Version, slices.Clone(r.Row))
	}
	return r.Row
}

func (t term) value(row record.Row) string {
	if t.field >= len(row) {
		return ""
	}
	return row[t.field].Text()
}

func recordBucket(kind string) []byte      { return []byte("r/" + kind) }
func termBucket(kind, field string) []byte { return []byte("t/" + kind + "/" + field) }

// of returns the named kind.
func (ks kindSet) of(name string) (*kind, error) {
	if k := ks[name]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("file store: kind %q is not prepared", name)
}

// The schema in the file.
type storedKind struct {
	Name    string        `json:"name"`
	Version int           `json:"version"`
	Fields  []storedField `json:"fields"`
}

type storedField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Term     bool   `json:"term,omitempty"`
	Building bool   `json:"building,omitempty"`
}

// newKind makes a kind out of a declaration; building tells which of its terms are incomplete.
func newKind(d record.Kind, building func(field string) bool) *kind {
	k := &kind{Kind: d, bucket: recordBucket(d.Name)}
	for i, f := range d.Fields {
		if f.Term {
			k.terms = append(k.terms, term{field: i, bucket: termBucket(d.Name, f.Name), building: building(f.Name)})
		}
	}
	return k
}

func loadKinds(h *handle) (ks kindSet, err error) {
	defer contain(&err)
	ks = kindSet{}
	err = h.bolt.View(func(tx *bolt.Tx) error {
		var stored []storedKind
		b := tx.Bucket(metaBucket).Get(schemaKey)
		if b == nil {
			return nil
		}
		if err := json.Unmarshal(b, &stored); err != nil {
			return fmt.Errorf("%w: schema: %w", record.ErrCorrupt, err)
		}
		for _, sk := range stored {
			k, err := sk.kind()
			if err != nil {
				return err
			}
			if tx.Bucket(k.bucket) == nil {
				return fmt.Errorf("%w: kind %s has no records bucket", record.ErrCorrupt, k.Name)
			}
			ks[k.Name] = k
		}
		return nil
	})
	return ks, err
}

func (sk storedKind) kind() (*kind, error) {
	d := record.Kind{Name: sk.Name, Version: sk.Version}
	building := map[string]bool{}
	for _, f := range sk.Fields {
		t, err := parseType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%w: schema: kind %s, field %s: %w", record.ErrCorrupt, sk.Name, f.Name, err)
		}
		d.Fields = append(d.Fields, record.Field{Name: f.Name, Type: t, Term: f.Term})
		building[f.Name] = f.Building
	}
	return newKind(d, func(field string) bool { return building[field] }), nil
}

func parseType(name string) (record.Type, error) {
	for t := record.String; t <= record.JSON; t++ {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown type %q", name)
}

// encode makes the JSON of the schema, kinds sorted by name.
func (ks kindSet) encode() ([]byte, error) {
	stored := make([]storedKind, 0, len(ks))
	for _, name := range ks.names() {
		k := ks[name]
		sk := storedKind{Name: name, Version: k.Version}
		for i, f := range k.Fields {
			sf := storedField{Name: f.Name, Type: f.Type.String(), Term: f.Term}
			for _, t := range k.terms {
				sf.Building = sf.Building || t.field == i && t.building
			}
			sk.Fields = append(sk.Fields, sf)
		}
		stored = append(stored, sk)
	}
	return json.Marshal(stored)
}
