package dstest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type row struct {
	N    int
	Note string `datastore:",noindex"`
}

func start(t *testing.T, o dstest.Options) (*dstest.Server, *datastore.Client) {
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
	return s, c
}

func key(name string) *datastore.Key { return datastore.NameKey("row", name, nil) }

func begin(t *testing.T, c *datastore.Client, o ...datastore.TransactionOption) *datastore.Transaction {
	t.Helper()
	tx, err := c.NewTransaction(t.Context(), o...)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func put(t *testing.T, c *datastore.Client, name string, n int) {
	t.Helper()
	tx := begin(t, c)
	if _, err := tx.Put(key(name), &row{N: n}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, get func(*datastore.Key, any) error, name string) int {
	t.Helper()
	var r row
	if err := get(key(name), &r); err != nil {
		t.Fatal(err)
	}
	return r.N
}

func plain(t *testing.T, c *datastore.Client) func(*datastore.Key, any) error {
	return func(k *datastore.Key, dst any) error { return c.Get(t.Context(), k, dst) }
}

var modes = map[string]dstest.Mode{"optimistic": dstest.Optimistic, "pessimistic": dstest.Pessimistic}

// Two that each read what the other writes: when they read outside of their transactions both commit, and the server does
// nothing to prevent it. When they read inside, one of them is aborted.
func TestWriteSkewIsPossibleOutsideOfTransactions(t *testing.T) {
	for name, mode := range modes {
		for _, inside := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", inside ", inside), func(t *testing.T) {
				_, c := start(t, dstest.Options{Mode: mode})
				put(t, c, "a", 1)
				put(t, c, "b", 1)
				one, two := begin(t, c), begin(t, c)
				get := func(tx *datastore.Transaction) func(*datastore.Key, any) error {
					if inside {
						return tx.Get
					}
					return plain(t, c)
				}
				if read(t, get(one), "b")+read(t, get(two), "a") != 2 {
					t.Fatal("the two do not overlap")
				}
				_, _ = one.Put(key("a"), &row{N: 0})
				_, _ = two.Put(key("b"), &row{N: 0})
				applied := commitBoth(one, two)
				if want := 2; inside && applied != 1 || !inside && applied != want {
					t.Errorf("%d of 2 commits were applied", applied)
				}
			})
		}
	}
}

func commitBoth(txs ...*datastore.Transaction) (applied int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, tx := range txs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := tx.Commit()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				applied++
			}
		}()
	}
	wg.Wait()
	return applied
}

// Any number of transactions are open at once, and those that do not touch the same entities all commit.
func TestTransactionsInterleave(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			_, c := start(t, dstest.Options{Mode: mode})
			var txs []*datastore.Transaction
			for i := range 10 {
				put(t, c, fmt.Sprint(i), 0)
				txs = append(txs, begin(t, c))
			}
			for i, tx := range txs {
				read(t, tx.Get, fmt.Sprint(i))
				_, _ = tx.Put(key(fmt.Sprint(i)), &row{N: 1})
			}
			if n := commitBoth(txs...); n != 10 {
				t.Errorf("%d of 10 disjoint transactions were applied", n)
			}
		})
	}
}

// A transaction reads one moment, whatever is committed meanwhile; a blind write is no conflict.
func TestSnapshots(t *testing.T) {
	_, c := start(t, dstest.Options{})
	put(t, c, "a", 1)
	readOnly, optimistic, blind := begin(t, c, datastore.ReadOnly), begin(t, c), begin(t, c)
	_, _ = blind.Put(key("b"), &row{})
	put(t, c, "a", 2)
	if n := read(t, readOnly.Get, "a"); n != 1 {
		t.Errorf("a read-only transaction reads %d", n)
	}
	if n := read(t, optimistic.Get, "a"); n != 1 {
		t.Errorf("an optimistic transaction reads %d", n)
	}
	_, _ = optimistic.Put(key("b"), &row{})
	if _, err := optimistic.Commit(); err == nil {
		t.Error("a transaction that read what was changed is committed")
	}
	if _, err := blind.Commit(); err != nil {
		t.Errorf("a blind write: %v", err)
	}
	if n := read(t, plain(t, c), "a"); n != 2 {
		t.Errorf("a plain read sees %d", n)
	}
}

func TestInsertUpdateDelete(t *testing.T) {
	_, c := start(t, dstest.Options{})
	commit := func(ms ...*datastore.Mutation) codes.Code {
		tx := begin(t, c)
		if _, err := tx.Mutate(ms...); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Commit()
		return status.Code(err)
	}
	for _, step := range []struct {
		want codes.Code
		ms   []*datastore.Mutation
	}{
		{codes.NotFound, []*datastore.Mutation{datastore.NewUpdate(key("a"), &row{})}},
		{codes.OK, []*datastore.Mutation{datastore.NewInsert(key("a"), &row{})}},
		{codes.AlreadyExists, []*datastore.Mutation{datastore.NewInsert(key("b"), &row{}), datastore.NewInsert(key("a"), &row{})}},
		{codes.NotFound, []*datastore.Mutation{datastore.NewUpdate(key("b"), &row{})}}, // nothing of the one before is there
		{codes.OK, []*datastore.Mutation{datastore.NewUpdate(key("a"), &row{}), datastore.NewUpsert(key("b"), &row{})}},
		{codes.OK, []*datastore.Mutation{datastore.NewDelete(key("a")), datastore.NewDelete(key("never"))}},
		{codes.NotFound, []*datastore.Mutation{datastore.NewUpdate(key("a"), &row{})}},
		{codes.InvalidArgument, []*datastore.Mutation{datastore.NewUpsert(key("a"), &row{}), datastore.NewDelete(key("a"))}},
	} {
		if got := commit(step.ms...); got != step.want {
			t.Errorf("%v, want %v", got, step.want)
		}
	}
}

func TestLimits(t *testing.T) {
	_, c := start(t, dstest.Options{})
	long := strings.Repeat("x", 1501)
	for name, m := range map[string]*datastore.Mutation{
		"long name":          datastore.NewUpsert(key(long), &row{}),
		"reserved name":      datastore.NewUpsert(key("__a__"), &row{}),
		"reserved kind":      datastore.NewUpsert(datastore.NameKey("__row__", "a", nil), &row{}),
		"reserved namespace": datastore.NewUpsert(&datastore.Key{Kind: "row", Name: "a", Namespace: "__a"}, &row{}),
		"bad namespace":      datastore.NewUpsert(&datastore.Key{Kind: "row", Name: "a", Namespace: "a b"}, &row{}),
		"reserved property":  datastore.NewUpsert(key("a"), &datastore.PropertyList{{Name: "__p__", Value: "x"}}),
		"long property":      datastore.NewUpsert(key("a"), &row{Note: strings.Repeat("x", 1<<20-88)}),
		"large entity": datastore.NewUpsert(key("a"), &datastore.PropertyList{
			{Name: "a", Value: strings.Repeat("x", 1<<19), NoIndex: true}, {Name: "b", Value: strings.Repeat("x", 1<<19), NoIndex: true}}),
	} {
		tx := begin(t, c)
		if _, err := tx.Mutate(m); err != nil {
			t.Fatalf("%s: the client says %v", name, err)
		}
		if _, err := tx.Commit(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Queries that the built-in indexes do not serve are refused.
func TestCompositeIndexes(t *testing.T) {
	_, c := start(t, dstest.Options{})
	q := func() *datastore.Query { return datastore.NewQuery("row") }
	for name, c2 := range map[string]struct {
		query *datastore.Query
		want  codes.Code
	}{
		"all":                              {q(), codes.OK},
		"one order":                        {q().Order("N"), codes.OK},
		"equality":                         {q().FilterField("N", "=", 1), codes.OK},
		"equalities":                       {q().FilterField("N", "=", 1).FilterField("M", "=", 1), codes.OK},
		"inequality":                       {q().FilterField("N", "<", 1).Order("N"), codes.OK},
		"equality and keys":                {q().FilterField("N", "=", 1).FilterField("__key__", ">", key("a")).Order("__key__"), codes.OK},
		"equality and inequality":          {q().FilterField("N", "=", 1).FilterField("M", "<", 1), codes.FailedPrecondition},
		"equality and order":               {q().FilterField("N", "=", 1).Order("M"), codes.FailedPrecondition},
		"two inequalities":                 {q().FilterField("N", "<", 1).FilterField("M", "<", 1), codes.FailedPrecondition},
		"inequalities of property and key": {q().FilterField("N", "<", 1).FilterField("__key__", ">", key("a")), codes.FailedPrecondition},
		"inequality and another order":     {q().FilterField("N", "<", 1).Order("M"), codes.FailedPrecondition},
		"inequality in the order of keys":  {q().FilterField("N", "<", 1).Order("__key__"), codes.FailedPrecondition},
	} {
		if _, err := c.GetAll(t.Context(), c2.query.KeysOnly(), nil); status.Code(err) != c2.want {
			t.Errorf("%s: %v, want %v", name, err, c2.want)
		}
	}
}

// Results come in several batches, in order when one is asked for, and in none otherwise.
func TestOrder(t *testing.T) {
	_, c := start(t, dstest.Options{})
	var names []string
	for i := range 100 {
		put(t, c, fmt.Sprintf("%03d", i), i)
		names = append(names, fmt.Sprintf("%03d", i))
	}
	for _, ordered := range []bool{true, false} {
		q := datastore.NewQuery("row").KeysOnly()
		if ordered {
			q = q.Order("__key__")
		}
		found, err := c.GetAll(t.Context(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range found {
			got = append(got, k.Name)
		}
		if slices.Equal(got, names) != ordered {
			t.Errorf("ordered is %v, and the keys are %q", ordered, got)
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("%d keys, want %d", len(got), len(names))
		}
	}
}

// Outside of transactions a lookup of several keys is not of one moment: the sum of two that change together is seen
// wrong. In a transaction it is not.
func TestLookupsOfSeveralKeys(t *testing.T) {
	_, c := start(t, dstest.Options{})
	put(t, c, "a", 1)
	put(t, c, "b", -1)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 2; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			tx, err := c.NewTransaction(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = tx.PutMulti([]*datastore.Key{key("a"), key("b")}, []*row{{N: n}, {N: -n}})
			if _, err := tx.Commit(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	torn := 0
	for i := 0; i < 20_000 && torn == 0; i++ {
		both := make([]row, 2)
		if err := c.GetMulti(t.Context(), []*datastore.Key{key("a"), key("b")}, both); err != nil {
			t.Fatal(err)
		}
		if both[0].N+both[1].N != 0 {
			torn++
		}
	}
	if torn == 0 {
		t.Error("plain lookups were of one moment 20,000 times")
	}
	for range 200 {
		tx := begin(t, c, datastore.ReadOnly)
		both := make([]row, 2)
		if err := tx.GetMulti([]*datastore.Key{key("a"), key("b")}, both); err != nil {
			t.Fatal(err)
		}
		if both[0].N+both[1].N != 0 {
			t.Fatal("a lookup in a transaction is torn")
		}
	}
	close(stop)
	<-done
}
