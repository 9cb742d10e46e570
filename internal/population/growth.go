package population

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Place is an empty store, and how it is filled.
type Place struct {
	Store  record.Backend
	Add    func([]record.Record) error
	Loaded func() // follows the loading; nil is nothing
}

// Growth measures each operation in stores of as many users as each of the numbers in ONEAUTH_GROWTH, from 1,000 on,
// separated by commas. Each store is filled, and then the same is done in all of them in turn, person by person, so that a
// machine that is slow for a while is slow for all. Figures are medians over 200 people who were there shortly before, so
// that their rows are in the caches, and are named as Measure says; "s-load-100000" is what loading took.
func Growth(b *testing.B, open func(users int) Place) {
	b.Helper()
	var all []*People
	for _, n := range sizes(b) {
		place := open(n)
		people := Make(b, place.Store, measured)
		begun := time.Now()
		people.Load(b, n, place.Add)
		b.ReportMetric(time.Since(begun).Seconds(), fmt.Sprintf("s-load-%d", n))
		if place.Loaded != nil {
			place.Loaded()
		}
		all = append(all, people)
	}
	for range b.N {
		Measure(b, all, b.ReportMetric)
	}
	b.ReportMetric(0, "ns/op")
}

// measured is how many people are made in each store.
const measured = 200

func sizes(t testing.TB) (sizes []int) {
	t.Helper()
	for text := range strings.SplitSeq(cmp.Or(os.Getenv("ONEAUTH_GROWTH"), "1000,2000"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1000 || len(sizes) > 0 && n <= sizes[len(sizes)-1] || len(sizes) == 3 {
			t.Fatalf("ONEAUTH_GROWTH: %q: at most three numbers that rise from 1000 on", text)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// Committing returns what loads records through the store, by several goroutines in commits of 250.
func Committing(t testing.TB, store record.Backend) func([]record.Record) error {
	return func(records []record.Record) error {
		var all sync.WaitGroup
		failed := make(chan error, 1)
		for len(records) > 0 {
			n := min(len(records), 8*250)
			for from := 0; from < n; from += 250 {
				part := records[from:min(from+250, n)]
				all.Go(func() {
					ops := make([]record.Op, len(part))
					for i, r := range part {
						ops[i] = record.Op{Record: r, Verb: record.Put}
					}
					if err := store.Commit(t.Context(), ops); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				})
			}
			all.Wait()
			records = records[n:]
		}
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	}
}
