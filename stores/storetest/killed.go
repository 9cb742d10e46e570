package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
)

// Server is what a backend keeps its data on, for [Killed].
type Server interface {
	Kill()  // as kill -9 does
	Start() // waits until it answers
}

const (
	chains     = 8
	recoverIn  = 5 * time.Second
	tokensEach = 40 // one-time tokens that all race for between two kills
)

// Killed kills a server that promises durability, in the midst of work, and starts it again: nothing that was acknowledged
// is lost, nothing that was deleted is back, no token is redeemed twice, and within five seconds of the start there is new
// work done. STORETEST_KILLS says how often (default 3). open opens the data set; it is called twice.
func Killed(t *testing.T, server Server, open func() (record.Backend, error)) {
	t.Helper()
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("STORETEST_KILLS")); err == nil && n > 0 {
		kills = n
	}
	l := &load{db: openItems(t, open), won: map[string]int{}}
	watch := openItems(t, open)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	l.issue(t, watch, 0)
	for g := range chains {
		if _, err := l.extend(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	go func() { l.run(ctx); close(done) }()
	var slowest time.Duration
	var redeemed int
	for round := range kills {
		at := l.acked[0].Load()
		parts.Until(t, "the load goes on", func() bool { return l.acked[0].Load() > at+int64(round%7) })
		server.Kill()
		server.Start()
		began, mark := time.Now(), l.acked[0].Load()
		parts.Until(t, "the load goes on after a restart", func() bool { return l.acked[0].Load() > mark })
		slowest = max(slowest, time.Since(began))
		redeemed += l.check(t, watch)
		l.issue(t, watch, int64(round+1))
	}
	stop()
	<-done
	redeemed += l.check(t, watch)
	t.Logf("%d kills, %d commits in the first chain, %d tokens redeemed, slowest recovery %v", kills, l.acked[0].Load(), redeemed, slowest)
	if slowest > recoverIn {
		t.Errorf("recovery took %v, want at most %v", slowest, recoverIn)
	}
	if redeemed == 0 {
		t.Error("no token was redeemed")
	}
}

// openItems opens a kernel that knows items.
func openItems(t testing.TB, open func() (record.Backend, error)) *record.DB {
	t.Helper()
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	db, err := record.Open(context.Background(), b, record.Options{}, items.Kind())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// load is what runs while the server is killed, and what was acknowledged to it. A chain is a head, which counts, and one
// link, which every commit replaces by the next.
type load struct {
	db    *record.DB
	acked [chains]atomic.Int64
	mu    sync.Mutex
	won   map[string]int
	round atomic.Int64
}

func head(g int) string          { return fmt.Sprint("chain ", g) }
func link(g int, n int64) string { return fmt.Sprintf("link %d of chain %d", n, g) }

// extend appends to a chain.
func (l *load) extend(ctx context.Context, g int) (n int64, err error) {
	err = updateItems(ctx, l.db, func(rows record.Rows[item]) error {
		at, err := rows.Get(head(g))
		if errors.Is(err, record.ErrNotFound) {
			at, err = &item{ID: head(g)}, nil
		}
		if err != nil {
			return err
		}
		if err := rows.Delete(link(g, at.N)); err != nil {
			return err
		}
		at.N++
		n = at.N
		return errors.Join(rows.Insert(&item{ID: link(g, n), Owner: head(g)}), rows.Set(at))
	})
	return n, err
}

// issue makes the tokens of a round.
func (l *load) issue(t *testing.T, db *record.DB, round int64) {
	t.Helper()
	for i := range tokensEach {
		err := settled(t, func() error {
			return updateItems(t.Context(), db, func(rows record.Rows[item]) error { return rows.Set(&item{ID: tokenOf(round, i)}) })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	l.round.Store(round)
}

func tokenOf(round int64, i int) string { return fmt.Sprintf("token %d of round %d", i, round) }

// run extends the chains and redeems the tokens of the round until ctx ends. While the server is away, calls fail.
func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	for g := range chains {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if n, err := l.extend(ctx, g); err == nil {
					l.acked[g].Store(n)
				}
				id := tokenOf(l.round.Load(), i%tokensEach)
				if redeemItem(ctx, l.db, id) == nil {
					l.mu.Lock()
					l.won[id]++
					l.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// check compares what is stored with what was acknowledged, and returns how many tokens were redeemed since the last time.
func (l *load) check(t *testing.T, db *record.DB) (redeemed int) {
	t.Helper()
	for g := range chains {
		acked := l.acked[g].Load() // before reading: the chain goes on
		var at int64
		var links []*item
		err := settled(t, func() error {
			return updateItems(t.Context(), db, func(rows record.Rows[item]) error { // validated together
				h, err := rows.Get(head(g))
				if err != nil {
					return err
				}
				at = h.N
				links, err = rows.Find("owner", head(g), record.Page{})
				return err
			})
		})
		if err != nil || at < acked || len(links) != 1 || links[0].ID != link(g, at) {
			t.Errorf("%s is at %d with %d links, and %d was acknowledged: %v", head(g), at, len(links), acked, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	redeemed = len(l.won)
	for id, n := range l.won {
		if n != 1 {
			t.Errorf("%s was redeemed %d times", id, n)
		}
		var used bool
		err := settled(t, func() error {
			return updateItems(t.Context(), db, func(rows record.Rows[item]) error { // validated
				it, err := rows.Get(id)
				used = err == nil && it.N != 0
				return err
			})
		})
		if err != nil || !used {
			t.Errorf("%s was redeemed, and after a crash that is %t, %v", id, used, err)
		}
	}
	clear(l.won)
	return redeemed
}

// settled asks again while the answer is that none can be given: how soon there is one again is judged elsewhere.
func settled(t *testing.T, ask func() error) (err error) {
	t.Helper()
	parts.Until(t, "the store gives answers", func() bool {
		err = ask()
		return !errors.Is(err, record.ErrUnknown) && !errors.Is(err, record.ErrContention) && !errors.Is(err, record.ErrBusy)
	})
	return err
}

func updateItems(ctx context.Context, db *record.DB, f func(rows record.Rows[item]) error) error {
	return db.Update(record.WithTenant(ctx, tenant), func(tx *record.Tx) error { return f(items.In(tx)) })
}

func redeemItem(ctx context.Context, db *record.DB, id string) error {
	return updateItems(ctx, db, func(rows record.Rows[item]) error { return useUp(rows, id) })
}

// useUp redeems a token by writing that it is used.
func useUp(rows record.Rows[item], id string) error {
	it, err := rows.Get(id)
	if err != nil {
		return err
	}
	if it.N != 0 {
		return errUsed
	}
	it.N = 1
	return rows.Put(it)
}
