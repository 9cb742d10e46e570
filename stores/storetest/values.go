package storetest

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var valueLaws = []law{
	{"of every type come back as they went in", valuesRoundTrip},
	{"of every type come back from the backend itself", valuesAtBackend},
	{"are replaced by absent ones", valuesBecomeAbsent},
	{"that cannot be stored are refused by name, and change nothing", valuesRefused},
	{"are kept to the byte, whatever they mean elsewhere", valuesHostile},
}

// sampleDocs hold ordinary, extreme and absent values of every type.
func sampleDocs() []doc {
	return []doc{
		{ID: "zero"},
		{ID: "plain", Owner: "u1", Group: "g1", Plain: "p", Text: "t", Bytes: []byte{1}, N: 1, On: true,
			At: time.UnixMilli(1772366400123).UTC(), Labels: map[string]string{"k": "v"}},
		{ID: "max", Owner: strings.Repeat("o", record.MaxID), Plain: strings.Repeat("ü", record.MaxID/2),
			Text: strings.Repeat("long ", 40_000), Bytes: bytes.Repeat([]byte{0, 255, 1}, 60_000), N: math.MaxInt64, On: true,
			At: time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC), Labels: map[string]string{"": ""}},
		{ID: "min", N: math.MinInt64, At: time.Date(1, 1, 1, 0, 0, 0, 1e6, time.UTC)},
		{ID: "epoch", N: -1, At: time.Unix(0, 0).UTC(), Until: time.Unix(0, 0).UTC()},
		{ID: "before the epoch", At: time.Date(1969, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		{ID: "beyond 2^53", N: 1<<53 + 1},
		{ID: "bytes", Bytes: allBytes()},
		{ID: "empty", Labels: map[string]string{}},
		{ID: "unicode", Text: "e\u0301 é \u202e \ufeff 😀 \U0010ffff \r\n\t\u0001\u007f\u0085\u2028", Owner: "é", Group: "e\u0301",
			Labels: map[string]string{"<&>": "\u2028\"\\", "😀": "\u0001"}},
	}
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func valuesRoundTrip(e *env) {
	db := e.db(0)
	for _, want := range sampleDocs() {
		e.must(db.Update(e.ctx, func(tx *record.Tx) error { d := want; return docs.In(tx).Insert(&d) }))
		e.clockAt(want.Until)
		e.must(e.db(1).View(e.ctx, func(tx *record.Tx) error {
			got, err := docs.In(tx).Get(want.ID)
			if err != nil {
				return err
			}
			e.wantDoc(*got, want)
			return nil
		}))
	}
}

// clockAt puts the clock just before t, so that what expires then can be read; a zero t leaves it alone.
func (e *env) clockAt(t time.Time) {
	if !t.IsZero() {
		e.clock.Set(t.Add(-time.Millisecond))
	}
}

func (e *env) wantDoc(got, want doc) {
	e.Helper()
	if got.At.Location() != time.UTC || got.Until.Location() != time.UTC {
		e.Errorf("%s: times are in %v and %v, want UTC", want.ID, got.At.Location(), got.Until.Location())
	}
	if !reflect.DeepEqual(got, want) {
		e.Errorf("%s came back as\n%.300v, want\n%.300v", want.ID, got, want)
	}
}

func valuesAtBackend(e *env) {
	b := e.backend()
	for _, v := range []record.Value{
		{}, record.StringValue(""), record.StringValue("null"), record.TextValue(""), record.IntValue(0),
		record.IntValue(math.MinInt64), record.IntValue(math.MaxInt64), record.BoolValue(false), record.BoolValue(true),
		record.TimeValue(time.Unix(0, 0)), record.TimeValue(time.UnixMilli(-1)), record.BytesValue([]byte{0}),
		record.JSONValue(`{"b": 1.0, "a":[1e400, "\u00e9"],"b":2}`), record.JSONValue(`""`), record.JSONValue(`false`),
	} {
		row := make(record.Row, len(docs.Kind().Fields))
		for i, f := range docs.Kind().Fields {
			if f.Type == v.Type() {
				row[i] = v
			}
		}
		r := record.Record{Key: record.Key{Tenant: tenant, Kind: "table", ID: "a"}, Rev: e.rev(), Version: 1, Row: row}
		e.must(e.commit(b, record.Op{Record: r, Verb: record.Put}))
		e.wantRecord(*e.get(b, r.Key), r)
		e.must(e.commit(b, record.Op{Record: record.Record{Key: r.Key}, Verb: record.Delete, Want: r.Rev}))
	}
}

func valuesBecomeAbsent(e *env) {
	db := e.db(0)
	full := sampleDocs()[1]
	full.Until = e.clock.Now().Add(time.Hour)
	e.must(db.Update(e.ctx, func(tx *record.Tx) error { return docs.In(tx).Insert(&full) }))
	e.must(db.Update(e.ctx, func(tx *record.Tx) error { return docs.In(tx).Put(&doc{ID: full.ID}) }))
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		got, err := docs.In(tx).Get(full.ID)
		if err == nil {
			e.wantDoc(*got, doc{ID: full.ID})
		}
		return err
	}))
}

func valuesRefused(e *env) {
	db := e.db(0)
	long := strings.Repeat("x", record.MaxID+1)
	for _, c := range []struct {
		field string
		bad   doc
	}{
		{"id", doc{ID: ""}}, {"id", doc{ID: long}}, {"id", doc{ID: "a\x00b"}}, {"id", doc{ID: "a\xffb"}},
		{"owner", doc{ID: "a", Owner: long}}, {"owner", doc{ID: "a", Owner: "\x00"}}, {"group", doc{ID: "a", Group: "\xc3"}},
		{"select", doc{ID: "a", Plain: long}}, {"from", doc{ID: "a", Text: "x\x00"}}, {"from", doc{ID: "a", Text: "\xed\xa0\x80"}},
		{"values", doc{ID: "a", Labels: map[string]string{"k": "\x00"}}},
		{"values", doc{ID: "a", Labels: map[string]string{"\xff": "v"}}},
	} {
		err := db.Update(e.ctx, func(tx *record.Tx) error {
			if err := docs.In(tx).Insert(&doc{ID: "other"}); err != nil {
				return err
			}
			return docs.In(tx).Insert(&c.bad)
		})
		var bad *record.ValueError
		if !errors.As(err, &bad) || bad.Kind != "table" || bad.Field != c.field {
			e.Errorf("%.80v: error is %v, want a ValueError for table.%s", c.bad, err, c.field)
		}
	}
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		all, err := docs.In(tx).All(record.Page{})
		if len(all) != 0 {
			e.Errorf("refused transactions left %d records", len(all))
		}
		return err
	}))
}

// hostile are values with a meaning somewhere: in SQL, MongoDB, Redis, file systems, templates, shells, terminals.
var hostile = []string{
	`{"$ne":""}`, `{"$gt":""}`, `$where`, `a.b`, `$`, `.`, `..`, `../../etc/passwd`, `..\..\x`, `CON`, `con`, `NUL`, `a/b`,
	`a//b`, `/a`, `a/`, `a\b`, `%`, `_`, `a%`, `a_b`, `a__b`, `'`, `''`, `"`, "`", `' OR '1'='1`, `'; DROP TABLE item; --`,
	"a\r\nSET x y", "a\nb", "a\tb", "*3\r\n$3\r\nDEL", `:`, `a:b`, `a::b`, `{a}`, `{`, `}`, `[a]`, `*`, `?`, `a*`, `#`, `a#b`,
	`;`, `--`, `/*`, `$(id)`, `<script>alert(1)</script>`, `{{.}}`, `%s%n`, `%00`, `%2e%2e%2f`, `\x00`, `\0`, `\u0000`, `null`,
	`true`, `0`, `00`, `-0`, `1e3`, `NaN`, `_id`, `__proto__`, `a@b.example`, `A@b.example`, `a `, ` a`, ` `, "\u00a0", "a\u200b", "ａ",
	"é", "e\u0301", "ß", "ss", "SS", "ı", "i", "I", "İ", "K", "k", "\u212a", "\u00c5", "\u212b", "\u202eabc", "\ufeff", "\ufffd", "😀", "\U0010ffff", "\u007f", "\u0001",
}

func valuesHostile(e *env) {
	db := e.db(0)
	for i, v := range hostile {
		d := doc{ID: string(rune('a'+i/26)) + string(rune('a'+i%26)), Owner: v, Group: "all", Plain: v, Text: v, Bytes: []byte(v),
			Labels: map[string]string{v: v}}
		e.must(db.Update(e.ctx, func(tx *record.Tx) error { return docs.In(tx).Insert(&d) }))
	}
	e.must(db.View(e.ctx, func(tx *record.Tx) error {
		all, err := docs.In(tx).Find("group", "all", record.Page{})
		if len(all) != len(hostile) {
			e.Errorf("found %d records, want %d", len(all), len(hostile))
		}
		for i, d := range all {
			v := hostile[i]
			if d.Owner != v || d.Plain != v || d.Text != v || string(d.Bytes) != v || d.Labels[v] != v {
				e.Errorf("%q came back as %+v", v, d)
			}
			same, err := docs.In(tx).Find("owner", v, record.Page{})
			if err != nil || len(same) != 1 || same[0].ID != d.ID {
				e.Errorf("by the value %q there are %d records, %v; want its own alone", v, len(same), err)
			}
		}
		return err
	}))
}
