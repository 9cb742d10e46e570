package file_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

// BenchmarkLarge loads ONEAUTH_LARGE users (1 stands for a million) with an account, an identity and two sessions each,
// in random order through the public API, reopens the file, and reports what an operator wants to know. It needs about
// 8 GB in ONEAUTH_LARGE_DIR (default: the temporary folder), and removes it.
//
//	ONEAUTH_LARGE=1 go test -run '^$' -bench '^BenchmarkLarge$' -benchtime 1x -timeout 60m ./stores/file
func BenchmarkLarge(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("ONEAUTH_LARGE"), "2000"))
	if err != nil {
		b.Fatalf("ONEAUTH_LARGE: %v", err)
	}
	if n == 1 {
		n = 1_000_000
	}
	dir, err := os.MkdirTemp(os.Getenv("ONEAUTH_LARGE_DIR"), "oneauth-large-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "auth.db")
	for b.Loop() {
		os.Remove(path)
		loadLarge(b, path, n)
		reopenLarge(b, path)
		store, db := open(b, path, file.Options{CompactAt: -1})
		reportWrites(b, db, n, "grown")
		start := time.Now()
		if err := store.Compact(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s-compact")
		reportWrites(b, db, n, "compacted")
		reportReads(b, db, n)
		st, err := store.Stats()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(st.FileSize)/(1<<20), "MB-file")
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		reopenLarge(b, path)
	}
	b.ReportMetric(0, "ns/op")
}

func loadLarge(b *testing.B, path string, n int) {
	const perCommit = 50 // 250 operations
	store, db := open(b, path, file.Options{NoSync: true})
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				from := int(next.Add(perCommit)) - perCommit
				if from >= n {
					return
				}
				err := db.Update(inTenant, func(tx *record.Tx) error {
					for i := from; i < min(from+perCommit, n); i++ {
						if err := insertPerson(tx, i); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	st, err := store.Stats()
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "s-load")
	b.ReportMetric(float64(st.FreePages), "free-pages-loaded")
	b.ReportMetric(float64(st.FileSize)/(1<<20), "MB-loaded")
}

// reopenLarge reports how long opening takes, and the heap after it.
func reopenLarge(b *testing.B, path string) {
	start := time.Now()
	store, _ := open(b, path, file.Options{CompactAt: -1})
	b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-open")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MB-heap")
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}

func reportReads(b *testing.B, db *record.DB, n int) {
	report(b, 20_000, "us-lookup", func() error {
		return db.View(inTenant, func(tx *record.Tx) error {
			_, err := identities.In(tx).Get(personOf(rand.IntN(n)).email)
			return err
		})
	})
	report(b, 20_000, "us-list", func() error {
		return db.View(inTenant, func(tx *record.Tx) error {
			_, err := sessions.In(tx).PeekFind("user_id", personOf(rand.IntN(n)).id, record.Page{})
			return err
		})
	})
}

// reportWrites reports changing one account, and revoking the sessions of one user.
func reportWrites(b *testing.B, db *record.DB, n int, name string) {
	report(b, 1000, "us-write-"+name, func() error {
		return db.Update(inTenant, func(tx *record.Tx) error {
			a, err := accounts.In(tx).Get(personOf(rand.IntN(n)).id)
			if err != nil {
				return err
			}
			a.N++
			return accounts.In(tx).Put(a)
		})
	})
	report(b, 500, "us-revoke-"+name, func() error {
		return db.Update(inTenant, func(tx *record.Tx) error {
			found, err := sessions.In(tx).Find("user_id", personOf(rand.IntN(n)).id, record.Page{})
			for _, s := range found {
				if err == nil {
					err = sessions.In(tx).Delete(s.ID)
				}
			}
			return err
		})
	})
}

// report runs fn and reports the median and the 99th percentile of its time in microseconds.
func report(b *testing.B, rounds int, name string, fn func() error) {
	times := make([]time.Duration, rounds)
	for i := range times {
		start := time.Now()
		if err := fn(); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	us := func(p int) float64 { return float64(times[len(times)*p/100].Nanoseconds()) / 1000 }
	b.ReportMetric(us(50), name+"-p50")
	b.ReportMetric(us(99), name+"-p99")
}
