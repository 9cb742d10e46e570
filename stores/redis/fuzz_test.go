package redis

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// Whatever is in a hash, decoding ends with an error or with a record that is written as it was read.
func FuzzHash(f *testing.F) {
	f.Add("9", "1", "3", "1772366400123", "ann", "-5", "true")
	f.Add("9223372036854775807", "2", "0", "", "", "", "")
	f.Add("x", "", "-1", "1e9", "\x00", "0x1", "maybe")
	c, err := parseCatalogue(`{"generation":1,"kinds":{"thing":{"fields":[{"name":"owner","type":"string","term":1},` +
		`{"name":"at","type":"time"},{"name":"on","type":"bool"}]}}}`)
	if err != nil {
		f.Fatal(err)
	}
	k := c.Kinds["thing"]
	f.Fuzz(func(t *testing.T, rev, version, row, expires, owner, at, on string) {
		values := map[string]string{revField: rev, versionField: version, rowField: row, "owner": owner, "at": at, "on": on}
		if expires != "" {
			values[expiresField] = expires
		}
		key := record.Key{Tenant: "t1", Kind: "thing", ID: "a"}
		r, err := k.fromHash(key, values)
		if err != nil {
			return
		}
		hash, err := k.hash(r)
		if err != nil {
			t.Fatal(err)
		}
		list := make([]any, len(hash))
		for i, s := range hash {
			list[i] = s
		}
		again, err := k.decode(key, list)
		if err != nil || again.Rev != r.Rev || again.Version != r.Version || !again.Expires.Equal(r.Expires) || len(again.Row) != len(r.Row) {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
		for i := range r.Row {
			if again.Row[i] != r.Row[i] {
				t.Errorf("value %d: %v came back as %v", i, r.Row[i], again.Row[i])
			}
		}
	})
}

// The stored schema is read, or refused; and no tenant's escaped name can leave its braces.
func FuzzSchema(f *testing.F) {
	f.Add(`{"generation":1,"kinds":{"thing":{"fields":[{"name":"owner","type":"string","term":1}]}}}`)
	f.Add(`{"kinds":{"thing":null}}`)
	f.Add(`}{`)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCatalogue(text); err == nil {
			if _, err := c.merge(record.Schema{Kinds: []*record.Kind{{Name: "thing", Version: 1}}}); err != nil {
				t.Error(err)
			}
		}
		for _, b := range []byte(escape(text)) {
			if b == '{' || b == '}' || b < ' ' || b > '~' {
				t.Fatalf("escape(%q) has %q", text, b)
			}
		}
	})
}
