package mem

import (
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

// kind is what all handles together know of a kind's fields. Fields are only ever added at the end, so handles of an
// older release know a beginning of it.
type kind struct{ fields []record.Field }

// accepts says why k cannot describe the same records.
func (known *kind) accepts(k *record.Kind) error {
	for i, f := range k.Fields[:min(len(k.Fields), len(known.fields))] {
		if have := known.fields[i]; have.Name != f.Name || have.Type != f.Type {
			return fmt.Errorf("mem: kind %s: field %d is %s %s, but %s %s is stored there",
				k.Name, i+1, f.Name, f.Type, have.Name, have.Type)
		}
	}
	return nil
}

// learn takes over the fields and terms of k that were not known, and reports whether there are new terms.
func (known *kind) learn(k *record.Kind) (terms bool) {
	for i, f := range k.Fields {
		if i == len(known.fields) {
			known.fields = append(known.fields, f)
			terms = terms || f.Term
		} else if f.Term && !known.fields[i].Term {
			known.fields[i].Term = true
			terms = true
		}
	}
	return terms
}

// position returns the place of a term's field, or -1.
func (known *kind) position(name string) int {
	for i, f := range known.fields {
		if f.Name == name && f.Term {
			return i
		}
	}
	return -1
}

// terms returns by what a record with this row is found.
func (known *kind) terms(row record.Row) []term {
	var out []term
	for i, f := range known.fields[:min(len(known.fields), len(row))] {
		if v := row[i].Text(); f.Term && v != "" {
			out = append(out, term{i, v})
		}
	}
	return out
}
