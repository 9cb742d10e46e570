package storetest

import (
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

// A store that lists what it holds is a record.Lister; one need not be.
var listLaws = []law{
	{"names every tenant that has a record", listTenants},
	{"names every kind", listKinds},
}

// hostileTenants begin each other, and are made of what stores separate and escape with.
var hostileTenants = []string{
	record.System, "!", "%2F", "A", "_5f", "a", "a ", "a!", "a%", "a-b", "a/", "a/b", "a0", "a:b", "aa", "b_c", "t{1}", "\u00e4", "\U0001f600",
}

func listTenants(e *env) {
	b, ok := e.backend().(record.Lister)
	if !ok {
		return
	}
	none, err := b.Tenants(e.ctx)
	if err != nil || len(none) > 0 && !slices.Equal(none, []string{record.System}) { // where a store keeps its schema
		e.Errorf("an empty store has the tenants %q, %v", none, err)
	}
	for i, t := range hostileTenants {
		for _, kind := range []string{"item", "item_"}[i%2:] {
			for _, id := range []string{"!", "m", "\U0010fffd"} {
				r := itemRecord(e.rev(), id, "x", 1)
				r.Key = record.Key{Tenant: t, Kind: kind, ID: id}
				e.must(e.commit(b, putOp(0, r)))
			}
		}
	}
	for i := range 2 {
		got, err := e.instance(i).(record.Lister).Tenants(e.ctx)
		if want := slices.Sorted(slices.Values(hostileTenants)); err != nil || !slices.Equal(got, want) {
			e.Errorf("instance %d has the tenants %q, %v, want %q", i, got, err, want)
		}
	}
	e.must(b.Close())
	if _, err := b.Tenants(e.ctx); err == nil {
		e.Errorf("Tenants after Close does not fail")
	}
}

func listKinds(e *env) {
	b, ok := e.backend().(record.Lister)
	if !ok {
		return
	}
	wide := *items.Kind()
	wide.Fields = slices.Concat(wide.Fields, []record.Field{{Name: "later", Type: record.Bytes}})
	e.must(e.instance(1).Prepare(e.ctx, record.Schema{Kinds: []*record.Kind{&wide}})) // a newer release
	got, err := b.Kinds(e.ctx)
	e.must(err)
	want := []*record.Kind{&wide, items2.Kind(), docs.Kind()}
	sameField := func(a, b record.Field) bool { return a.Name == b.Name && a.Type == b.Type }
	if !slices.EqualFunc(got, want, func(a record.Kind, b *record.Kind) bool {
		return a.Name == b.Name && slices.EqualFunc(a.Fields, b.Fields, sameField)
	}) {
		e.Errorf("the store has the kinds %+v, want item, item_ and table with their fields", got)
	}
	e.must(b.Close())
	if _, err := b.Kinds(e.ctx); err == nil {
		e.Errorf("Kinds after Close does not fail")
	}
}
