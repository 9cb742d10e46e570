package core_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/stores/file"
)

const benchPassword = "purple otters sing at dawn"

// benchAuth opens an Auth over a file with real fsync, and n users in it.
func benchAuth(b *testing.B, params password.Params, n int) *core.Auth {
	b.Helper()
	store, err := file.Open(filepath.Join(b.TempDir(), "bench.db"), file.Options{})
	if err != nil {
		b.Fatal(err)
	}
	master := make([]byte, 32)
	for i := range master {
		master[i] = byte(i)
	}
	keyring, err := seal.New(deterministic{}, master)
	if err != nil {
		b.Fatal(err)
	}
	auth, err := core.New(context.Background(), store, core.Config{
		Secrets: keyring, BaseURL: "https://app.example", Hashing: params, Scopes: []string{"read"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = auth.Close() })
	hasher, err := password.NewHasher(params, password.Limits{}, deterministic{})
	if err != nil {
		b.Fatal(err)
	}
	hash, err := hasher.Hash(context.Background(), benchPassword)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		_, _, err := auth.Users().Ensure(context.Background(), core.Seed{
			Identities:   []core.SeedIdentity{{Kind: identifier.Email, Value: fmt.Sprintf("user%d@example.com", i), Verified: true}},
			PasswordHash: hash,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return auth
}

// deterministic is a source of nonces for keyrings and salts that protect nothing.
type deterministic struct{}

func (deterministic) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}

// BenchmarkRefresh measures durable refresh rotations through core, against raw bbolt that reads and writes one value of
// the same size with as many fsyncs as it needs: each goroutine alone, and coalesced by bbolt's own Batch.
func BenchmarkRefresh(b *testing.B) {
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprintf("core-%d", goroutines), func(b *testing.B) {
			auth := benchAuth(b, password.CheapParams(), goroutines)
			tokens := make([]string, goroutines)
			for i := range tokens {
				in, err := auth.SignIn(b.Context(), core.PasswordSignIn{
					Identifier: fmt.Sprintf("user%d@example.com", i), Password: benchPassword, Wish: core.Wish{Kind: core.APISession},
				})
				if err != nil {
					b.Fatal(err)
				}
				tokens[i] = in.RefreshToken
			}
			share(b, goroutines, func(worker int) error {
				in, err := auth.Refresh(b.Context(), tokens[worker], core.FirstParty, nil)
				if err == nil {
					tokens[worker] = in.RefreshToken
				}
				return err
			})
		})
		b.Run(fmt.Sprintf("raw-%d", goroutines), func(b *testing.B) {
			db := rawBolt(b)
			write := db.Update
			if goroutines > 1 {
				db.MaxBatchSize, db.MaxBatchDelay = goroutines, time.Millisecond
				write = db.Batch
			}
			share(b, goroutines, func(worker int) error {
				key, value := fmt.Appendf(nil, "session%d", worker), make([]byte, 400)
				return write(func(tx *bolt.Tx) error {
					bucket := tx.Bucket([]byte("sessions"))
					copy(value, bucket.Get(key))
					value[0]++
					return bucket.Put(key, value)
				})
			})
		})
	}
}

func rawBolt(b *testing.B) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("sessions"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// share runs b.N operations on the given number of goroutines.
func share(b *testing.B, goroutines int, op func(worker int) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	for worker := range goroutines {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := op(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkLogin is a sign-in with the default cost. With -cpuprofile it shows how much of the time is argon2.
func BenchmarkLogin(b *testing.B) {
	auth := benchAuth(b, password.DefaultParams(), 1)
	b.ResetTimer()
	for range b.N {
		_, err := auth.SignIn(b.Context(), core.PasswordSignIn{
			Identifier: "user0@example.com", Password: benchPassword, Wish: core.Wish{Kind: core.BrowserSession},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoginMemory is 200 sign-ins at once; peak-MiB is the most heap that was in use beyond what there was before,
// and bound-MiB what it must not exceed: slots x 19 MiB + 64 MiB.
func BenchmarkLoginMemory(b *testing.B) {
	const parallel = 200
	auth := benchAuth(b, password.DefaultParams(), parallel)
	runtime.GC()
	before := heap()
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				peak.Store(max(peak.Load(), heap()))
			}
		}
	}()
	b.ResetTimer()
	for range b.N {
		var all sync.WaitGroup
		for i := range parallel {
			all.Go(func() {
				_, err := auth.SignIn(b.Context(), core.PasswordSignIn{
					Identifier: fmt.Sprintf("user%d@example.com", i), Password: benchPassword, Wish: core.Wish{Kind: core.BrowserSession},
				})
				if err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	close(stop)
	<-stopped
	b.ReportMetric(float64(peak.Load()-before)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)*19+64), "bound-MiB")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
