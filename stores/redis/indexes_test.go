package redis_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/redis"
)

const t1 = redis.DefaultPrefix + "{t1}:"

func found(t testing.TB, s record.Backend, owner string) []string {
	t.Helper()
	q := record.Query{Tenant: "t1", Kind: "thing", Limit: 100}
	if owner != "" {
		q.Term, q.Value = "owner", owner
	}
	rs, err := s.Find(t.Context(), q)
	must(t, err)
	ids := []string{}
	for _, r := range rs {
		ids = append(ids, r.ID)
	}
	return ids
}

func expiring(op record.Op, at time.Time) record.Op { op.Expires = at; return op }

// Redis expires a record a day after its expiry, or after it was written if that is later; one without expiry it keeps.
func TestNativeExpiry(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	s := open(t, raw)
	prepare(t, s)
	now := time.Now()
	soon := now.Add(time.Hour).Truncate(time.Millisecond)
	must(t, s.Commit(t.Context(), []record.Op{
		expiring(put("t1", "past", "x", 1, 0), now.AddDate(-10, 0, 0)), expiring(put("t1", "soon", "x", 2, 0), soon),
		put("t1", "stays", "x", 3, 0), expiring(put("t1", "ever", "x", 4, 0), time.Unix(1<<50, 0)),
	}))
	ends := func(id string) time.Duration { return raw.PExpireTime(t.Context(), t1+"rec:thing:"+id).Val() }
	if got, want := ends("soon"), time.Duration(soon.Add(24*time.Hour).UnixMilli())*time.Millisecond; got != want {
		t.Errorf("a record that expires at %v is kept until %v, want %v", soon, got, want)
	}
	if left := raw.PTTL(t.Context(), t1+"rec:thing:past").Val(); left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("a record that expired long ago is kept for %v, want a day", left)
	}
	for _, id := range []string{"stays", "ever"} {
		if left := raw.PTTL(t.Context(), t1+"rec:thing:"+id).Val(); left != -1 {
			t.Errorf("%s is kept for %v, want for ever", id, left)
		}
	}
	must(t, s.Commit(t.Context(), []record.Op{put("t1", "soon", "x", 5, 2)}))
	if left := raw.PTTL(t.Context(), t1+"rec:thing:soon").Val(); left != -1 {
		t.Errorf("a record whose expiry was cleared is kept for %v", left)
	}
}

// When Redis has expired a record, lists pass over its entries, its id can be used again, and a sweep removes what is left.
func TestExpiredByRedis(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	ctx := t.Context()
	s := open(t, raw)
	prepare(t, s)
	past := time.Now().Add(-time.Hour)
	for i, id := range []string{"a", "b", "c"} {
		must(t, s.Commit(ctx, []record.Op{expiring(put("t1", id, "x", int64(i)+1, 0), past)}))
		if id != "c" {
			must(t, raw.PExpire(ctx, t1+"rec:thing:"+id, time.Millisecond).Err())
		}
	}
	eventually(t, 10*time.Second, func() error {
		if n := raw.Exists(ctx, t1+"rec:thing:a", t1+"rec:thing:b").Val(); n != 0 {
			return fmt.Errorf("%d records are there still", n)
		}
		return nil
	})
	for _, owner := range []string{"", "x"} {
		if got := found(t, s, owner); !slices.Equal(got, []string{"c"}) {
			t.Errorf("by %q found %v, want c", owner, got)
		}
	}
	must(t, s.Commit(ctx, []record.Op{put("t1", "b", "y", 9, 0)})) // b anew, with another term and no expiry
	if got := found(t, s, "x"); !slices.Equal(got, []string{"c"}) {
		t.Errorf("by its former term found %v", got)
	}
	n, err := s.Sweep(ctx, time.Now(), 100)
	if err != nil || n != 1 {
		t.Errorf("swept %d, %v, want c alone", n, err)
	}
	for key, want := range map[string][]string{"all:thing": {"b"}, "by:thing:owner": {"y\x00b"}, "due": {}} {
		if got := raw.ZRange(ctx, t1+key, 0, -1).Val(); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", key, got, want)
		}
	}
}

// Many entries without a record cost further scripts, not records.
func TestFindPassesOverManyGone(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	s := open(t, raw)
	prepare(t, s)
	must(t, s.Commit(t.Context(), []record.Op{put("t1", "zz", "x", 1, 0)}))
	var all, by []goredis.Z
	for i := range 5 * record.MaxPage {
		id := fmt.Sprintf("gone-%05d", i)
		all, by = append(all, goredis.Z{Member: id}), append(by, goredis.Z{Member: "x\x00" + id})
	}
	must(t, raw.ZAdd(t.Context(), t1+"all:thing", all...).Err())
	must(t, raw.ZAdd(t.Context(), t1+"by:thing:owner", by...).Err())
	for _, owner := range []string{"", "x"} {
		if got := found(t, s, owner); !slices.Equal(got, []string{"zz"}) {
			t.Errorf("by %q found %v, want zz", owner, got)
		}
	}
}

// A term that is declared later finds what was there before, in more records than one script indexes, also when an older
// release goes on writing, and leaves nothing behind when they are swept.
func TestTermDeclaredLater(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	ctx := t.Context()
	kind := func(term bool) record.Schema {
		return record.Schema{Kinds: []*record.Kind{{Name: "thing", Version: 1, Fields: []record.Field{
			{Name: "owner", Type: record.String, Term: true}, {Name: "n", Type: record.Int}, {Name: "team", Type: record.String, Term: term},
		}}}}
	}
	older, newer := open(t, raw), open(t, raw)
	must(t, older.Prepare(ctx, kind(false)))
	const many = 1300
	write := func(s *redis.Store, i int, want int64) {
		op := expiring(put("t1", fmt.Sprintf("id-%04d", i), "x", int64(i)+want+1, want), time.Now().Add(-time.Hour))
		op.Row = append(op.Row, record.StringValue([]string{"red", "blue"}[i%2]))
		must(t, s.Commit(ctx, []record.Op{op}))
	}
	for i := range many {
		write(older, i, 0)
	}
	must(t, newer.Prepare(ctx, kind(true)))
	write(older, 0, 1) // learns of the term by being refused
	write(older, many, 0)
	q := record.Query{Tenant: "t1", Kind: "thing", Term: "team", Value: "red", Limit: record.MaxPage}
	for name, s := range map[string]*redis.Store{"older": older, "newer": newer} {
		if rs, err := s.Find(ctx, q); err != nil || len(rs) != many/2+1 {
			t.Errorf("the %s release found %d red ones, %v, want %d", name, len(rs), err, many/2+1)
		}
	}
	if n, err := newer.Sweep(ctx, time.Now(), 2*many); err != nil || n != many+1 {
		t.Errorf("swept %d, %v, want %d", n, err, many+1)
	}
	if keys := raw.Keys(ctx, t1+"*").Val(); !slices.Equal(keys, []string{t1 + "meta"}) {
		t.Errorf("after the sweep there is %q", keys)
	}
}

// A tenant whose indexing was interrupted is completed by the first one who needs it.
func TestInterruptedIndexing(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	s := open(t, raw)
	prepare(t, s)
	must(t, s.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)}))
	must(t, raw.Del(t.Context(), t1+"by:thing:owner").Err())
	must(t, raw.HSet(t.Context(), t1+"meta", "ready", "0").Err())
	if got := found(t, s, "x"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %v", got)
	}
	if ready := raw.HGet(t.Context(), t1+"meta", "ready").Val(); ready != "1" {
		t.Errorf("ready is %q", ready)
	}
}

// Sweeping visits more tenants than one page has.
func TestSweepManyTenants(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	s := open(t, raw)
	prepare(t, s)
	const many = 450
	for i := range many {
		must(t, s.Commit(t.Context(), []record.Op{expiring(put("tenant"+strconv.Itoa(i), "a", "x", 1, 0), time.Unix(1, 0))}))
	}
	for _, want := range []int{300, many - 300, 0} {
		if n, err := s.Sweep(t.Context(), time.Now(), 300); err != nil || n != want {
			t.Errorf("swept %d, %v, want %d", n, err, want)
		}
	}
}
