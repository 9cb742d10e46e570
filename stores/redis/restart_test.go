package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
)

const (
	kills      = 20
	chains     = 8
	recoverIn  = 5 * time.Second
	tokensEach = 40 // one-time tokens that all race for between two kills
)

func chain(g int) string         { return fmt.Sprint("chain", g) }
func link(g int, n int64) string { return fmt.Sprintf("chain%d-%d", g, n) }

// extend appends to chain g: the commit deletes the link of the one before and inserts its own.
func extend(ctx context.Context, db *record.DB, g int) (n int64, err error) {
	err = db.Update(inTenant(ctx), func(tx *record.Tx) error {
		rows := tokens.In(tx)
		head, err := rows.Get(chain(g))
		if errors.Is(err, record.ErrNotFound) {
			head, err = &token{ID: chain(g)}, nil
		}
		if err != nil {
			return err
		}
		if err := rows.Delete(link(g, head.Used)); err != nil {
			return err
		}
		head.Used++
		n = head.Used
		return errors.Join(rows.Insert(&token{ID: link(g, n), User: chain(g)}), rows.Set(head))
	})
	return n, err
}

// load is what runs while the server is killed, and what was acknowledged to it.
type load struct {
	db    *record.DB
	acked [chains]atomic.Int64
	mu    sync.Mutex
	won   map[string]int
	round atomic.Int64
}

// run extends the chains and redeems the tokens of the round until ctx ends. While the server is away, calls fail.
func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	for g := range chains {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if n, err := extend(ctx, l.db, g); err == nil {
					l.acked[g].Store(n)
				}
				id := fmt.Sprintf("token-%d-%d", l.round.Load(), i%tokensEach)
				if redeem(ctx, l.db, id) == nil {
					l.mu.Lock()
					l.won[id]++
					l.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// check compares what is stored with what was acknowledged.
func (l *load) check(t *testing.T, db *record.DB) {
	t.Helper()
	for g := range chains {
		acked := l.acked[g].Load() // before reading: the chain goes on
		var at int64
		var found []*token
		must(t, db.Update(inTenant(t.Context()), func(tx *record.Tx) error { // validated together: the chain goes on meanwhile
			head, err := tokens.In(tx).Get(chain(g))
			if err != nil {
				return fmt.Errorf("%s: %w", chain(g), err)
			}
			at = head.Used
			found, err = tokens.In(tx).Find("user_id", chain(g), record.Page{})
			return err
		}))
		if at < acked || len(found) != 1 || found[0].ID != link(g, at) {
			t.Errorf("%s is at %d with %d links, and %d was acknowledged", chain(g), at, len(found), acked)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.won {
		if n != 1 {
			t.Errorf("%s was redeemed %d times", id, n)
		}
		if err := redeem(t.Context(), db, id); !errors.Is(err, errUsed) {
			t.Errorf("%s was redeemed, and after a crash: %v", id, err)
		}
	}
	clear(l.won)
}

// A server that syncs every write is killed under load, again and again: nothing that was acknowledged is lost, nothing
// that was deleted is back, no token is redeemed twice, and soon after its start everything works.
func TestKilledServer(t *testing.T) {
	server := parts.Redis(t, parts.Durable)
	if server == nil {
		return
	}
	l := &load{db: openDB(t, open(t, dial(t, server.Addr()))), won: map[string]int{}}
	watch := openDB(t, open(t, dial(t, server.Addr())))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	var slowest time.Duration
	var redeemed int
	prepareRound := func(round int64) {
		for i := range tokensEach {
			must(t, issue(t.Context(), watch, fmt.Sprintf("token-%d-%d", round, i)))
		}
		l.round.Store(round)
	}
	prepareRound(0)
	for g := range chains {
		_, err := extend(ctx, l.db, g)
		must(t, err)
	}
	go func() { l.run(ctx); close(done) }()
	for round := range int64(kills) {
		before := l.acked[0].Load()
		eventually(t, time.Minute, func() error { // in the midst of work
			if l.acked[0].Load() < before+round%7+1 {
				return errors.New("the load stands still")
			}
			return nil
		})
		server.Kill()
		server.Start()
		began, mark := time.Now(), l.acked[0].Load()
		eventually(t, time.Minute, func() error {
			if l.acked[0].Load() == mark {
				return errors.New("the load does not go on after a restart")
			}
			return nil
		})
		slowest = max(slowest, time.Since(began))
		l.mu.Lock()
		redeemed += len(l.won)
		l.mu.Unlock()
		l.check(t, watch)
		prepareRound(round + 1)
	}
	stop()
	<-done
	l.check(t, watch)
	t.Logf("%d kills, %d commits in the first chain, %d tokens redeemed, slowest recovery %v", kills, l.acked[0].Load(), redeemed, slowest)
	if slowest > recoverIn {
		t.Errorf("recovery took %v, want at most %v", slowest, recoverIn)
	}
	if redeemed == 0 {
		t.Error("no token was redeemed")
	}
}
