package file_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

const benchPeople = 2000

// BenchmarkUpdate compares a durable read-modify-write of one session through record.DB with raw bbolt that rewrites as
// many bytes under as many keys; with several goroutines both share fsyncs.
func BenchmarkUpdate(b *testing.B) {
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprintf("store-%d", goroutines), func(b *testing.B) {
			_, db := temporary(b, file.Options{})
			fill(b, db, 0, benchPeople)
			parallel(b, goroutines, func(i int) error {
				return db.Update(inTenant, func(tx *record.Tx) error {
					s, err := sessions.In(tx).Get(scattered("s", uint64(i%benchPeople)*2+1<<40))
					if err != nil {
						return err
					}
					s.N++
					return sessions.In(tx).Put(s)
				})
			})
		})
		b.Run(fmt.Sprintf("bbolt-%d", goroutines), func(b *testing.B) {
			update := rawBolt(b)
			parallel(b, goroutines, update)
		})
	}
}

// parallel spreads b.N calls of fn over goroutines.
func parallel(b *testing.B, goroutines int, fn func(i int) error) {
	var next atomic.Int64
	b.ResetTimer()
	done := make(chan error, goroutines)
	for range goroutines {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					done <- nil
					return
				}
				if err := fn(i); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range goroutines {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// rawBolt returns a read-modify-write on a bbolt file of its own. One goroutine carries them out, as many in one
// transaction as are waiting: the best that can be done with bbolt alone.
func rawBolt(b *testing.B) func(i int) error {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	bucket, value := []byte("sessions"), make([]byte, 200)
	key := func(i int) []byte { return []byte("acme\x00" + scattered("s", uint64(i)) + "\x00") }
	err = db.Update(func(tx *bolt.Tx) error {
		s, err := tx.CreateBucket(bucket)
		for i := 0; err == nil && i < 2*benchPeople; i++ {
			err = s.Put(key(i), value)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	type call struct {
		i    int
		done chan error
	}
	calls := make(chan call, 64)
	b.Cleanup(func() { close(calls); db.Close() })
	go func() {
		for first := range calls {
			batch := []call{first}
			for waiting := true; waiting; {
				select {
				case c := <-calls:
					batch = append(batch, c)
				default:
					waiting = false
				}
			}
			err := db.Update(func(tx *bolt.Tx) error {
				s := tx.Bucket(bucket)
				for _, c := range batch {
					k := key(c.i % benchPeople)
					next := append([]byte{}, s.Get(k)...)
					binary.BigEndian.PutUint64(next, binary.BigEndian.Uint64(next)+1)
					if err := s.Put(k, next); err != nil {
						return err
					}
				}
				return nil
			})
			for _, c := range batch {
				c.done <- err
			}
		}
	}()
	return func(i int) error {
		c := call{i, make(chan error, 1)}
		calls <- c
		return <-c.done
	}
}

func BenchmarkGet(b *testing.B) {
	store, db := temporary(b, file.Options{})
	fill(b, db, 0, benchPeople)
	keys := make([]record.Key, benchPeople)
	for i := range keys {
		keys[i] = record.Key{Tenant: "acme", Kind: "identity", ID: personOf(i).email}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if found, err := store.Get(inTenant, keys[i%benchPeople]); err != nil || len(found) != 1 {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	store, db := temporary(b, file.Options{})
	fill(b, db, 0, benchPeople)
	queries := make([]record.Query, benchPeople)
	for i := range queries {
		queries[i] = record.Query{Tenant: "acme", Kind: "session", Term: "user_id", Value: personOf(i).id, Limit: 100}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if found, err := store.Find(inTenant, queries[i%benchPeople]); err != nil || len(found) != 2 {
			b.Fatal(found, err)
		}
	}
}
