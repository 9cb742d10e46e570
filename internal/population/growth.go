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

// Growth measures each operation in one store that grows to as many users as each of the numbers in ONEAUTH_GROWTH, from
// 1,000 on, separated by commas. add loads records; loaded, unless it is nil, follows each loading. Figures are named as
// Measure says, and "s-load-100000" is what loading took.
//
// A figure is a median over 300 people, whose rows nobody has touched since they were loaded.
func Growth(b *testing.B, store record.Backend, add func([]record.Record) error, loaded func(users int)) {
	b.Helper()
	sizes := sizes(b)
	people := Make(b, store, 1000)
	for b.Loop() {
		for _, n := range sizes {
			begun := time.Now()
			people.Load(b, n, add)
			b.ReportMetric(time.Since(begun).Seconds(), fmt.Sprintf("s-load-%d", n))
			if loaded != nil {
				loaded(n)
			}
			people.Measure(b, 300, b.ReportMetric)
		}
	}
	b.ReportMetric(0, "ns/op")
}

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
