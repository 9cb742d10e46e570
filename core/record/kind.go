package record

import (
	"fmt"
	"regexp"
)

// Field is one named, typed value of a kind.
type Field struct {
	Name string
	Type Type
	Term bool // Find can ask for it; only String fields. An empty string is not found by
}

// Kind describes records of one sort. Fields are only ever added at the end: their position is their identity in
// stores that keep rows, their name in stores that keep columns.
type Kind struct {
	Name    string // lower_snake_case, unique in a schema
	Version int    // from 1; raise it together with an Upgrade
	Fields  []Field

	// Upgrade turns a row that was written under version from into one of the present version. Nil when there was no
	// other. It must be pure.
	Upgrade func(from int, row Row) Row
}

// FieldIndex returns the position of the named field, or -1.
func (k *Kind) FieldIndex(name string) int {
	for i, f := range k.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// TermValue returns the value by which r is found under field i, or "" when it is not.
func (k *Kind) TermValue(i int, row Row) string {
	if i >= len(row) || !k.Fields[i].Term {
		return ""
	}
	return row[i].s
}

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

func (k *Kind) validate() error {
	if !nameRE.MatchString(k.Name) {
		return fmt.Errorf("record: kind name %q is not lower_snake_case", k.Name)
	}
	if k.Version < 1 {
		return fmt.Errorf("record: kind %s: version must be at least 1", k.Name)
	}
	names := map[string]bool{"id": true, "tenant": true, "rev": true, "expires": true, "purge_at": true, "version": true}
	for _, f := range k.Fields {
		switch {
		case !nameRE.MatchString(f.Name):
			return fmt.Errorf("record: kind %s: field name %q is not lower_snake_case", k.Name, f.Name)
		case names[f.Name]:
			return fmt.Errorf("record: kind %s: field name %q is reserved or used twice", k.Name, f.Name)
		case f.Type < String || f.Type > JSON:
			return fmt.Errorf("record: kind %s: field %s has no type", k.Name, f.Name)
		case f.Term && f.Type != String:
			return fmt.Errorf("record: kind %s: term %s must be a string", k.Name, f.Name)
		}
		names[f.Name] = true
	}
	return nil
}

// validateRecord says which part of a record cannot be stored.
func (k *Kind) validateRecord(r Record) error {
	if why := idFault(r.ID); why != "" {
		return &ValueError{k.Name, "id", why}
	}
	for i, f := range k.Fields {
		if why := r.Row[i].fault(f.Type); why != "" {
			return &ValueError{k.Name, f.Name, why}
		}
	}
	return nil
}

// Schema is all the kinds of an installation.
type Schema struct{ Kinds []*Kind }

// Kind returns the named kind, or nil.
func (s Schema) Kind(name string) *Kind {
	for _, k := range s.Kinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

func (s Schema) validate() error {
	seen := map[string]bool{}
	for _, k := range s.Kinds {
		if err := k.validate(); err != nil {
			return err
		}
		if seen[k.Name] {
			return fmt.Errorf("record: kind %s is declared twice", k.Name)
		}
		seen[k.Name] = true
	}
	return nil
}
