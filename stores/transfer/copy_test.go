package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// A copy is the same, record by record. Another run copies what has changed and nothing else.
func TestCopy(t *testing.T) {
	from, to := filled(t, openFile(t), 600), mem.New()
	var pages int
	o := transfer.Options{Progress: func(transfer.Progress) { pages++ }}
	report, err := transfer.Copy(t.Context(), from, to, schema, o)
	must(t, err)
	if want := (transfer.Changes{Inserted: 1800}); report.Changes != want || pages < 6 {
		t.Fatalf("%+v in %d pages, want %+v", report.Changes, pages, want)
	}
	for _, tenant := range tenants { // not through this package's eyes
		for after := ""; ; {
			q := record.Query{Tenant: tenant, Kind: "note", After: after, Limit: 100}
			a, err := from.Find(t.Context(), q)
			must(t, err)
			b, err := to.Find(t.Context(), q)
			must(t, err)
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Fatalf("page after %q of %s differs", after, tenant)
			}
			if len(a) == 0 {
				break
			}
			after = a[len(a)-1].ID
		}
	}
	found, err := to.Find(t.Context(), record.Query{Tenant: "acme", Kind: "note", Term: "owner", Value: "x", Limit: 1000})
	if err != nil || len(found) != 600 {
		t.Fatalf("%d are found by their owner, %v", len(found), err)
	}

	key := func(n int) record.Key {
		return record.Key{Tenant: "acme", Kind: "note", ID: fmt.Sprintf("%03d ä/%%", n)}
	}
	remove(t, from, 8, key(7))
	remove(t, from, 599, key(598))
	put(t, from, 100, record.Record{Key: key(99), Rev: 5000, Version: 2, Row: record.Row{record.StringValue("y")}})
	put(t, from, 0, record.Record{Key: record.Key{Tenant: "new", Kind: "chain", ID: "c"}, Rev: 1, Version: 1, Row: record.Row{record.IntValue(1)}})
	report, err = transfer.Copy(t.Context(), from, to, schema, transfer.Options{})
	must(t, err)
	if want := (transfer.Changes{Inserted: 1, Replaced: 1, Deleted: 2}); report.Changes != want {
		t.Errorf("the second run: %+v, want %+v", report.Changes, want)
	}
	report, err = transfer.Verify(t.Context(), from, to, schema, transfer.Options{})
	if err != nil || len(report.Kinds) != 4 {
		t.Errorf("%v\n%v", err, report)
	}
	if a, b := report.Totals(); a != b || a.Records != 1799 {
		t.Errorf("sums %v and %v", a, b)
	}
}

// Records of the largest size travel too, and a commit stays within the limits.
func TestLargeRecords(t *testing.T) {
	from, to := filled(t, mem.New(), 0), &limited{Store: mem.New()}
	for i := range 10 {
		k := record.Key{Tenant: "acme", Kind: "note", ID: fmt.Sprint(i)}
		size := record.MaxBytes - 16
		if i%3 == 0 {
			size /= 3
		}
		put(t, from, 0, record.Record{Key: k, Rev: 1, Version: 2, Row: record.Row{record.StringValue(""), record.TextValue(strings.Repeat("x", size))}})
	}
	_, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{})
	must(t, err)
	if to.ops == 0 || to.ops > record.MaxOps || to.bytes > record.MaxBytes {
		t.Errorf("the largest commit has %d operations, %d bytes", to.ops, to.bytes)
	}
	filled(t, from, 2000)
	_, err = transfer.Copy(t.Context(), from, mem.New(), schema, transfer.Options{})
	must(t, err)
}

// limited notes the largest commit.
type limited struct {
	*mem.Store
	ops, bytes int
}

func (l *limited) Commit(ctx context.Context, ops []record.Op) error {
	n := 0
	for _, op := range ops {
		for _, v := range op.Row {
			n += 8 + len(v.Text())
		}
	}
	l.ops, l.bytes = max(l.ops, len(ops)), max(l.bytes, n)
	return l.Store.Commit(ctx, ops)
}

// A target that somebody else filled is left alone, also in a tenant that the source has not.
func TestForeignTarget(t *testing.T) {
	from := filled(t, mem.New(), 3)
	for _, tenant := range []string{"acme", "theirs"} {
		to := filled(t, mem.New(), 0)
		theirs := record.Record{Key: record.Key{Tenant: tenant, Kind: "note", ID: "theirs"}, Rev: 9, Version: 2}
		put(t, to, 0, theirs)
		for _, try := range []func(context.Context, record.Backend, record.Backend, record.Schema, transfer.Options) (*transfer.Report, error){transfer.Copy, transfer.Finish} {
			if _, err := try(t.Context(), from, to, schema, transfer.Options{}); !errors.Is(err, transfer.ErrForeign) {
				t.Errorf("a foreign record in %s: %v", tenant, err)
			}
		}
		if found, err := to.Find(t.Context(), record.Query{Tenant: "acme", Kind: "note", Limit: 10}); err != nil || len(found) > 1 {
			t.Errorf("a refused copy has brought %v, %v", found, err)
		}
		report, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{Replace: true})
		if err != nil || report.Deleted != 1 {
			t.Errorf("with Replace: %v, %v", report, err)
		}
		verified(t, from, to)
	}
}

// After Finish the target is the truth: a copy, started by mistake, would undo what the application writes there.
func TestFinishedTarget(t *testing.T) {
	from, to := filled(t, mem.New(), 3), mem.New()
	report, err := transfer.Finish(t.Context(), from, to, schema, transfer.Options{})
	must(t, err)
	if text := report.String(); !strings.Contains(text, "acme") || !strings.Contains(text, "9 inserted") || strings.Contains(text, "DIFFERENT") {
		t.Errorf("the report: %s", text)
	}
	put(t, to, 0, record.Record{Key: record.Key{Tenant: "acme", Kind: "chain", ID: "later"}, Rev: 1, Version: 1})
	if _, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{Replace: true}); !errors.Is(err, transfer.ErrMoved) {
		t.Errorf("a copy into a finished target: %v", err)
	}
	if found, err := to.Get(t.Context(), record.Key{Tenant: "acme", Kind: "chain", ID: "later"}); err != nil || len(found) != 1 {
		t.Errorf("what was written after the move: %v, %v", found, err)
	}
	// and on from there: marks do not travel
	third := mem.New()
	_, err = transfer.Finish(t.Context(), to, third, schema, transfer.Options{})
	must(t, err)
	verified(t, to, third)
}

// Nothing is left out in silence: neither a tenant nor a kind.
func TestNothingIsLeftOut(t *testing.T) {
	from := filled(t, mem.New(), 3).(*mem.Store)
	silent := struct{ record.Backend }{from} // does not list what it has
	if _, err := transfer.Copy(t.Context(), silent, mem.New(), schema, transfer.Options{}); !errors.Is(err, transfer.ErrTenants) {
		t.Errorf("tenants that nobody knows: %v", err)
	}
	to := mem.New()
	report, err := transfer.Copy(t.Context(), silent, to, schema, transfer.Options{Tenants: []string{"acme"}})
	if err != nil || report.Inserted != 6 { // and the installation's own
		t.Errorf("named tenants: %v, %v", report, err)
	}
	fewer := record.Schema{Kinds: kinds[1:]}
	if _, err := transfer.Copy(t.Context(), from, mem.New(), fewer, transfer.Options{}); !errors.Is(err, transfer.ErrKinds) || !strings.Contains(err.Error(), `"note"`) {
		t.Errorf("a kind that the schema does not have: %v", err)
	}
	_, err = transfer.Copy(t.Context(), from, mem.New(), fewer, transfer.Options{Leave: []string{"note"}})
	must(t, err)
}

// Every kind of difference is found, and named without its values.
func TestVerifyNamesTheDifference(t *testing.T) {
	key := record.Key{Tenant: "acme", Kind: "note", ID: "002 ä/%"}
	for what, change := range map[string]func(r *record.Record){
		"revision 3 at the source, 99": func(r *record.Record) { r.Rev = 99 },
		"version":                      func(r *record.Record) { r.Version = 2 },
		"expires at":                   func(r *record.Record) { r.Expires = r.Expires.AddDate(2100, 0, 0) },
		"3 values at the source, 2":    func(r *record.Record) { r.Row = r.Row[:2] },
		"other values of key": func(r *record.Record) {
			r.Row = slices.Concat(r.Row[:2], record.Row{record.BytesValue([]byte("secret"))})
		},
		"missing at the target": nil,
	} {
		from, to := filled(t, mem.New(), 5), mem.New()
		_, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{})
		must(t, err)
		found, err := to.Get(t.Context(), key)
		must(t, err)
		if change == nil {
			remove(t, to, 3, key)
		} else {
			change(&found[0])
			put(t, to, 3, found[0])
		}
		report, err := transfer.Verify(t.Context(), from, to, schema, transfer.Options{})
		var differ *transfer.DifferenceError
		if !errors.As(err, &differ) || len(differ.Differences) != 1 || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
			continue
		}
		d := differ.Differences[0]
		if d.Tenant != key.Tenant || d.Kind != key.Kind || d.ID != key.ID || !strings.Contains(d.What, what) {
			t.Errorf("%s: %v", what, d)
		}
		if a, b := report.Totals(); a == b {
			t.Errorf("%s: the sums are the same", what)
		}
		if _, err := transfer.Finish(t.Context(), from, to, schema, transfer.Options{}); err != nil {
			t.Errorf("%s: the next run does not mend it: %v", what, err)
		}
	}
}

// A target that does not keep what it is given does not become the truth.
func TestFinishRefusesWhatDiffers(t *testing.T) {
	from, to := filled(t, mem.New(), 3), lossy{mem.New()}
	_, err := transfer.Finish(t.Context(), from, to, schema, transfer.Options{})
	var differ *transfer.DifferenceError
	if !errors.As(err, &differ) || len(differ.Differences) != 3 {
		t.Fatalf("a target that loses bytes: %v", err)
	}
	if _, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{}); err != nil {
		t.Errorf("and it is not marked as the truth: %v", err)
	}
}

// lossy forgets the bytes of notes in one tenant.
type lossy struct{ *mem.Store }

func (l lossy) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.Clone(ops)
	for i, op := range ops {
		if op.Tenant == "beta" && op.Kind == "note" && len(op.Row) > 2 {
			ops[i].Row = slices.Clone(op.Row)
			ops[i].Row[2] = record.Value{}
		}
	}
	return l.Store.Commit(ctx, ops)
}

// A copy is interrupted at every call to the target, in every way, and the next one goes on from there. Of a commit whose
// outcome is unknown it is found out.
func TestInterrupted(t *testing.T) {
	open := func(t *testing.T) record.Backend { return mem.New() }
	storetest.EachFault(t, open, func(t *testing.T, f *storetest.Faults) storetest.Flow {
		from := filled(t, mem.New(), 5)
		finish := func(ctx context.Context) error {
			_, err := transfer.Finish(ctx, from, f, schema, transfer.Options{})
			return err
		}
		return storetest.Flow{
			Act: finish,
			Check: func(in storetest.Injection, err error) {
				if f := in.Fault; err != nil && in.Call.Method == storetest.Commit && f != storetest.Fail && f != storetest.Hang && f != storetest.Conflict {
					t.Errorf("the outcome was not found out: %v", err)
				}
				if err != nil {
					if again := finish(t.Context()); again != nil && !errors.Is(again, transfer.ErrMoved) {
						t.Fatalf("after %v, the next run: %v", err, again)
					}
				}
				if n := verified(t, from, f); n != 15 {
					t.Errorf("%d records are the same, not 15", n)
				}
			},
		}
	})
}

// What a copy that died had under way does not land in what the next one does: the records are gone at the source.
func TestLateCommitOfADeadCopy(t *testing.T) {
	from, data := filled(t, mem.New(), 3), mem.New()
	dying := &dying{Store: data, at: "beta"}
	if _, err := transfer.Copy(t.Context(), from, dying, schema, transfer.Options{}); !errors.Is(err, storetest.ErrInjected) {
		t.Fatalf("the copy did not die: %v", err)
	}
	for i := range 3 {
		remove(t, from, int64(i+1), record.Key{Tenant: "beta", Kind: "note", ID: fmt.Sprintf("%03d ä/%%", i)})
	}
	_, err := transfer.Copy(t.Context(), from, data, schema, transfer.Options{})
	must(t, err)
	if err := data.Commit(t.Context(), dying.late); !errors.Is(err, record.ErrConflict) {
		t.Errorf("the late commit of %d operations: %v", len(dying.late), err)
	}
	verified(t, from, data)
}

// dying is a connection that breaks with the first records of a tenant on their way.
type dying struct {
	*mem.Store
	at   string
	late []record.Op
}

func (d *dying) Commit(ctx context.Context, ops []record.Op) error {
	if len(ops) > 1 && ops[0].Tenant == d.at {
		d.late = slices.Clone(ops)
		return storetest.ErrInjected
	}
	return d.Store.Commit(ctx, ops)
}

// Two copies into one target do not mix: the one that began first is told.
func TestRival(t *testing.T) {
	from, to := filled(t, mem.New(), 3), mem.New()
	other := false
	o := transfer.Options{Progress: func(transfer.Progress) {
		if !other {
			other = true
			_, err := transfer.Copy(t.Context(), from, to, schema, transfer.Options{})
			must(t, err)
			put(t, from, 0, record.Record{Key: record.Key{Tenant: "beta", Kind: "note", ID: "late"}, Rev: 1, Version: 2})
		}
	}}
	if _, err := transfer.Copy(t.Context(), from, to, schema, o); !errors.Is(err, transfer.ErrRival) {
		t.Errorf("the first copy: %v", err)
	}
}

// sharing keeps users in rows of the application.
type sharing struct{ *mem.Store }

func (sharing) Shares(kind string) bool { return kind == "user" }

// An application that moves into a table of its own looks at that table from the switch on.
func TestLiveSharesWhatItsStoreShares(t *testing.T) {
	ctx := t.Context()
	live := transfer.NewLive(filled(t, mem.New(), 3), sharing{mem.New()})
	must(t, live.Prepare(ctx, schema))
	if live.Shares("user") {
		t.Error("the source shares nothing")
	}
	_, err := live.Move(ctx, transfer.Options{})
	must(t, err)
	if !live.Shares("user") || live.Shares("session") {
		t.Error("the target shares users alone")
	}
}

// A process that was killed between the switch and the mark of the source makes that mark when it starts again; a start on
// the source with another target is refused before anything is served.
func TestStartMarksTheSource(t *testing.T) {
	ctx := t.Context()
	from, to := filled(t, mem.New(), 3).(*mem.Store), mem.New()
	live := transfer.NewLive(from.Again(), to.Again())
	must(t, live.Prepare(ctx, schema))
	_, err := live.Move(ctx, transfer.Options{})
	must(t, err)
	mark := record.Key{Tenant: record.System, Kind: "transfer_mark", ID: "mark"}
	found, err := from.Get(ctx, mark)
	must(t, err)
	remove(t, from, found[0].Rev, mark)
	must(t, transfer.NewLive(from.Again(), to.Again()).Prepare(ctx, schema))
	if err := transfer.NewLive(from.Again(), mem.New()).Prepare(ctx, schema); !errors.Is(err, transfer.ErrLeft) {
		t.Errorf("a start with another target: %v", err)
	}
}

// What has moved away is stale: no copy takes it anywhere else, and no application moves it once more by mistake. It can be
// moved back to, where that is asked for.
func TestSourceThatHasMoved(t *testing.T) {
	ctx := t.Context()
	for name, move := range map[string]func(from, to *mem.Store) error{
		"Finish": func(from, to *mem.Store) error {
			_, err := transfer.Finish(ctx, from.Again(), to.Again(), schema, transfer.Options{})
			return err
		},
		"Move": func(from, to *mem.Store) error {
			live := transfer.NewLive(from.Again(), to.Again())
			if err := live.Prepare(ctx, schema); err != nil {
				return err
			}
			_, err := live.Move(ctx, transfer.Options{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := filled(t, mem.New(), 3).(*mem.Store), mem.New()
			must(t, move(from, to))
			if err := move(from, mem.New()); !errors.Is(err, transfer.ErrLeft) {
				t.Errorf("it moves once more: %v", err)
			}
			if _, err := transfer.Copy(ctx, from, mem.New(), schema, transfer.Options{}); !errors.Is(err, transfer.ErrLeft) {
				t.Errorf("it is copied: %v", err)
			}
			put(t, to, 0, record.Record{Key: record.Key{Tenant: "acme", Kind: "note", ID: "new"}, Rev: 5, Version: 1, Row: record.Row{record.StringValue("")}})
			_, err := transfer.Finish(ctx, to, from, schema, transfer.Options{Replace: true})
			must(t, err)
			if err := move(to, mem.New()); !errors.Is(err, transfer.ErrLeft) {
				t.Errorf("after moving back: %v", err)
			}
		})
	}
}
