package mongofake

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// filter is a query: all its conditions hold.
type filter []condition

// condition is one operator on one field.
type condition struct {
	field, operator string
	values          []bson.RawValue // one, or the list of $in
}

// parseFilter reads a query. Operators that it does not know are refused.
func parseFilter(doc bson.Raw) (filter, error) {
	if len(doc) == 0 {
		return nil, nil
	}
	elements, err := doc.Elements()
	if err != nil {
		return nil, err
	}
	var f filter
	for _, e := range elements {
		more, err := parseField(e.Key(), e.Value())
		if err != nil {
			return nil, err
		}
		f = append(f, more...)
	}
	return f, nil
}

func parseField(name string, v bson.RawValue) (filter, error) {
	if name == "$and" {
		return parseAnd(v)
	}
	if strings.HasPrefix(name, "$") || strings.Contains(name, ".") {
		return nil, fail(BadValue, "mongofake does not know the query field or operator %s", name)
	}
	doc, isDoc := v.DocumentOK()
	if !isDoc {
		return filter{{name, "$eq", []bson.RawValue{v}}}, nil
	}
	elements, err := doc.Elements()
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		return filter{{name, "$eq", []bson.RawValue{v}}}, nil
	}
	var f filter
	for _, e := range elements {
		c := condition{name, e.Key(), []bson.RawValue{e.Value()}}
		switch e.Key() {
		case "$eq", "$ne", "$gt", "$gte", "$lt", "$lte":
		case "$in":
			array, ok := e.Value().ArrayOK()
			if !ok {
				return nil, fail(BadValue, "$in needs an array")
			}
			if c.values, err = array.Values(); err != nil {
				return nil, err
			}
		default:
			return nil, fail(BadValue, "mongofake does not know the operator %s", e.Key())
		}
		f = append(f, c)
	}
	return f, nil
}

func parseAnd(v bson.RawValue) (filter, error) {
	array, ok := v.ArrayOK()
	if !ok {
		return nil, fail(BadValue, "$and needs an array")
	}
	parts, err := array.Values()
	if err != nil {
		return nil, err
	}
	var f filter
	for _, p := range parts {
		doc, _ := p.DocumentOK()
		more, err := parseFilter(doc)
		if err != nil {
			return nil, err
		}
		f = append(f, more...)
	}
	return f, nil
}

// holds reports whether doc matches.
func (f filter) holds(doc bson.Raw) (bool, error) {
	for _, c := range f {
		if ok, err := c.holds(doc); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c condition) holds(doc bson.Raw) (bool, error) {
	have, err := doc.LookupErr(c.field)
	if err != nil {
		have = bson.RawValue{Type: bson.TypeNull} // what is missing equals null
	}
	if c.operator == "$ne" {
		ok, err := condition{c.field, "$eq", c.values}.holds(doc)
		return !ok, err
	}
	for _, want := range c.values {
		if ok, err := c.accepts(have, want); ok || err != nil {
			return ok, err
		}
		elements, isArray := have.ArrayOK() // a list matches by any of its elements
		if !isArray || want.Type == bson.TypeArray {
			continue
		}
		values, err := elements.Values()
		if err != nil {
			return false, err
		}
		for _, v := range values {
			if ok, err := c.accepts(v, want); ok || err != nil {
				return ok, err
			}
		}
	}
	return false, nil
}

// accepts compares one value. Only values of one class are less or greater than each other.
func (c condition) accepts(have, want bson.RawValue) (bool, error) {
	if class(have) != class(want) {
		return false, nil
	}
	if c.operator == "$eq" || c.operator == "$in" {
		if class(have) == classOther {
			return have.Type == want.Type && bytes.Equal(have.Value, want.Value), nil
		}
		n, err := compare(have, want)
		return n == 0 && err == nil, err
	}
	n, err := compare(have, want)
	switch c.operator {
	case "$gt":
		return n > 0, err
	case "$gte":
		return n >= 0, err
	case "$lt":
		return n < 0, err
	}
	return n <= 0, err
}

// Classes of values that compare with each other, in the order in which the server sorts them.
const (
	classNull = iota
	classNumber
	classString
	classBool
	classDate
	classOther
)

func class(v bson.RawValue) int {
	switch v.Type {
	case bson.TypeNull:
		return classNull
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble:
		return classNumber
	case bson.TypeString:
		return classString
	case bson.TypeBoolean:
		return classBool
	case bson.TypeDateTime:
		return classDate
	}
	return classOther
}

// compare orders two values as the server does, strings by their bytes.
func compare(a, b bson.RawValue) (int, error) {
	if class(a) != class(b) {
		return class(a) - class(b), nil
	}
	switch class(a) {
	case classNull:
		return 0, nil
	case classNumber:
		return compareNumbers(a, b)
	case classString:
		return strings.Compare(a.StringValue(), b.StringValue()), nil
	case classBool:
		return bytes.Compare(a.Value, b.Value), nil
	case classDate:
		return order(a.DateTime(), b.DateTime()), nil
	}
	return 0, fail(BadValue, "mongofake does not compare values of type %s", a.Type)
}

func compareNumbers(a, b bson.RawValue) (int, error) {
	if a.Type == bson.TypeDouble || b.Type == bson.TypeDouble {
		return 0, fail(BadValue, "mongofake does not compare doubles")
	}
	return order(a.AsInt64(), b.AsInt64()), nil
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// match is a document that a query found.
type match struct {
	w   wrote
	ch  *chain
	doc bson.Raw
}

// matches returns what f finds in a collection as t sees it, in no order.
func (in *collection) matches(f filter, t *transaction) ([]match, error) {
	if in == nil {
		return nil, nil
	}
	var out []match
	look := func(id string, ch *chain) error {
		doc := ch.read(t)
		if doc == nil {
			return nil
		}
		ok, err := f.holds(doc)
		if ok {
			out = append(out, match{wrote{in, id}, ch, doc})
		}
		return err
	}
	if ids, ok := f.ids(); ok {
		for _, id := range ids {
			if ch := in.chains[id]; ch != nil {
				if err := look(id, ch); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}
	for id, ch := range in.chains {
		if err := look(id, ch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ids returns the ids that f asks for, when it does.
func (f filter) ids() ([]string, bool) {
	for _, c := range f {
		if c.field == "_id" && (c.operator == "$eq" || c.operator == "$in") {
			var ids []string
			for _, v := range c.values {
				ids = append(ids, idKey(v))
			}
			slices.Sort(ids)
			return slices.Compact(ids), true
		}
	}
	return nil, false
}

// idKey is the bytes of an _id.
func idKey(v bson.RawValue) string { return string(v.Type) + string(v.Value) }
