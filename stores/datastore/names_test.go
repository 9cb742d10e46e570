package datastore

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core/record"
)

var serviceReserves = regexp.MustCompile(`(?s)^__.*__$`)

// Whatever tenants and ids contain: names are valid, distinct, in the order of ids, and give the id back.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a", "/", "__x__", "_", "%2F", "a/b", "é", strings.Repeat("/", 200), strings.Repeat("\U0010ffff", 50), record.System} {
		f.Add(s, "b", "c", "d")
		f.Add("t", s, s+"x", "t/"+s)
		f.Add("__"+s, s+"__", "_", "_"+s+"_")
	}
	f.Fuzz(func(t *testing.T, tenant1, id1, tenant2, id2 string) {
		for _, s := range []string{tenant1, id1, tenant2, id2} {
			if s == "" || len(s) > record.MaxID || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
				return
			}
		}
		for _, n := range []names{{Shared, "", "oneauth_"}, {PerTenant, "oneauth-", "oneauth_"}} {
			a := n.entity(record.Key{Tenant: tenant1, Kind: "k", ID: id1})
			b := n.entity(record.Key{Tenant: tenant2, Kind: "k", ID: id2})
			if same := tenant1 == tenant2 && id1 == id2; a.Equal(b) != same {
				t.Errorf("%v and %v", a, b)
			}
			if len(a.Name) > 1500 || serviceReserves.MatchString(a.Name) || len(a.Namespace) > maxNamespace ||
				!namespaceRE.MatchString(a.Namespace[:min(len(a.Namespace), 40)]) {
				t.Errorf("key %v is not valid", a)
			}
			if back, err := n.id(tenant1, a); err != nil || back != id1 {
				t.Errorf("%v is of id %q, %v", a, back, err)
			}
			c := n.entity(record.Key{Tenant: tenant1, Kind: "k", ID: id2})
			if (a.Name < c.Name) != (id1 < id2) {
				t.Errorf("%q and %q are in another order than their names", id1, id2)
			}
			low, high, _ := n.bounds(record.Query{Tenant: tenant1})
			if inside := b.Name >= low && b.Name < high && b.Namespace == a.Namespace; inside != (tenant1 == tenant2) {
				t.Errorf("tenant %q: key %v within its bounds is %v", tenant1, b, inside)
			}
		}
	})
}

// A bound may be longer than a key: what it is cut to has the same ids on either side.
func FuzzCut(f *testing.F) {
	f.Add(strings.Repeat("é", 150), strings.Repeat("é", 100))
	f.Add(strings.Repeat("a", 201), strings.Repeat("a", 200))
	f.Fuzz(func(t *testing.T, bound, id string) {
		if len(id) > record.MaxID || !utf8.ValidString(id) || !utf8.ValidString(bound) {
			return
		}
		short := cut(bound)
		if (id >= bound) != (id >= short) || len(short) > record.MaxID+utf8.UTFMax || !utf8.ValidString(short) {
			t.Errorf("id %q, bound %q, cut to %q", id, bound, short)
		}
	})
}
