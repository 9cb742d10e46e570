package mongo_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// errOther stands for an error that is none of the kernel's: nothing is applied, and trying again is not worth while.
var errOther = errors.New("some other error")

// fault is something that goes wrong with a commit, and what must come of it.
type fault struct {
	name    string
	inject  mongofake.Fault
	want    error // nil, errOther, or one of the kernel's
	applied bool
}

// often is more often than driver and store try.
const often = 4 * 5

// The faults of a commit of one operation. The driver sends a write twice; the server does it once.
func singleFaults(command string) []fault {
	in := func(action mongofake.Action, code int32, times int) mongofake.Fault {
		return mongofake.Fault{Command: command, In: "oneauth.thing", Action: action, Code: code, Times: times}
	}
	return []fault{
		{"the connection breaks before the write, once", in(mongofake.DropBefore, 0, 1), nil, true},
		{"the connection breaks after the write, once", in(mongofake.DropAfter, 0, 1), nil, true},
		{"the connection breaks before the write", in(mongofake.DropBefore, 0, often), record.ErrUnknown, false},
		{"the connection breaks after the write", in(mongofake.DropAfter, 0, often), record.ErrUnknown, true},
		{"another one became primary, once", in(mongofake.Refuse, mongofake.NotWritablePrimary, 1), nil, true},
		{"another one became primary", in(mongofake.Refuse, mongofake.NotWritablePrimary, often), record.ErrUnknown, false},
		{"the server shuts down", in(mongofake.Refuse, mongofake.InterruptedShutdown, often), record.ErrUnknown, false},
		{"no majority confirms", in(mongofake.Unconfirmed, mongofake.WriteConcernTimeout, 1), record.ErrUnknown, true},
		{"a write conflict", in(mongofake.Refuse, mongofake.WriteConflict, 1), record.ErrBusy, false},
		{"no permission", in(mongofake.Refuse, mongofake.Unauthorized, 1), errOther, false},
		{"out of time on the server", in(mongofake.Refuse, mongofake.MaxTimeMSExpired, 1), record.ErrUnknown, false},
	}
}

// The faults of a transaction. Before it is committed, nothing is applied whatever happens.
func transactionFaults() []fault {
	var out []fault
	for _, command := range []string{"insert", "update", "delete"} {
		in := func(action mongofake.Action, code int32) mongofake.Fault {
			return mongofake.Fault{Command: command, In: "oneauth.thing", Action: action, Code: code}
		}
		out = append(out,
			fault{command + ": the connection breaks before it", in(mongofake.DropBefore, 0), record.ErrBusy, false},
			fault{command + ": the connection breaks after it", in(mongofake.DropAfter, 0), record.ErrBusy, false},
			fault{command + ": a write conflict", in(mongofake.Refuse, mongofake.WriteConflict), record.ErrBusy, false},
			fault{command + ": another one became primary", in(mongofake.Refuse, mongofake.NotWritablePrimary), record.ErrBusy, false},
			fault{command + ": no permission", in(mongofake.Refuse, mongofake.Unauthorized), errOther, false},
		)
	}
	in := func(action mongofake.Action, code int32, times int) mongofake.Fault {
		return mongofake.Fault{Command: "commitTransaction", Action: action, Code: code, Times: times}
	}
	return append(out,
		fault{"commit: the connection breaks before it, once", in(mongofake.DropBefore, 0, 1), nil, true},
		fault{"commit: the connection breaks after it, once", in(mongofake.DropAfter, 0, 1), nil, true},
		fault{"commit: the connection breaks before it, thrice", in(mongofake.DropBefore, 0, 3), nil, true},
		fault{"commit: the connection breaks after it, thrice", in(mongofake.DropAfter, 0, 3), nil, true},
		fault{"commit: the connection breaks before it", in(mongofake.DropBefore, 0, often), record.ErrUnknown, false},
		fault{"commit: the connection breaks after it", in(mongofake.DropAfter, 0, often), record.ErrUnknown, true},
		fault{"commit: a write conflict", in(mongofake.Refuse, mongofake.WriteConflict, 1), record.ErrBusy, false},
		fault{"commit: no such transaction", in(mongofake.Refuse, mongofake.NoSuchTransaction, 1), record.ErrBusy, false},
		fault{"commit: another one became primary", in(mongofake.Refuse, mongofake.NotWritablePrimary, 1), record.ErrBusy, false},
		fault{"commit: out of time on the server", in(mongofake.Refuse, mongofake.MaxTimeMSExpired, 1), record.ErrUnknown, false},
		fault{"commit: no majority confirms, once", in(mongofake.Unconfirmed, mongofake.WriteConcernTimeout, 1), nil, true},
		fault{"commit: no majority confirms", in(mongofake.Unconfirmed, mongofake.WriteConcernTimeout, often), record.ErrUnknown, true},
	)
}

// Faults of the server and the connection end in the right class of error, and what the class says is so.
func TestFaultsOfCommits(t *testing.T) {
	for _, c := range []struct {
		name   string
		ops    []record.Op
		after  []int64 // revisions of a, b, c, d when the commit is applied
		faults []fault
	}{
		{"insert", []record.Op{put(0, 9, "d", "x", 1)}, []int64{1, 2, 3, 9}, singleFaults("insert")},
		{"replace", []record.Op{put(1, 9, "a", "x", 1)}, []int64{9, 2, 3, 0}, singleFaults("update")},
		{"delete", []record.Op{on(record.Delete, 2, "b")}, []int64{1, 0, 3, 0}, singleFaults("delete")},
		{"transaction", []record.Op{put(1, 9, "a", "x", 1), on(record.Delete, 2, "b"), on(record.Check, 3, "c"), put(0, 9, "d", "x", 1)},
			[]int64{9, 0, 3, 9}, transactionFaults()},
	} {
		for _, f := range c.faults {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				server := fake(t)
				store, observer := withThree(t, server)
				server.Inject(f.inject)
				err := store.Commit(t.Context(), c.ops)
				switch {
				case f.want == errOther && (err == nil || isOneOf(err, record.ErrBusy, record.ErrConflict, record.ErrUnknown)),
					f.want != errOther && !errors.Is(err, f.want), f.want == nil && err != nil:
					t.Errorf("commit: %v, want %v", err, f.want)
				}
				want := []int64{1, 2, 3, 0}
				if f.applied {
					want = c.after
				}
				if got := revs(t, observer, "a", "b", "c", "d"); !slices.Equal(got, want) {
					t.Errorf("revisions are %v, want %v", got, want)
				}
				if left := server.Pending(); f.inject.Times <= 1 && left != 0 {
					t.Errorf("the fault did not happen")
				}
			})
		}
	}
}

func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// withThree stores things a, b and c with revisions 1, 2 and 3, and returns two stores over them.
func withThree(t *testing.T, server *mongofake.Server) (store, observer *mongo.Store) {
	t.Helper()
	store, db := prepared(t, server.URI())
	ops := []record.Op{put(0, 1, "a", "x", 0), put(0, 2, "b", "x", 0), put(0, 3, "c", "x", 0)}
	if err := store.Commit(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
	observer, err := open(t, server.URI(), db.Name())
	if err == nil {
		err = observer.Prepare(t.Context(), record.Schema{Kinds: []*record.Kind{things.Kind()}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return store, observer
}

// A read that fails is an error, never nothing found; one that is answered the second time is answered.
func TestFaultsOfReads(t *testing.T) {
	for name, f := range map[string]struct {
		inject mongofake.Fault
		fails  bool
	}{
		"once":           {mongofake.Fault{Command: "find", Action: mongofake.DropBefore}, false},
		"always":         {mongofake.Fault{Command: "find", Action: mongofake.DropBefore, Times: often}, true},
		"not permitted":  {mongofake.Fault{Command: "find", Action: mongofake.Refuse, Code: mongofake.Unauthorized}, true},
		"not by primary": {mongofake.Fault{Command: "find", Action: mongofake.Refuse, Code: mongofake.NotWritablePrimary, Times: often}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fake(t)
			store, _ := withThree(t, server)
			for what, read := range map[string]func() (int, error){
				"Get": func() (int, error) { got, err := store.Get(t.Context(), key("a")); return len(got), err },
				"Find": func() (int, error) {
					got, err := store.Find(t.Context(), record.Query{Tenant: "main", Kind: "thing", Term: "owner", Value: "x", Limit: 1})
					return len(got), err
				},
			} {
				server.Inject(f.inject)
				if n, err := read(); (err != nil) != f.fails || !f.fails && n != 1 {
					t.Errorf("%s: %d found, %v", what, n, err)
				}
			}
		})
	}
}

// The context ends while the server does not answer: before the commit was sent nothing is applied, after it nobody knows.
func TestHangs(t *testing.T) {
	for command, want := range map[string]error{"update": context.Canceled, "commitTransaction": record.ErrUnknown} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			server := fake(t)
			store, observer := withThree(t, server)
			ctx, cancel := context.WithCancel(t.Context())
			server.Watch(func(c mongofake.Command) {
				if c.Name == command {
					cancel()
				}
			})
			release := make(chan struct{})
			server.Inject(mongofake.Fault{Command: command, Action: mongofake.Hang, Release: release})
			err := store.Commit(ctx, []record.Op{put(1, 9, "a", "x", 1), on(record.Check, 2, "b")})
			if !errors.Is(err, want) {
				t.Errorf("commit: %v, want %v", err, want)
			}
			close(release)
			got := revs(t, observer, "a", "b")
			if want == context.Canceled && !slices.Equal(got, []int64{1, 2}) {
				t.Errorf("revisions are %v, want the old ones", got)
			}
		})
	}
}

// A token is redeemed once and its user told so, whatever happens to the answers.
func TestRedeemedOnceWhateverHappens(t *testing.T) {
	for name, f := range map[string]mongofake.Fault{
		"the answer is lost":            {Action: mongofake.DropAfter, Times: 2},
		"the write is lost":             {Action: mongofake.DropBefore, Times: 2},
		"no majority confirms in time":  {Action: mongofake.Unconfirmed, Code: mongofake.WriteConcernTimeout},
		"another one became primary":    {Action: mongofake.Refuse, Code: mongofake.NotWritablePrimary, Times: 2},
		"there are two write conflicts": {Action: mongofake.Refuse, Code: mongofake.WriteConflict, Times: 2},
	} {
		f.Command, f.In = "update", "oneauth.thing"
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fake(t)
			store, _ := prepared(t, server.URI())
			db, err := record.Open(t.Context(), store, record.Options{}, things.Kind())
			if err != nil {
				t.Fatal(err)
			}
			ctx := record.WithTenant(t.Context(), "main")
			if err := db.Update(ctx, func(tx *record.Tx) error { return things.In(tx).Insert(&thing{ID: "token"}) }); err != nil {
				t.Fatal(err)
			}
			server.Inject(f)
			if err := redeem(ctx, db, "token"); err != nil {
				t.Errorf("the first one: %v", err)
			}
			if err := redeem(ctx, db, "token"); !errors.Is(err, errUsed) {
				t.Errorf("the second one: %v", err)
			}
		})
	}
}

var errUsed = errors.New("used before")

// redeem uses up a token, or returns errUsed.
func redeem(ctx context.Context, db *record.DB, id string) error {
	return db.Update(record.WithTenant(ctx, "main"), func(tx *record.Tx) error {
		it, err := things.In(tx).Get(id)
		if err == nil && it.N != 0 {
			err = errUsed
		}
		if err != nil {
			return err
		}
		it.N = 1
		return things.In(tx).Put(it)
	})
}
