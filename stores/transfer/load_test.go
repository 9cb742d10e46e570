package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

const writers = 16

// load is an application: each writer goes on with a chain, which has one link that every commit replaces by the next. Half
// of them work in a tenant that begins with the load.
type load struct {
	db    *record.DB
	acked [writers]atomic.Int64
}

func tenantOf(g int) string        { return []string{"acme", "young"}[g%2] }
func chainOf(g int) string         { return fmt.Sprint("chain", g) }
func linkOf(g int, n int64) string { return fmt.Sprintf("chain%d-%d", g, n) }

// extend goes one step on, and returns where the chain is.
func extend(db *record.DB, ctx context.Context, g int) (n int64, err error) {
	err = db.Update(record.WithTenant(ctx, tenantOf(g)), func(tx *record.Tx) error {
		c, err := chains.In(tx).Get(chainOf(g))
		if errors.Is(err, record.ErrNotFound) {
			c, err = &chain{ID: chainOf(g)}, nil
		}
		if err != nil {
			return err
		}
		if err := links.In(tx).Delete(linkOf(g, c.N)); err != nil {
			return err
		}
		c.N++
		n = c.N
		return errors.Join(links.In(tx).Insert(&link{ID: linkOf(g, n), Chain: chainOf(g)}), chains.In(tx).Set(c))
	})
	return n, err
}

// run writes until ctx ends. What fails is reported, unless it is contention, which is what callers get while commits wait.
func (l *load) run(ctx context.Context, failed func(error)) {
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for ctx.Err() == nil {
				n, err := extend(l.db, ctx, g)
				if err == nil {
					l.acked[g].Store(n)
				} else if ctx.Err() == nil && !errors.Is(err, record.ErrContention) {
					failed(err)
				}
			}
		})
	}
	wg.Wait()
}

// steps is how much was acknowledged.
func (l *load) steps() (n int64) {
	for g := range l.acked {
		n += l.acked[g].Load()
	}
	return n
}

// checkChain says whether what is stored is what was acknowledged, or one step that nobody heard of more.
func checkChain(db *record.DB, g int, acked int64) error {
	return db.View(in(tenantOf(g)), func(tx *record.Tx) error {
		c, err := chains.In(tx).Get(chainOf(g))
		if errors.Is(err, record.ErrNotFound) && acked == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("chain %d: %w", g, err)
		}
		found, err := links.In(tx).Find("chain", chainOf(g), record.Page{})
		if err != nil {
			return err
		}
		if c.N < acked || c.N > acked+1 || len(found) != 1 || found[0].ID != linkOf(g, c.N) {
			return fmt.Errorf("chain %d is at %d with %d links, and %d was acknowledged", g, c.N, len(found), acked)
		}
		return nil
	})
}

// at returns how far a chain is.
func at(t testing.TB, db *record.DB, g int) (n int64) {
	t.Helper()
	must(t, db.View(in(tenantOf(g)), func(tx *record.Tx) error {
		c, err := chains.In(tx).Get(chainOf(g))
		if errors.Is(err, record.ErrNotFound) {
			return nil
		}
		if err == nil {
			n = c.N
		}
		return err
	}))
	return n
}

func openDB(t testing.TB, b record.Backend) *record.DB {
	t.Helper()
	db, err := record.Open(context.Background(), b, record.Options{}, kinds...)
	must(t, err)
	return db
}
