package redis_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// benchStore opens a prepared store on a server of its own, or returns nil where there is no Redis.
func benchStore(b *testing.B, d parts.Durability) *redis.Store {
	server := parts.Redis(b, d)
	if server == nil {
		return nil
	}
	s := open(b, dial(b, server.Addr()))
	prepare(b, s)
	return s
}

// BenchmarkGet is a read of one record; PING is the round trip alone.
func BenchmarkGet(b *testing.B) {
	raw := single(b)
	if raw == nil {
		return
	}
	s := open(b, raw)
	prepare(b, s)
	must(b, s.Commit(b.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	b.Run("PING", func(b *testing.B) {
		for b.Loop() {
			must(b, raw.Ping(b.Context()).Err())
		}
	})
	b.Run("store", func(b *testing.B) { benchGet(b, s) })
	cached, err := redis.Cache(mem.New(), raw, redis.CacheOptions{Kinds: []string{"thing"}, TTL: time.Hour})
	must(b, err)
	prepare(b, cached)
	must(b, cached.Commit(b.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	b.Run("cache", func(b *testing.B) { benchGet(b, cached) })
}

func benchGet(b *testing.B, s record.Backend) {
	b.ReportAllocs()
	for b.Loop() {
		if rs, err := s.Get(b.Context(), thingKey("t1", "a")); err != nil || len(rs) != 1 {
			b.Fatal(rs, err)
		}
	}
}

// BenchmarkCommit is a commit that replaces one record: without syncing, with it, and from many goroutines, whose commits
// share a sync.
func BenchmarkCommit(b *testing.B) {
	for name, d := range map[string]parts.Durability{"memory": parts.Fast, "fsync": parts.Durable} {
		s := benchStore(b, d)
		if s == nil {
			return
		}
		b.Run(name+"/1", func(b *testing.B) {
			rev := int64(0)
			id := strconv.Itoa(int(time.Now().UnixNano()))
			for b.Loop() {
				must(b, s.Commit(b.Context(), []record.Op{put("t1", id, "x", rev+1, rev)}))
				rev++
			}
		})
		var worker atomic.Int64
		b.Run(name+"/16", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				id, rev := "w"+strconv.FormatInt(worker.Add(1), 10), int64(0)
				for pb.Next() {
					must(b, s.Commit(b.Context(), []record.Op{put("t1", id, "x", rev+1, rev)}))
					rev++
				}
			})
		})
	}
}

// BenchmarkFind is a page of ten by a term, among more and more records.
func BenchmarkFind(b *testing.B) {
	s := benchStore(b, parts.Fast)
	if s == nil {
		return
	}
	stored := 0
	for _, n := range []int{1000, 100_000} {
		for ; stored < n; stored += 250 {
			var ops []record.Op
			for i := range 250 {
				id := strconv.Itoa(stored + i)
				ops = append(ops, put("t1", id, "owner"+strconv.Itoa((stored+i)/10), 1, 0))
			}
			must(b, s.Commit(b.Context(), ops))
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				rs, err := s.Find(b.Context(), record.Query{Tenant: "t1", Kind: "thing", Term: "owner", Value: "owner42", Limit: 100})
				if err != nil || len(rs) != 10 {
					b.Fatal(len(rs), err)
				}
			}
		})
	}
}
