package redis_test

import (
	"errors"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// thing is a kind for tests that speak to a backend directly.
var thing = &record.Kind{Name: "thing", Version: 1, Fields: []record.Field{
	{Name: "owner", Type: record.String, Term: true}, {Name: "n", Type: record.Int},
}}

func prepare(t testing.TB, b record.Backend) {
	t.Helper()
	must(t, b.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{thing}}))
}

func thingKey(tenant, id string) record.Key { return record.Key{Tenant: tenant, Kind: "thing", ID: id} }

// put writes a thing with revision rev where want is stored.
func put(tenant, id, owner string, rev, want int64) record.Op {
	return record.Op{Verb: record.Put, Want: want, Record: record.Record{
		Key: thingKey(tenant, id), Rev: rev, Version: 1, Row: record.Row{record.StringValue(owner), record.IntValue(rev)},
	}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isBusy(err error) bool { return errors.Is(err, record.ErrBusy) }
