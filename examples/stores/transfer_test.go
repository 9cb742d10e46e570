package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// strange is a kind of the application's own, with a field of every type and values that stores have trouble with.
type strange struct {
	ID    string            `record:"id"`
	Owner string            `record:"owner,term"`
	Text  string            `record:"text,text"`
	Bytes []byte            `record:"bytes"`
	N     int64             `record:"n"`
	On    bool              `record:"on"`
	At    time.Time         `record:"at"`
	Open  map[string]string `record:"open"`
	Until time.Time         `record:"expires"`
}

var stranges = record.Define[strange]("strange", 2)

// newer is the kind as a newer release declares it, which has written into the source.
var newer = &record.Kind{Name: "strange", Version: 7, Fields: slices.Concat(stranges.Kind().Fields, []record.Field{
	{Name: "newer", Type: record.String, Term: true}, {Name: "gone", Type: record.JSON}, {Name: "secret", Type: record.Bytes},
})}

// strangers puts records into a store that this release would write, an older one, and a newer one.
func strangers(t *testing.T, b record.Backend) {
	t.Helper()
	must(t, b.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{newer}}))
	var ops []record.Op
	for i, id := range []string{"A", "a", "a ", "a%", "a/b", "aa", "ä", "😀", "\x01", "b:", strings.Repeat("i", record.MaxID)} {
		for n := range 20 {
			r := record.Record{Key: record.Key{Tenant: "default", Kind: "strange", ID: id}, Rev: int64(1000*i + n + 1), Version: 2, Row: record.Row{
				record.StringValue(id), record.TextValue(strings.Repeat("ü\n", 1000*n)), record.BytesValue([]byte{0, 1, 254, 255}),
				record.IntValue(-1 << 63), record.BoolValue(n%2 == 0), record.TimeValue(time.UnixMilli(1772366400123 + int64(n))),
				record.JSONValue(`{"b":  "1", "a":"é\u00e9"}`),
			}}
			if n > 0 {
				if len(id) == record.MaxID {
					break
				}
				r.ID += fmt.Sprint(n)
			}
			switch n % 4 {
			case 1:
				r.Expires = time.UnixMilli(4102444800001).UTC()
			case 2:
				r.Row, r.Version = r.Row[:n%5], 1
			case 3:
				r.Row, r.Version = append(r.Row, record.StringValue("newer"), record.Value{}, record.BytesValue([]byte("x"))), 7
			}
			ops = append(ops, record.Op{Record: r, Verb: record.Put})
		}
	}
	slices.SortFunc(ops, func(a, b record.Op) int { return a.Key.Compare(b.Key) })
	for batch := range slices.Chunk(ops, 16) {
		must(t, b.Commit(t.Context(), batch))
	}
}

// routes are from where to where: from a file to everything, and back.
var routes = [][2]string{
	{"file", "sqlite"}, {"file", "postgres"}, {"file", "mariadb"}, {"file", "redis"}, {"file", "mongo"}, {"file", "datastore"},
	{"postgres", "file"},
}

// Between all stores: copied while sixteen people use the application, copied again, finished when it has stopped; then the
// same people go on with the other store, with the keys, tokens and passwords that they have.
func TestCopyBetweenStores(t *testing.T) {
	for _, route := range routes {
		t.Run(route[0]+" to "+route[1], func(t *testing.T) {
			fromDSN, toDSN := place(t, route[0]), place(t, route[1])
			if fromDSN == "" || toDSN == "" {
				return
			}
			open := func(name, dsn string) record.Backend {
				s, err := openStore(t.Context(), name, dsn)
				must(t, err)
				t.Cleanup(func() { _ = s.Close() })
				return s
			}
			from, to := open(route[0], fromDSN), open(route[1], toDSN)
			auth, p := served(t, from)
			schema := auth.Schema()
			schema.Kinds = append(schema.Kinds, stranges.Kind())
			strangers(t, from)

			var all people
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { all.use(ctx, p); close(done) }()
			var copied int64
			for range 3 {
				report, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{})
				must(t, err)
				copied += report.Inserted
				all.wait(t, 100)
			}
			stop()
			<-done
			report, err := transfer.Finish(t.Context(), from, to, schema, transfer.Options{})
			if err != nil {
				t.Fatalf("%v\n%v", err, report)
			}
			source, target := report.Totals()
			t.Logf("%d steps of people, %d copied beforehand, %d records verified", all.steps(), copied, source.Records)
			if source != target || source.Records < 16*5+200 {
				t.Errorf("the sums are %v and %v", source, target)
			}
			_, p = served(t, to)
			all.check(t, p)
		})
	}
}

func (all *people) wait(t *testing.T, n int64) {
	t.Helper()
	for until := all.steps() + n; all.steps() < until; {
		if t.Failed() {
			t.FailNow()
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

// Under load from a file to a server, without a stop: nobody is refused anything, everybody is found as they were left, also
// by a process that starts on the target alone.
func TestMoveUnderLoad(t *testing.T) {
	for _, target := range []string{"postgres", "mongo"} {
		t.Run(target, func(t *testing.T) {
			dsn := place(t, target)
			if dsn == "" {
				return
			}
			c := config{store: "file", dsn: filepath.Join(t.TempDir(), "app.db"), target: target, toDSN: dsn}
			store, live, err := openStores(t.Context(), c)
			must(t, err)
			auth, p := served(t, store)
			background, end := context.WithCancel(t.Context())
			go func() { _ = auth.Run(background) }()

			var all people
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { all.use(ctx, p); close(done) }()
			all.wait(t, 100)
			before := all.steps()
			report, err := live.Move(t.Context(), transfer.Options{})
			if err != nil || !live.Moved() {
				t.Fatalf("%v\n%v", err, report)
			}
			during := all.steps() - before
			all.wait(t, 100)
			stop()
			<-done
			all.check(t, p)
			source, target := report.Totals()
			t.Logf("%d steps before the move, %d during it, %d in all; %d records moved, %+v", before, during, all.steps(), source.Records, report.Changes)
			if source != target {
				t.Errorf("the sums are %v and %v", source, target)
			}
			end()
			must(t, auth.Close())
			alone, err := openStore(t.Context(), c.target, dsn)
			must(t, err)
			_, p = served(t, alone)
			all.check(t, p)
		})
	}
}
