package datastore_test

import (
	"cmp"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	client "cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

// place is where a test keeps its data: empty at first, and its own.
type place struct {
	client  *client.Client
	options datastore.Options
	server  *dstest.Server // nil where the database is a real one
}

// places makes the databases on which every test of the contract runs.
func places(t *testing.T) map[string]func(t *testing.T) place {
	t.Helper()
	all := map[string]func(t *testing.T) place{
		"optimistic, shared":     func(t *testing.T) place { return fake(t, dstest.Options{}, datastore.Shared) },
		"optimistic, per tenant": func(t *testing.T) place { return fake(t, dstest.Options{}, datastore.PerTenant) },
		"pessimistic, shared": func(t *testing.T) place {
			return fake(t, dstest.Options{Mode: dstest.Pessimistic}, datastore.Shared)
		},
	}
	if realDatabase(t) {
		all["real, shared"] = func(t *testing.T) place { return named(t, datastore.Shared) }
		all["real, per tenant"] = func(t *testing.T) place { return named(t, datastore.PerTenant) }
	}
	return all
}

// fake starts a server of our own.
func fake(t *testing.T, o dstest.Options, tenancy datastore.Tenancy) place {
	t.Helper()
	s, err := dstest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := s.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return place{c, datastore.Options{Tenancy: tenancy}, s}
}

// realDatabase reports whether the environment names an emulator (DATASTORE_EMULATOR_HOST) or a project
// (ONEAUTH_TEST_DATASTORE_PROJECT) to test against. ONEAUTH_REQUIRE=datastore makes it a failure if not.
func realDatabase(t *testing.T) bool {
	t.Helper()
	if os.Getenv("DATASTORE_EMULATOR_HOST") != "" || os.Getenv("ONEAUTH_TEST_DATASTORE_PROJECT") != "" {
		return true
	}
	if strings.Contains(os.Getenv("ONEAUTH_REQUIRE"), "datastore") {
		t.Fatal("ONEAUTH_REQUIRE asks for datastore, and neither DATASTORE_EMULATOR_HOST nor ONEAUTH_TEST_DATASTORE_PROJECT is set")
	}
	t.Log("not run: neither DATASTORE_EMULATOR_HOST nor ONEAUTH_TEST_DATASTORE_PROJECT is set")
	return false
}

// named connects to that database, where the test gets namespaces of its own.
func named(t *testing.T, tenancy datastore.Tenancy) place {
	t.Helper()
	c, err := client.NewClient(t.Context(), project())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return place{c, datastore.Options{Tenancy: tenancy, Namespace: "test-" + strings.ToLower(rand.Text()[:16]) + "-"}, nil}
}

// project is what the database is in.
func project() string { return cmp.Or(os.Getenv("ONEAUTH_TEST_DATASTORE_PROJECT"), "oneauth-test") }

// open opens another store on the place.
func (p place) open(t *testing.T) *datastore.Store {
	t.Helper()
	s, err := datastore.Open(t.Context(), p.client, p.options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// note is the kind of the tests that look at entities.
var note = &record.Kind{Name: "note", Version: 2, Fields: []record.Field{
	{Name: "owner", Type: record.String, Term: true},
	{Name: "colour", Type: record.String},
	{Name: "body", Type: record.Text},
	{Name: "key", Type: record.Bytes},
	{Name: "n", Type: record.Int},
	{Name: "on", Type: record.Bool},
	{Name: "at", Type: record.Time},
	{Name: "labels", Type: record.JSON},
}}

// prepared opens a store that knows notes.
func (p place) prepared(t *testing.T) *datastore.Store {
	t.Helper()
	s := p.open(t)
	if err := s.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{note}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func noteKey(id string) record.Key { return record.Key{Tenant: "acme", Kind: "note", ID: id} }

// putNote is an op that writes a note of an owner, and nothing else in it.
func putNote(want, rev int64, id, owner string) record.Op {
	r := record.Record{Key: noteKey(id), Rev: rev, Version: 2, Row: record.Row{record.StringValue(owner)}}
	return record.Op{Record: r, Verb: record.Put, Want: want}
}

func keyOp(verb record.Verb, want int64, id string) record.Op {
	return record.Op{Record: record.Record{Key: noteKey(id)}, Verb: verb, Want: want}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// revision returns the stored revision, or 0.
func revision(t *testing.T, s *datastore.Store, id string) int64 {
	t.Helper()
	found, err := s.Get(t.Context(), noteKey(id))
	noError(t, err)
	if len(found) == 0 {
		return 0
	}
	return found[0].Rev
}
