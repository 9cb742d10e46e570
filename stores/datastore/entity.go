package datastore

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// Properties beside the fields of a kind, which never have these names.
const (
	revProperty     = "rev"
	versionProperty = "version"
	purgeProperty   = "purge_at" // the expiry, for Sweep
	fieldsProperty  = "_fields"  // how many values the row has, absent ones included
)

// maxIndexed is how many bytes an indexed string may have.
const maxIndexed = 1500

// Datastore keeps times of the years 1 to 9999.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// encode makes the properties of a record, whose row has no more values than the layout has fields.
func (l *layout) encode(r record.Record) (datastore.PropertyList, error) {
	props := datastore.PropertyList{
		{Name: revProperty, Value: r.Rev, NoIndex: true},
		{Name: versionProperty, Value: int64(r.Version), NoIndex: true},
		{Name: fieldsProperty, Value: int64(len(r.Row)), NoIndex: true},
	}
	if !r.Expires.IsZero() {
		if outOfRange(r.Expires) {
			return nil, &record.ValueError{Kind: l.kind, Field: "expires", Reason: "is outside of the years 1 to 9999"}
		}
		props = append(props, datastore.Property{Name: purgeProperty, Value: r.Expires.UTC()})
	}
	for i, v := range r.Row {
		p := datastore.Property{Name: l.fields[i].Name, NoIndex: true}
		switch v.Type() {
		case 0:
			continue
		case record.String:
			p.Value, p.NoIndex = v.Text(), len(v.Text()) > maxIndexed
		case record.Text, record.JSON:
			p.Value = v.Text()
		case record.Bytes:
			p.Value = []byte(v.Text())
		case record.Int:
			p.Value = v.Int()
		case record.Bool:
			p.Value = v.Bool()
		case record.Time:
			if outOfRange(v.Time()) {
				return nil, &record.ValueError{Kind: l.kind, Field: p.Name, Reason: "is outside of the years 1 to 9999"}
			}
			p.Value = v.Time()
		}
		props = append(props, p)
	}
	return props, nil
}

func outOfRange(t time.Time) bool { return t.Before(minTime) || t.After(maxTime) }

// record makes the record under k from its entity, whose parts are joined.
func (s *Store) record(ctx context.Context, k record.Key, props datastore.PropertyList) (record.Record, error) {
	r := record.Record{Key: k, Rev: integer(props, revProperty), Version: int(integer(props, versionProperty)), Expires: purgeAt(props)}
	n := int(integer(props, fieldsProperty))
	if r.Rev == 0 || n < 0 {
		return r, fmt.Errorf("%w: %s entity %q has no revision", record.ErrCorrupt, k.Kind, k.ID)
	}
	l, err := s.layout(ctx, k.Kind, n)
	if err != nil {
		return r, err
	}
	r.Row = make(record.Row, n)
	for _, p := range props {
		i := l.property(p.Name)
		if i < 0 || i >= n {
			continue // ours, or one that the application added
		}
		var ok bool
		if r.Row[i], ok = value(l.fields[i].Type, p.Value); !ok {
			return r, fmt.Errorf("%w: %s entity %q: property %s is a %T", record.ErrCorrupt, k.Kind, k.ID, p.Name, p.Value)
		}
	}
	return r, nil
}

// value makes a value of type t, unless the property is of another one. Null is absent.
func value(t record.Type, v any) (record.Value, bool) {
	switch v := v.(type) {
	case nil:
		return record.Value{}, true
	case string:
		switch t {
		case record.String:
			return record.StringValue(v), true
		case record.Text:
			return record.TextValue(v), true
		case record.JSON:
			return record.JSONValue(v), true
		}
	case joined:
		if t == record.Bytes {
			return record.BytesValue(v), true
		}
		return value(t, string(v))
	case []byte:
		return record.BytesValue(v), t == record.Bytes
	case int64:
		return record.IntValue(v), t == record.Int
	case bool:
		return record.BoolValue(v), t == record.Bool
	case time.Time:
		return record.TimeValue(v), t == record.Time
	}
	return record.Value{}, false
}

// integer returns an integer property, or 0.
func integer(props datastore.PropertyList, name string) int64 {
	for _, p := range props {
		if n, ok := p.Value.(int64); ok && p.Name == name {
			return n
		}
	}
	return 0
}

// purgeAt returns the expiry, or the zero time.
func purgeAt(props datastore.PropertyList) time.Time {
	for _, p := range props {
		if t, ok := p.Value.(time.Time); ok && p.Name == purgeProperty {
			return t.UTC()
		}
	}
	return time.Time{}
}

// foreign returns the properties that are none of ours.
func (l *layout) foreign(props datastore.PropertyList) datastore.PropertyList {
	var out datastore.PropertyList
	for _, p := range props {
		switch p.Name {
		case revProperty, versionProperty, purgeProperty, fieldsProperty:
		default:
			if l.property(p.Name) < 0 {
				out = append(out, p)
			}
		}
	}
	return out
}
