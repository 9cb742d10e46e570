package redis

import (
	"fmt"
	"strconv"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// The fields of a record's hash beside its values. None but rowField can be mistaken for one: kinds may not use the other
// names, and "#" is no name.
const (
	revField     = "rev"
	versionField = "version"
	expiresField = "expires" // Unix milliseconds; missing: never
	rowField     = "#"       // how many values the row has, absent ones included
)

// hash returns the fields and values of a record, in turn.
func (k *kind) hash(r record.Record) ([]string, error) {
	if len(r.Row) > len(k.Fields) {
		return nil, fmt.Errorf("%w: %d values in %s %q", errUndeclared, len(r.Row), r.Kind, r.ID)
	}
	h := make([]string, 0, 2*(4+len(r.Row)))
	h = append(h, revField, revision(r.Rev), versionField, strconv.Itoa(r.Version), rowField, strconv.Itoa(len(r.Row)))
	if !r.Expires.IsZero() {
		h = append(h, expiresField, strconv.FormatInt(r.Expires.UnixMilli(), 10))
	}
	for i, v := range r.Row {
		if !v.IsAbsent() {
			h = append(h, k.Fields[i].Name, text(v))
		}
	}
	return h, nil
}

// revision is how a revision is written; none is "".
func revision(rev int64) string {
	if rev == 0 {
		return ""
	}
	return strconv.FormatInt(rev, 10)
}

func text(v record.Value) string {
	switch v.Type() {
	case record.Int, record.Time:
		return strconv.FormatInt(v.Int(), 10)
	case record.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return v.Text()
}

func (f field) value(s string) (record.Value, error) {
	switch f.kind {
	case record.String:
		return record.StringValue(s), nil
	case record.Text:
		return record.TextValue(s), nil
	case record.Bytes:
		return record.BytesValue([]byte(s)), nil
	case record.JSON:
		return record.JSONValue(s), nil
	case record.Bool:
		b, err := strconv.ParseBool(s)
		return record.BoolValue(b), err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if f.kind == record.Time {
		return record.TimeValue(time.UnixMilli(n)), err
	}
	return record.IntValue(n), err
}

// decode makes a record of its hash: fields and values in turn, as Redis returns them.
func (k *kind) decode(key record.Key, hash []any) (record.Record, error) {
	values := make(map[string]string, len(hash)/2)
	for i := 0; i+1 < len(hash); i += 2 {
		name, ok1 := hash[i].(string)
		value, ok2 := hash[i+1].(string)
		if !ok1 || !ok2 {
			return record.Record{}, fmt.Errorf("%w: a hash of %T and %T", errAnswer, hash[i], hash[i+1])
		}
		values[name] = value
	}
	return k.fromHash(key, values)
}

func (k *kind) fromHash(key record.Key, values map[string]string) (record.Record, error) {
	corrupt := func(name string) error {
		return fmt.Errorf("%w: %s %q: %s is %q", record.ErrCorrupt, key.Kind, key.ID, name, values[name])
	}
	r := record.Record{Key: key}
	var err error
	if r.Rev, err = strconv.ParseInt(values[revField], 10, 64); err != nil || r.Rev == 0 {
		return r, corrupt(revField)
	}
	if r.Version, err = strconv.Atoi(values[versionField]); err != nil {
		return r, corrupt(versionField)
	}
	if ms, ok := values[expiresField]; ok {
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			return r, corrupt(expiresField)
		}
		r.Expires = time.UnixMilli(n).UTC()
	}
	n, err := strconv.Atoi(values[rowField])
	if err != nil || n < 0 {
		return r, corrupt(rowField)
	}
	if n > len(k.Fields) {
		return r, fmt.Errorf("%w: %d values in %s %q", errUndeclared, n, key.Kind, key.ID)
	}
	r.Row = make(record.Row, n)
	for i, f := range k.Fields[:n] {
		s, ok := values[f.Name]
		if !ok {
			continue
		}
		if r.Row[i], err = f.value(s); err != nil {
			return r, corrupt(f.Name)
		}
	}
	return r, nil
}
