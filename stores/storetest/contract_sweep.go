package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

var sweepLaws = []law{
	{"removes what expired before the given time, and nothing else", sweepRemovesExpired},
	{"removes at most limit records", sweepLimit},
	{"works in all tenants and kinds", sweepEverywhere},
	{"removes the terms too", sweepTerms},
	{"follows an expiry that is moved, set and cleared", sweepFollowsExpiry},
	{"never removes what a concurrent commit renewed", sweepRenewed},
}

// expiring stores items that expire at the given offsets from now; their ids are the offsets.
func (e *env) expiring(b record.Backend, offsets ...time.Duration) {
	e.Helper()
	for _, d := range offsets {
		r := itemRecord(e.rev(), d.String(), "x", 1)
		r.Expires = e.clock.Now().Add(d)
		e.must(e.commit(b, putOp(0, r)))
	}
}

// sweep sweeps what expired before now.
func (e *env) sweep(b record.Backend, limit int) int {
	e.Helper()
	n, err := b.Sweep(e.ctx, e.clock.Now(), limit)
	e.must(err)
	return n
}

func sweepRemovesExpired(e *env) {
	b := e.backend()
	e.expiring(b, -40*365*24*time.Hour, -time.Hour, -time.Millisecond, 0, time.Millisecond, time.Hour)
	e.fill(b, "x", "never")
	// Before 1970, too: an expiry is a time and not an amount.
	old := itemRecord(e.rev(), "1969", "x", 1)
	old.Expires = time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC)
	e.must(e.commit(b, putOp(0, old)))
	if n := e.sweep(b, 100); n != 4 {
		e.Errorf("swept %d records, want 4", n)
	}
	e.wantIDs(e.find(b, itemQuery("", "")), "0s", "1h0m0s", "1ms", "never")
	if n := e.sweep(b, 100); n != 0 {
		e.Errorf("swept %d records again", n)
	}
}

func sweepLimit(e *env) {
	b := e.backend()
	e.expiring(b, -1*time.Hour, -2*time.Hour, -3*time.Hour, -4*time.Hour, -5*time.Hour)
	for _, want := range []int{2, 2, 1, 0} {
		if n := e.sweep(b, 2); n != want {
			e.Errorf("swept %d records, want %d", n, want)
		}
	}
	e.wantIDs(e.find(b, itemQuery("", "")))
}

func sweepEverywhere(e *env) {
	b := e.backend()
	var keys []record.Key
	for _, tenant := range []string{"t1", "t2", record.System} {
		var ops []record.Op
		for _, kind := range []string{"item", "item_"} {
			r := itemRecord(e.rev(), "a", "x", 1)
			r.Tenant, r.Kind = tenant, kind
			r.Expires = e.clock.Now().Add(-time.Minute)
			ops, keys = append(ops, putOp(0, r)), append(keys, r.Key)
		}
		e.must(e.commit(b, ops...))
	}
	if n := e.sweep(b, 100); n != len(keys) {
		e.Errorf("swept %d records, want %d", n, len(keys))
	}
	for _, k := range keys {
		if e.get(b, k) != nil {
			e.Errorf("%v was not swept", k)
		}
	}
}

func sweepTerms(e *env) {
	b := e.backend()
	e.expiring(b, -time.Minute)
	e.sweep(b, 10)
	e.wantIDs(e.find(b, itemQuery("owner", "x")))
	r := itemRecord(e.rev(), "-1m0s", "y", 1)
	e.must(e.commit(b, putOp(0, r)))
	e.wantIDs(e.find(b, itemQuery("owner", "x")))
	e.wantIDs(e.find(b, itemQuery("owner", "y")), r.ID)
}

func sweepFollowsExpiry(e *env) {
	b := e.backend()
	past, future := e.clock.Now().Add(-time.Hour), e.clock.Now().Add(time.Hour)
	for i, c := range []struct {
		before, after time.Time
		swept         int
	}{
		{past, future, 0}, {past, time.Time{}, 0}, {future, past, 1}, {time.Time{}, past, 1}, {past, past.Add(1), 1},
	} {
		r := itemRecord(e.rev(), fmt.Sprint("id", i), "x", 1)
		r.Expires = c.before
		e.must(e.commit(b, putOp(0, r)))
		next := itemRecord(e.rev(), r.ID, "x", 1)
		next.Expires = c.after.Truncate(time.Millisecond)
		e.must(e.commit(b, putOp(r.Rev, next)))
		if n := e.sweep(b, 10); n != c.swept {
			e.Errorf("expiry moved from %v to %v: swept %d, want %d", c.before, c.after, n, c.swept)
		}
		if gone := e.get(b, r.Key) == nil; gone != (c.swept == 1) {
			e.Errorf("expiry moved from %v to %v: gone is %v", c.before, c.after, gone)
		}
	}
}

// sweepRenewed lets a renewal and a sweep race for the same record. Either the sweep was first and the renewal
// conflicts, or the renewal was first and the record stays.
func sweepRenewed(e *env) {
	const width = 16
	for round := range 2 * e.rounds {
		var revs [width]int64
		var ops []record.Op
		for i := range width {
			r := itemRecord(e.rev(), fmt.Sprintf("r%d-%02d", round, i), "x", 1)
			r.Expires = e.clock.Now().Add(-time.Minute)
			revs[i] = r.Rev
			ops = append(ops, putOp(0, r))
		}
		e.must(e.commit(e.backend(), ops...))
		var renewed [width]atomic.Bool
		together(width+2, func(i int) {
			if i >= width {
				if _, err := e.instance(i-width).Sweep(e.ctx, e.clock.Now(), 1000); err != nil {
					e.Errorf("sweep: %v", err)
				}
				return
			}
			r := itemRecord(e.rev(), ops[i].ID, "x", 2)
			r.Expires = e.clock.Now().Add(time.Hour)
			renewed[i].Store(e.commitRetry(e.instance(i%2), putOp(revs[i], r)))
		})
		e.sweep(e.backend(), 1000)
		for i := range width {
			if there := e.get(e.backend(), ops[i].Key) != nil; there != renewed[i].Load() {
				e.Fatalf("round %d: renewed is %v, and afterwards the record is there: %v", round, renewed[i].Load(), there)
			}
		}
	}
}
