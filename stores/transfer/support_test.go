package transfer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// The kinds of these tests. A newer release has added a field to notes, which this one does not know.
type note struct {
	ID    string            `record:"id"`
	Owner string            `record:"owner,term"`
	Text  string            `record:"text,text"`
	Key   []byte            `record:"key"`
	N     int64             `record:"n"`
	On    bool              `record:"on"`
	At    time.Time         `record:"at"`
	Tags  map[string]string `record:"tags"`
	Until time.Time         `record:"expires"`
}

type chain struct {
	ID string `record:"id"`
	N  int64  `record:"n"`
}

type link struct {
	ID    string `record:"id"`
	Chain string `record:"chain,term"`
}

var (
	notes  = record.Define[note]("note", 2)
	chains = record.Define[chain]("chain", 1)
	links  = record.Define[link]("link", 1)
	kinds  = []*record.Kind{notes.Kind(), chains.Kind(), links.Kind()}
	schema = record.Schema{Kinds: kinds}
)

var tenants = []string{record.System, "acme", "beta"}

func in(tenant string) context.Context { return record.WithTenant(context.Background(), tenant) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openFile opens a file store of its own for the test.
func openFile(t testing.TB) *file.Store {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "auth.db"))
}

func reopen(t testing.TB, path string) *file.Store {
	t.Helper()
	s, err := file.Open(path, file.Options{})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// filled is a source with n notes in each tenant: of every type, some with an expiry, some written by an older release and
// some by a newer one.
func filled(t testing.TB, b record.Backend, n int) record.Backend {
	t.Helper()
	must(t, b.Prepare(context.Background(), schema))
	for _, tenant := range tenants {
		var ops []record.Op
		for i := range n {
			r := record.Record{Key: record.Key{Tenant: tenant, Kind: "note", ID: fmt.Sprintf("%03d ä/%%", i)}, Rev: int64(i + 1), Version: 2, Row: record.Row{
				record.StringValue("x"), record.TextValue("long"), record.BytesValue([]byte{0, 255}), record.IntValue(-1 << 63), record.BoolValue(true),
				record.TimeValue(time.UnixMilli(1772366400123)), record.JSONValue(`{"b": "1",  "a": "2"}`),
			}}
			switch i % 4 {
			case 1:
				r.Expires = time.UnixMilli(1772366400000 + int64(i)).UTC() // long ago
			case 2:
				r.Row, r.Version = r.Row[:3], 1
			case 3:
				r.Row, r.Version = append(r.Row, record.StringValue("newer"), record.IntValue(7)), 3
			}
			ops = append(ops, record.Op{Record: r, Verb: record.Put})
		}
		for batch := range slices.Chunk(ops, record.MaxOps) {
			must(t, b.Commit(context.Background(), batch))
		}
	}
	return b
}

func put(t testing.TB, b record.Backend, want int64, r record.Record) {
	t.Helper()
	must(t, b.Commit(context.Background(), []record.Op{{Record: r, Verb: record.Put, Want: want}}))
}

func remove(t testing.TB, b record.Backend, want int64, k record.Key) {
	t.Helper()
	must(t, b.Commit(context.Background(), []record.Op{{Record: record.Record{Key: k}, Verb: record.Delete, Want: want}}))
}

// verified fails unless both stores hold the same, and returns how many records that is.
func verified(t testing.TB, from, to record.Backend) int64 {
	t.Helper()
	report, err := transfer.Verify(context.Background(), from, to, schema, transfer.Options{Tenants: tenants})
	if err != nil {
		t.Fatalf("%v\n%v", err, report)
	}
	a, b := report.Totals()
	if a != b {
		t.Fatalf("no difference was found, and the sums are %v and %v", a, b)
	}
	return a.Records
}

// rounds is how often a random test is run: ONEAUTH_TEST_ROUNDS, or n.
func rounds(n int) int {
	if r, err := strconv.Atoi(strings.TrimSpace(os.Getenv("ONEAUTH_TEST_ROUNDS"))); err == nil && r > 0 {
		return r
	}
	return n
}
