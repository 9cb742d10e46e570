package mongo

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/oneauth-go/oneauth/core/record"
)

// Names in a document beside the fields of its kind, which begin with a letter and are never called like the others.
const (
	idName      = "_id"
	revName     = "rev"
	versionName = "version"
	widthName   = "_fields" // how many values the row has
	expiresName = "expires"
	checksName  = "_checks" // counted up by Check, so that checking is writing
)

// tenantPrefix begins the _id of every record of a tenant, and of no other one.
func tenantPrefix(tenant string) string { return url.PathEscape(tenant) + "/" }

// afterTenant is greater than every _id of a tenant, and not greater than those of tenants behind it.
func afterTenant(tenant string) string { return url.PathEscape(tenant) + string(rune('/'+1)) }

// docID is the _id of a key. Within a tenant it sorts as the ids do, by bytes.
func docID(k record.Key) string { return tenantPrefix(k.Tenant) + k.ID }

// splitID takes apart what docID made.
func splitID(docID string) (tenant, id string, err error) {
	escaped, id, ok := strings.Cut(docID, "/")
	if tenant, err = url.PathUnescape(escaped); err != nil || !ok {
		return "", "", fmt.Errorf("%w: _id %q", record.ErrCorrupt, docID)
	}
	return tenant, id, nil
}

// encode makes the document of r, whose row is not wider than k.
func (k *kind) encode(r record.Record) (bson.D, error) {
	doc := bson.D{
		{Key: idName, Value: docID(r.Key)},
		{Key: revName, Value: r.Rev},
		{Key: versionName, Value: int64(r.Version)},
		{Key: widthName, Value: int64(len(r.Row))},
	}
	if !r.Expires.IsZero() {
		doc = append(doc, bson.E{Key: expiresName, Value: bson.DateTime(r.Expires.UnixMilli())})
	}
	for i, v := range r.Row {
		f := k.fields[i]
		if v.IsAbsent() {
			continue
		}
		if v.Type() != f.Type {
			return nil, &record.ValueError{Kind: k.name, Field: f.Name, Reason: fmt.Sprintf("is of type %s, not %s", v.Type(), f.Type)}
		}
		doc = append(doc, bson.E{Key: f.Name, Value: encodeValue(v)})
	}
	return doc, nil
}

// encodeValue returns v in the BSON type of its own.
func encodeValue(v record.Value) any {
	switch v.Type() {
	case record.Bytes:
		return bson.Binary{Data: []byte(v.Text())}
	case record.Int:
		return v.Int()
	case record.Bool:
		return v.Bool()
	case record.Time:
		return bson.DateTime(v.Int())
	case record.JSON:
		if list, ok := stringList(v.Text()); ok {
			return list
		}
	}
	return v.Text()
}

// stringList returns the list in a JSON text, if listText makes the same text of it again.
func stringList(text string) ([]string, bool) {
	if !strings.HasPrefix(text, "[") {
		return nil, false
	}
	list := []string{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, false
	}
	again, err := listText(list)
	return list, err == nil && again == text
}

func listText(list []string) (string, error) {
	b, err := json.Marshal(list)
	return string(b), err
}

// width returns how many values the row of a document has.
func width(doc bson.Raw) (int, error) {
	n, ok := doc.Lookup(widthName).AsInt64OK()
	if !ok || n < 0 || n > 1<<16 {
		return 0, fmt.Errorf("%w: document %v: %s is not a count", record.ErrCorrupt, doc.Lookup(idName), widthName)
	}
	return int(n), nil
}

// decode makes a record of a document, whose row has n values; k has at least as many fields.
func (k *kind) decode(doc bson.Raw, n int) (record.Record, error) {
	r := record.Record{Row: make(record.Row, n)}
	elements, err := doc.Elements()
	if err != nil {
		return r, fmt.Errorf("%w: kind %s: %v", record.ErrCorrupt, k.name, err)
	}
	for _, e := range elements {
		ok, v := true, e.Value()
		switch name := e.Key(); name {
		case idName:
			var id string
			if id, ok = v.StringValueOK(); ok {
				r.Kind = k.name
				if r.Tenant, r.ID, err = splitID(id); err != nil {
					return r, err
				}
			}
		case revName:
			r.Rev, ok = v.Int64OK()
		case versionName:
			var version int64
			version, ok = v.AsInt64OK()
			r.Version = int(version)
		case expiresName:
			var ms int64
			ms, ok = v.DateTimeOK()
			r.Expires = time.UnixMilli(ms).UTC()
		default:
			i, known := k.positions[name]
			if known && i < n {
				r.Row[i], ok = decodeValue(k.fields[i].Type, v)
			}
		}
		if !ok {
			return r, fmt.Errorf("%w: kind %s: document %v: field %s is of BSON type %s",
				record.ErrCorrupt, k.name, doc.Lookup(idName), e.Key(), v.Type)
		}
	}
	if r.Kind == "" || r.Rev == 0 {
		return r, fmt.Errorf("%w: kind %s: a document without %s or %s", record.ErrCorrupt, k.name, idName, revName)
	}
	return r, nil
}

// decodeValue is the inverse of encodeValue, and takes null for an absent value.
func decodeValue(t record.Type, v bson.RawValue) (record.Value, bool) {
	if v.Type == bson.TypeNull {
		return record.Value{}, true
	}
	switch t {
	case record.String:
		s, ok := v.StringValueOK()
		return record.StringValue(s), ok
	case record.Text:
		s, ok := v.StringValueOK()
		return record.TextValue(s), ok
	case record.Bytes:
		_, b, ok := v.BinaryOK()
		return record.BytesValue(b), ok
	case record.Int:
		n, ok := v.Int64OK()
		return record.IntValue(n), ok
	case record.Bool:
		b, ok := v.BooleanOK()
		return record.BoolValue(b), ok
	case record.Time:
		ms, ok := v.DateTimeOK()
		return record.TimeValue(time.UnixMilli(ms)), ok
	}
	if s, ok := v.StringValueOK(); ok {
		return record.JSONValue(s), true
	}
	var list []string
	if v.Type != bson.TypeArray || v.Unmarshal(&list) != nil {
		return record.Value{}, false
	}
	text, err := listText(list)
	return record.JSONValue(text), err == nil
}
