package record

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// plan turns a Go struct into a row and back. It is made once per type, when a kind is defined.
type plan struct {
	id      []int // struct field index of the id
	expires []int // of the expiry, or nil
	columns []column
}

type column struct {
	name  string
	index []int
	typ   Type
	code  coding
}

// coding is how a Go value becomes a Value.
type coding uint8

const (
	asString coding = iota
	asBytes
	asInt
	asBool
	asTime
	asStrings // a []string, as JSON
	asJSON
)

var (
	timeType    = reflect.TypeFor[time.Time]()
	stringsType = reflect.TypeFor[[]string]()
)

// planOf reads the `record:"name[,term][,text]"` tags of struct type t. "id" and "expires" name the key and the expiry;
// fields without a tag are not stored.
func planOf(t reflect.Type, k *Kind) (*plan, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("record: %s is not a struct", t)
	}
	p := &plan{}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("record")
		if !ok {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		term, text, err := tagOptions(t, f, opts)
		if err != nil {
			return nil, err
		}
		switch name {
		case "id":
			if p.id != nil {
				return nil, fmt.Errorf("record: %s.%s: a second id", t, f.Name)
			}
			if f.Type.Kind() != reflect.String {
				return nil, fmt.Errorf("record: %s.%s: an id is a string", t, f.Name)
			}
			p.id = f.Index
		case "expires":
			if p.expires != nil {
				return nil, fmt.Errorf("record: %s.%s: a second expiry", t, f.Name)
			}
			if f.Type != timeType {
				return nil, fmt.Errorf("record: %s.%s: an expiry is a time.Time", t, f.Name)
			}
			p.expires = f.Index
		default:
			c := columnOf(name, f, text)
			p.columns = append(p.columns, c)
			k.Fields = append(k.Fields, Field{Name: name, Type: c.typ, Term: term})
		}
	}
	if p.id == nil {
		return nil, fmt.Errorf("record: %s has no field tagged `record:\"id\"`", t)
	}
	return p, nil
}

// tagOptions reads what follows the name in the tag of field f.
func tagOptions(t reflect.Type, f reflect.StructField, opts string) (term, text bool, err error) {
	if !f.IsExported() {
		return false, false, fmt.Errorf("record: %s.%s is tagged and not exported", t, f.Name)
	}
	for n := 1; n < len(f.Index); n++ {
		if t.FieldByIndex(f.Index[:n]).Type.Kind() == reflect.Pointer {
			return false, false, fmt.Errorf("record: %s.%s is embedded by pointer", t, f.Name)
		}
	}
	for opt := range strings.SplitSeq(opts, ",") {
		switch {
		case opt == "term":
			term = true
		case opt == "text" && f.Type.Kind() == reflect.String:
			text = true
		case opt == "text":
			return false, false, fmt.Errorf("record: %s.%s: text is for strings", t, f.Name)
		case opt != "":
			return false, false, fmt.Errorf("record: %s.%s: unknown option %q in the tag", t, f.Name, opt)
		}
	}
	return term, text, nil
}

func columnOf(name string, f reflect.StructField, text bool) column {
	c := column{name: name, index: f.Index}
	switch {
	case f.Type == timeType:
		c.typ, c.code = Time, asTime
	case f.Type.Kind() == reflect.String && text:
		c.typ, c.code = Text, asString
	case f.Type.Kind() == reflect.String:
		c.typ, c.code = String, asString
	case f.Type.Kind() == reflect.Bool:
		c.typ, c.code = Bool, asBool
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Uint8:
		c.typ, c.code = Bytes, asBytes
	case f.Type.Kind() >= reflect.Int && f.Type.Kind() <= reflect.Int64:
		c.typ, c.code = Int, asInt
	case f.Type == stringsType:
		c.typ, c.code = JSON, asStrings
	default:
		c.typ, c.code = JSON, asJSON
	}
	return c
}

// encode fills the id, row and expiry of a record from the struct in v.
func (p *plan) encode(v reflect.Value, kind string) (Record, error) {
	r := Record{Row: make(Row, len(p.columns))}
	r.ID = v.FieldByIndex(p.id).String()
	if p.expires != nil {
		r.Expires = milli(v.FieldByIndex(p.expires).Interface().(time.Time))
	}
	for i, c := range p.columns {
		f := v.FieldByIndex(c.index)
		switch c.code {
		case asString:
			r.Row[i] = Value{t: c.typ, s: f.String()}
		case asBytes:
			r.Row[i] = BytesValue(f.Bytes())
		case asInt:
			r.Row[i] = IntValue(f.Int())
		case asBool:
			r.Row[i] = BoolValue(f.Bool())
		case asTime:
			r.Row[i] = TimeValue(f.Interface().(time.Time))
		case asStrings:
			text, why := encodeStrings(f.Interface().([]string))
			if why != "" {
				return r, &ValueError{kind, c.name, why}
			}
			r.Row[i] = JSONValue(text)
		case asJSON:
			if f.IsZero() {
				continue
			}
			if why := deepFault(f); why != "" {
				return r, &ValueError{kind, c.name, why}
			}
			b, err := json.Marshal(f.Interface())
			if err != nil {
				return r, &ValueError{kind, c.name, err.Error()}
			}
			r.Row[i] = JSONValue(string(b))
		}
	}
	return r, nil
}

// decode fills the struct in v from a record. Values that a row does not have, and absent ones, stay zero.
func (p *plan) decode(r Record, v reflect.Value) error {
	v.FieldByIndex(p.id).SetString(r.ID)
	if p.expires != nil && !r.Expires.IsZero() {
		*(v.FieldByIndex(p.expires).Addr().Interface().(*time.Time)) = r.Expires.UTC()
	}
	for i, c := range p.columns[:min(len(p.columns), len(r.Row))] {
		val := r.Row[i]
		if val.t == 0 {
			continue
		}
		if val.t != c.typ {
			return fmt.Errorf("%w: %s/%s: field %s is %s, not %s", ErrCorrupt, r.Kind, r.ID, c.name, val.t, c.typ)
		}
		f := v.FieldByIndex(c.index)
		switch c.code {
		case asString:
			f.SetString(val.s)
		case asBytes:
			f.SetBytes([]byte(val.s))
		case asInt:
			if f.OverflowInt(val.n) {
				return fmt.Errorf("%w: %s/%s: field %s: %d is too large", ErrCorrupt, r.Kind, r.ID, c.name, val.n)
			}
			f.SetInt(val.n)
		case asBool:
			f.SetBool(val.n != 0)
		case asTime:
			*(f.Addr().Interface().(*time.Time)) = val.Time()
		case asStrings:
			list, err := decodeStrings(val.s)
			if err != nil {
				return fmt.Errorf("%w: %s/%s: field %s: %v", ErrCorrupt, r.Kind, r.ID, c.name, err)
			}
			*(f.Addr().Interface().(*[]string)) = list
		case asJSON:
			if err := json.Unmarshal([]byte(val.s), f.Addr().Interface()); err != nil {
				return fmt.Errorf("%w: %s/%s: field %s: %v", ErrCorrupt, r.Kind, r.ID, c.name, err)
			}
		}
	}
	return nil
}

func milli(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}

// deepFault looks for text that JSON encoding would silently change or that a backend refuses.
func deepFault(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return textFault(v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return deepFault(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if why := deepFault(v.Index(i)); why != "" {
				return why
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if why := cmp.Or(deepFault(it.Key()), deepFault(it.Value())); why != "" {
				return why
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if why := deepFault(v.Field(i)); why != "" {
				return why
			}
		}
	}
	return ""
}
