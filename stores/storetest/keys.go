package storetest

import (
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

var keyLaws = []law{
	{"are literal and distinct, whatever they mean elsewhere", keysDistinct},
	{"may be 200 bytes", keysLong},
	{"of tenants do not bleed into each other", keysTenants},
	{"of kinds do not bleed into each other", keysKinds},
	{"that share what separates their parts stay apart", keysSeparators},
}

// trickyIDs are hostile values, prefixes of each other and other ids that some store might take for the same.
func trickyIDs() []string {
	ids := slices.Clone(hostile)
	ids = append(ids, sortedIDs...)
	for n := 1; n <= 20; n++ {
		ids = append(ids, strings.Repeat("p", n), "p"+strings.Repeat("\u0001", n), "p"+strings.Repeat("\U0010ffff", n), "p"+strings.Repeat(" ", n))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func keysDistinct(e *env) {
	b := e.backend()
	ids := trickyIDs()
	revs := map[string]int64{}
	for _, id := range ids {
		r := itemRecord(e.rev(), id, "x", 0)
		revs[id] = r.Rev
		e.must(e.commit(b, putOp(0, r)))
	}
	for _, id := range ids {
		if got := e.get(b, itemKey(id)); got == nil || got.Rev != revs[id] {
			e.Errorf("id %q: got %v", id, got)
		}
	}
	e.wantIDs(e.find(b, itemQuery("", "")), ids...)
	e.wantIDs(e.find(b, itemQuery("owner", "x")), ids...)
	for _, id := range ids {
		q := itemQuery("owner", "x")
		q.After, q.Limit = id, 1
		i, _ := slices.BinarySearch(ids, id)
		e.wantIDs(e.find(b, q), ids[i+1:min(i+2, len(ids))]...)
	}
	for i, id := range ids {
		if i%2 == 0 {
			e.must(e.commit(b, keyOp(record.Delete, revs[id], id)))
		}
	}
	var left []string
	for i := 1; i < len(ids); i += 2 {
		left = append(left, ids[i])
	}
	e.wantIDs(e.find(b, itemQuery("", "")), left...)
}

func keysLong(e *env) {
	b := e.backend()
	base := strings.Repeat("k", record.MaxID-1)
	ids := []string{base, base + "a", base + "b", strings.Repeat("ü", record.MaxID/2), strings.Repeat("😀", record.MaxID/4)}
	owner := strings.Repeat("ö", record.MaxID/2)
	e.fill(b, owner, ids...)
	e.wantIDs(e.find(b, itemQuery("owner", owner)), ids...)
	e.wantIDs(e.find(b, itemQuery("owner", owner[:len(owner)-2])))
	for _, id := range ids {
		if e.get(b, itemKey(id)) == nil {
			e.Errorf("id of %d bytes is not found", len(id))
		}
	}
	long := strings.Repeat("t", record.MaxID)
	r := itemRecord(e.rev(), base+"a", owner, 0)
	r.Tenant = long
	e.must(e.commit(b, putOp(0, r)))
	e.wantRecord(*e.get(b, r.Key), r)
}

func keysTenants(e *env) {
	b := e.backend()
	tenants := []string{"t", "t1", "t1 ", "T1", "t1/item", "t1:item", "t1%", "%", "_", record.System, "ｔ1"}
	for _, t := range tenants {
		r := itemRecord(e.rev(), "a", "x", 1)
		r.Tenant = t
		own := itemRecord(e.rev(), "only "+t, "x", 1)
		own.Tenant = t
		e.must(e.commit(b, putOp(0, r), putOp(0, own)))
	}
	for _, t := range tenants {
		for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
			q.Tenant = t
			e.wantIDs(e.find(b, q), "a", "only "+t)
		}
	}
	db := e.db(0)
	for _, t := range tenants {
		e.must(db.Update(record.WithTenant(e.ctx, t), func(tx *record.Tx) error {
			mine, err := items.In(tx).Find("owner", "x", record.Page{})
			if len(mine) != 2 {
				e.Errorf("tenant %q has %d records, want 2", t, len(mine))
			}
			return err
		}))
	}
}

func keysKinds(e *env) {
	b := e.backend()
	for _, kind := range []string{"item", "item_"} {
		r := itemRecord(e.rev(), "a", "x", 1)
		r.Kind = kind
		own := itemRecord(e.rev(), "only "+kind, "x", 1)
		own.Kind = kind
		e.must(e.commit(b, putOp(0, r), putOp(0, own)))
	}
	for _, kind := range []string{"item", "item_"} {
		for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
			q.Kind = kind
			e.wantIDs(e.find(b, q), "a", "only "+kind)
		}
	}
	e.must(e.commit(b, keyOp(record.Delete, e.get(b, itemKey("a")).Rev, "a")))
	k := itemKey("a")
	k.Kind = "item_"
	if e.get(b, k) == nil {
		e.Errorf("deleting from one kind deleted from another")
	}
}

// keysSeparators gives tenant, id and term value parts of each other with every separator a key encoding may use.
func keysSeparators(e *env) {
	b := e.backend()
	seen := map[record.Key]int64{}
	for _, sep := range []string{"/", ":", "|", "\u0001", "\x1f", "\\", "%", "_", "-", ".", "#", "\U0010ffff"} {
		for _, parts := range [][2]string{{"x" + sep + "item" + sep + "y", "z"}, {"x", "item" + sep + "y" + sep + "z"}, {"x", "y" + sep + "z"},
			{"x" + sep + "y", "z"}, {"x" + sep, "y"}, {"x", sep + "y"}} {
			r := itemRecord(e.rev(), parts[1], parts[1]+sep, 1)
			r.Tenant = parts[0]
			if _, there := seen[r.Key]; there {
				continue
			}
			seen[r.Key] = r.Rev
			e.must(e.commit(b, putOp(0, r)))
		}
	}
	for k, rev := range seen {
		if got := e.get(b, k); got == nil || got.Rev != rev {
			e.Errorf("%q in %q: got %v", k.ID, k.Tenant, got)
		}
		var same []string
		q := itemQuery("", "")
		q.Tenant = k.Tenant
		for o := range seen {
			if o.Tenant == k.Tenant {
				same = append(same, o.ID)
			}
		}
		slices.Sort(same)
		e.wantIDs(e.find(b, q), same...)
	}
}
