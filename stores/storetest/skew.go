package storetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/oneauth-go/oneauth/core/record"
)

var skewLaws = []law{
	{"is excluded: of two that read what the other writes one commits", skewPairs},
	{"is excluded for lists", skewLists},
	{"is excluded at the backend: check against write", skewBackend},
	{"is excluded in a ring of three", skewRing},
	{"by phantoms is excluded by writing the parent", skewParent},
}

// errRule says that a transaction would break the rule.
var errRule = errors.New("rule")

// skewPairs lets two transactions each read one record and clear the other; one of the records must stay on.
func skewPairs(e *env) {
	dbs := e.dbs()
	for round := range 2 * e.rounds {
		ids := [2]string{fmt.Sprintf("p%d", round), fmt.Sprintf("q%d", round)}
		for _, id := range ids {
			e.insert(dbs[0], item{ID: id, N: 1})
		}
		meet := newMeeting(2)
		together(2, func(i int) {
			mine, other := ids[i], ids[1-i]
			err := e.update(dbs[i], func(rows record.Rows[item]) error {
				it, err := rows.Get(other)
				if err != nil {
					return err
				}
				meet.wait(i) // both have read before either writes, on the first try
				if it.N == 0 {
					return errRule
				}
				return rows.Put(&item{ID: mine})
			})
			if err != nil && !errors.Is(err, errRule) {
				e.Errorf("update: %v", err)
			}
		})
		if left := e.item(dbs[0], ids[0]).N + e.item(dbs[0], ids[1]).N; left != 1 {
			e.Fatalf("round %d: %d records are left on, want 1: both committed on what the other changed", round, left)
		}
	}
}

func skewLists(e *env) {
	dbs := e.dbs()
	for round := range e.rounds {
		owner := fmt.Sprint("owner", round)
		for i := range 2 {
			e.insert(dbs[0], item{ID: fmt.Sprintf("l%d-%d", round, i), Owner: owner, N: 1})
		}
		meet := newMeeting(2)
		together(2, func(i int) {
			err := e.update(dbs[i], func(rows record.Rows[item]) error {
				found, err := rows.Find("owner", owner, record.Page{})
				if err != nil {
					return err
				}
				meet.wait(i)
				if found[0].N+found[1].N < 2 {
					return errRule
				}
				return rows.Put(&item{ID: found[i].ID, Owner: owner})
			})
			if err != nil && !errors.Is(err, errRule) {
				e.Errorf("update: %v", err)
			}
		})
		if left := e.item(dbs[0], fmt.Sprintf("l%d-0", round)).N + e.item(dbs[0], fmt.Sprintf("l%d-1", round)).N; left != 1 {
			e.Fatalf("round %d: %d records are left on, want 1", round, left)
		}
	}
}

// skewBackend commits, at the same moment, batches that each check what the other writes.
func skewBackend(e *env) {
	for round := range 2 * e.rounds {
		e.skewCommits(round, 2)
	}
}

func skewRing(e *env) {
	for round := range 2 * e.rounds {
		e.skewCommits(round, 3)
	}
}

// skewCommits lets n commits race, of which each writes its own record and checks the next one's. Whichever is applied
// first breaks the check of the one before it in the ring, so never all are applied.
func (e *env) skewCommits(round, n int) {
	e.Helper()
	revs := make([]int64, n)
	id := func(i int) string { return fmt.Sprintf("ring%d-%d-%d", n, round, i%n) }
	for i := range n {
		r := itemRecord(e.rev(), id(i), "x", 1)
		revs[i] = r.Rev
		e.must(e.commit(e.instance(i), putOp(0, r)))
	}
	var applied counter
	together(n, func(i int) {
		own := itemRecord(e.rev(), id(i), "x", 0)
		if e.commitRetry(e.instance(i), putOp(revs[i], own), keyOp(record.Check, revs[(i+1)%n], id(i+1))) {
			applied.add()
		}
	})
	if got := applied.get(); got == int64(n) {
		e.Fatalf("round %d: all %d commits were applied, although each checked what another wrote", round, n)
	}
}

// skewParent shows the way for rules over a set: at most three children, counted and written with the parent.
func skewParent(e *env) {
	dbs := e.dbs()
	for round := range max(1, e.rounds/4) {
		parent := fmt.Sprint("parent", round)
		e.insert(dbs[0], item{ID: parent})
		winners := e.race(dbs, errRule, func(i int, db *record.DB) error {
			return e.update(db, func(rows record.Rows[item]) error {
				p, err := rows.Get(parent)
				if err != nil {
					return err
				}
				children, err := rows.PeekFind("owner", parent, record.Page{})
				if err != nil {
					return err
				}
				if len(children) >= 3 {
					return errRule
				}
				return errors.Join(rows.Put(p), rows.Insert(&item{ID: fmt.Sprintf("child%d-%02d", round, i), Owner: parent}))
			})
		})
		if got := e.ids(dbs[0], parent); len(got) != 3 || winners != 3 {
			e.Fatalf("round %d: %d children and %d winners, want 3", round, len(got), winners)
		}
	}
}

// meeting lets n parties wait for each other, once.
type meeting struct {
	mu   sync.Mutex
	seen map[int]bool
	n    int
	all  chan struct{}
}

func newMeeting(n int) *meeting {
	return &meeting{seen: map[int]bool{}, n: n, all: make(chan struct{})}
}

// wait returns when all have called it; a party that comes again does not wait.
func (m *meeting) wait(party int) {
	m.mu.Lock()
	if !m.seen[party] {
		m.seen[party] = true
		if len(m.seen) == m.n {
			close(m.all)
		}
	}
	m.mu.Unlock()
	<-m.all
}
