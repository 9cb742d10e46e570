package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var raceLaws = []law{
	{"for a claim has exactly one winner", raceClaim},
	{"for a one-time token has exactly one winner", raceRedeem},
	{"for a counter loses no increment", raceCounter},
	{"for several claims in one transaction has one winner of all", raceClaims},
	{"between delete and put has one order", raceDeletePut},
	{"of all against all ends, in bounded time", raceStorm},
	{"keeps the sum of what is moved about", raceTransfers},
	{"at the backend has exactly one winner", raceBackend},
}

// racers is how many goroutines race, spread over racerInstances.
const (
	racers         = 64
	racerInstances = 3
)

// errUsed says that a token was used before.
var errUsed = errors.New("used before")

type counter struct{ n atomic.Int64 }

func (c *counter) add()       { c.n.Add(1) }
func (c *counter) get() int64 { return c.n.Load() }

// race runs f in all racers at once, each with one of the instances' DBs, and returns for how many it returned nil; the
// others must have failed with an error that is lost.
func (e *env) race(dbs []*record.DB, lost error, f func(i int, db *record.DB) error) (winners int64) {
	var won counter
	together(racers, func(i int) {
		switch err := f(i, dbs[i%len(dbs)]); {
		case err == nil:
			won.add()
		case !errors.Is(err, lost):
			e.Errorf("racer %d: %v", i, err)
		}
	})
	return won.get()
}

// dbs opens a DB per instance.
func (e *env) dbs() []*record.DB {
	e.Helper()
	var out []*record.DB
	for i := range racerInstances {
		out = append(out, e.db(i))
	}
	return out
}

func raceClaim(e *env) {
	dbs := e.dbs()
	for round := range e.rounds {
		id := fmt.Sprintf("claim %d", round)
		winners := e.race(dbs, record.ErrExists, func(i int, db *record.DB) error {
			return e.update(db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: id, N: int64(i)}) })
		})
		if winners != 1 {
			e.Fatalf("round %d: %d winners, want 1", round, winners)
		}
	}
}

// redeem uses up a token.
func (e *env) redeem(db *record.DB, id string) error {
	return e.update(db, func(rows record.Rows[item]) error { return useUp(rows, id) })
}

func raceRedeem(e *env) {
	dbs := e.dbs()
	for round := range e.rounds {
		id := fmt.Sprintf("token %d", round)
		e.insert(dbs[0], item{ID: id})
		winners := e.race(dbs, errUsed, func(_ int, db *record.DB) error { return e.redeem(db, id) })
		if winners != 1 {
			e.Fatalf("round %d: %d winners, want 1", round, winners)
		}
	}
}

func raceCounter(e *env) {
	dbs := e.dbs()
	e.insert(dbs[0], item{ID: "a"})
	for round := range max(1, e.rounds/5) {
		e.race(dbs, nil, func(_ int, db *record.DB) error { _, err := e.increment(db); return err })
		if got := e.item(dbs[0], "a").N; got != int64((round+1)*racers) {
			e.Fatalf("counted %d, want %d", got, (round+1)*racers)
		}
	}
}

// raceClaims claims three ids in differing orders, all or none.
func raceClaims(e *env) {
	dbs := e.dbs()
	for round := range e.rounds {
		winners := e.race(dbs, record.ErrExists, func(i int, db *record.DB) error {
			return e.update(db, func(rows record.Rows[item]) error {
				for j := range 3 {
					if err := rows.Insert(&item{ID: fmt.Sprintf("c%d-%d", round, (i+j)%3), N: int64(i)}); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if winners != 1 {
			e.Fatalf("round %d: %d winners, want 1", round, winners)
		}
		owner := e.item(dbs[0], fmt.Sprintf("c%d-0", round)).N
		for j := range 3 {
			if got := e.item(dbs[0], fmt.Sprintf("c%d-%d", round, j)); got.N != owner {
				e.Fatalf("round %d: claims have several owners", round)
			}
		}
	}
}

// raceDeletePut lets half delete a record and half write into it: whoever wrote after the delete must have failed.
func raceDeletePut(e *env) {
	dbs := e.dbs()
	for round := range e.rounds {
		id := fmt.Sprintf("r%d", round)
		e.insert(dbs[0], item{ID: id})
		var deletes counter
		e.race(dbs, record.ErrNotFound, func(i int, db *record.DB) error {
			return e.update(db, func(rows record.Rows[item]) error {
				it, err := rows.Get(id)
				if err != nil {
					return err
				}
				it.N++
				return rows.Put(it)
			})
		})
		together(8, func(i int) {
			err := e.update(dbs[i%len(dbs)], func(rows record.Rows[item]) error {
				it, err := rows.Get(id)
				if err != nil {
					return err
				}
				if i%2 == 0 {
					return rows.Delete(id)
				}
				it.N++
				return rows.Put(it)
			})
			if err == nil && i%2 == 0 {
				deletes.add()
			} else if err != nil && !errors.Is(err, record.ErrNotFound) {
				e.Errorf("round %d: %v", round, err)
			}
		})
		if deletes.get() != 1 || e.item(dbs[0], id) != nil {
			e.Fatalf("round %d: %d deletes succeeded, want 1; the record is %v", round, deletes.get(), e.item(dbs[0], id))
		}
	}
}

// raceStorm lets all write the same few records in opposite orders: somebody always gets on, and nobody waits forever.
func raceStorm(e *env) {
	dbs := e.dbs()
	const width = 4
	for i := range width {
		e.insert(dbs[0], item{ID: fmt.Sprint("s", i)})
	}
	began := time.Now()
	e.race(dbs, nil, func(i int, db *record.DB) error {
		for range 2 {
			if err := e.update(db, func(rows record.Rows[item]) error {
				for j := range width {
					it, err := rows.Get(fmt.Sprint("s", (i+j)%width))
					if err != nil {
						return err
					}
					it.N++
					if err := rows.Put(it); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range width {
		if got := e.item(dbs[0], fmt.Sprint("s", i)).N; got != 2*racers {
			e.Errorf("record %d counted %d, want %d", i, got, 2*racers)
		}
	}
	e.Logf("%d transactions on the same %d records took %v", 2*racers, width, time.Since(began).Round(time.Millisecond))
}

// raceTransfers moves amounts between accounts while somebody adds them up in one validated transaction.
func raceTransfers(e *env) {
	dbs := e.dbs()
	const accounts, each = 5, 100
	for i := range accounts {
		e.insert(dbs[0], item{ID: fmt.Sprint("acc", i), Owner: "bank", N: each})
	}
	together(9, func(i int) {
		db := dbs[i%len(dbs)]
		for n := range e.rounds {
			var err error
			if i == 8 {
				err = e.auditSum(db, accounts*each)
			} else {
				err = e.transfer(db, fmt.Sprint("acc", (i+n)%accounts), fmt.Sprint("acc", (i*3+n*2+1)%accounts))
			}
			if err != nil {
				e.Errorf("worker %d: %v", i, err)
				return
			}
		}
	})
	e.must(e.auditSum(dbs[0], accounts*each))
}

func (e *env) transfer(db *record.DB, from, to string) error {
	return e.update(db, func(rows record.Rows[item]) error {
		for _, step := range []struct {
			id string
			by int64
		}{{from, -1}, {to, 1}} {
			it, err := rows.Get(step.id)
			if err != nil {
				return err
			}
			it.N += step.by
			if err := rows.Put(it); err != nil {
				return err
			}
		}
		return nil
	})
}

// auditSum fails when a transaction that only reads, and commits, saw another sum.
func (e *env) auditSum(db *record.DB, want int64) error {
	var sum int64
	err := e.update(db, func(rows record.Rows[item]) error {
		sum = 0
		found, err := rows.Find("owner", "bank", record.Page{})
		for _, it := range found {
			sum += it.N
		}
		return err
	})
	if err == nil && sum != want {
		err = fmt.Errorf("a committed transaction saw the sum %d, want %d", sum, want)
	}
	return err
}

// raceBackend is raceClaim and raceRedeem without the kernel between.
func raceBackend(e *env) {
	for i := range racerInstances {
		e.instance(i)
	}
	for round := range e.rounds {
		id, want := fmt.Sprintf("b%d", round), int64(0)
		for range 2 { // first insert, then replace
			var won counter
			var rev atomic.Int64
			together(racers, func(i int) {
				r := itemRecord(e.rev(), id, "x", int64(i))
				if e.commitRetry(e.instance(i%racerInstances), putOp(want, r)) {
					won.add()
					rev.Store(r.Rev)
				}
			})
			got := e.get(e.backend(), itemKey(id))
			if won.get() != 1 || got == nil || got.Rev != rev.Load() {
				e.Fatalf("round %d: %d winners, want 1; stored is %v", round, won.get(), got)
			}
			want = rev.Load()
		}
	}
}
