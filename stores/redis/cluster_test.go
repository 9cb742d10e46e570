package redis_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

const slots = 16384

// startCluster starts three masters that share the slots, and returns their addresses, or nil where there is no Redis.
func startCluster(t testing.TB) []string {
	t.Helper()
	var addrs []string
	var nodes []*goredis.Client
	var bus []int
	for range 3 {
		port := parts.FreePort(t)
		s := parts.Redis(t, parts.Fast, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port),
			"--cluster-node-timeout", "2000")
		if s == nil {
			return nil
		}
		addrs, nodes, bus = append(addrs, s.Addr()), append(nodes, dial(t, s.Addr())), append(bus, port)
	}
	ctx := context.Background()
	for i, n := range nodes {
		first, last := i*slots/3, (i+1)*slots/3-1
		if err := n.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
			t.Fatal(err)
		}
		host, port, _ := net.SplitHostPort(addrs[i])
		if err := nodes[0].Do(ctx, "cluster", "meet", host, port, bus[i]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 20*time.Second, func() error {
		for i, n := range nodes {
			info, err := n.ClusterInfo(ctx).Result()
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return fmt.Errorf("node %d: %v %s", i, err, info)
			}
		}
		return nil
	})
	return addrs
}

func dialCluster(t testing.TB, addrs []string) *goredis.ClusterClient {
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true, DialTimeout: time.Second})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually waits until f returns nil.
func eventually(t testing.TB, patience time.Duration, f func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(err)
		}
	}
}

func TestClusterConformance(t *testing.T) {
	addrs := startCluster(t)
	if addrs == nil {
		return
	}
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		flush := func(ctx context.Context, c *goredis.Client) error { return c.FlushAll(ctx).Err() }
		if err := dialCluster(t, addrs).ForEachMaster(context.Background(), flush); err != nil {
			t.Fatal(err)
		}
		return storetest.Harness{Open: opens(t, func() goredis.UniversalClient { return dialCluster(t, addrs) })}
	})
}

// Every key of a tenant is in one slot, whatever its name; other tenants have other names, and so other keys.
func TestTenantsStayInTheirSlot(t *testing.T) {
	addrs := startCluster(t)
	if addrs == nil {
		return
	}
	c := dialCluster(t, addrs)
	s := open(t, c)
	prepare(t, s)
	tenants := []string{"t1", "t{1}", "}", "{", "{}", "}{", "{t1}", "%7B", "a\r\nb", "\x01", "*", "é", record.System, strings.Repeat("}", record.MaxID)}
	for _, tenant := range tenants {
		must(t, s.Commit(t.Context(), []record.Op{put(tenant, "a", "x", 1, 0)}))
		must(t, s.Commit(t.Context(), []record.Op{put(tenant, "b", "x}{", 2, 0)}))
	}
	var mu sync.Mutex
	bySlot := map[string]map[int64]bool{}
	err := c.ForEachMaster(t.Context(), func(ctx context.Context, n *goredis.Client) error {
		keys, err := n.Keys(ctx, "*").Result()
		for _, k := range keys {
			if tag, _, ok := strings.Cut(k, "}"); ok {
				slot := c.ClusterKeySlot(ctx, k).Val()
				mu.Lock()
				if bySlot[tag] == nil {
					bySlot[tag] = map[int64]bool{}
				}
				bySlot[tag][slot] = true
				mu.Unlock()
			}
		}
		return err
	})
	must(t, err)
	if len(bySlot) != len(tenants) {
		t.Errorf("%d tenants have %d sets of keys", len(tenants), len(bySlot))
	}
	for tag, slots := range bySlot {
		if len(slots) != 1 {
			t.Errorf("keys of %s are in %d slots", tag, len(slots))
		}
	}
	for _, tenant := range tenants {
		rs, err := s.Find(t.Context(), record.Query{Tenant: tenant, Kind: "thing", Term: "owner", Value: "x}{", Limit: 10})
		if err != nil || len(rs) != 1 || rs[0].ID != "b" || rs[0].Tenant != tenant {
			t.Errorf("in tenant %q: %v, %v", tenant, rs, err)
		}
	}
}

// While its slot moves to another node, a tenant's commits are applied whole, or refused as busy; afterwards they go on
// there by themselves.
func TestSlotMoves(t *testing.T) {
	addrs := startCluster(t)
	if addrs == nil {
		return
	}
	ctx := t.Context()
	c := dialCluster(t, addrs)
	s := open(t, c)
	prepare(t, s)
	must(t, s.Commit(ctx, []record.Op{put("t1", "a", "x", 1, 0)}))
	slot := int(c.ClusterKeySlot(ctx, redis.DefaultPrefix+"{t1}:meta").Val())
	from, err := c.MasterForKey(ctx, redis.DefaultPrefix+"{t1}:meta")
	must(t, err)
	var to *goredis.Client
	for _, a := range addrs {
		if a != from.Options().Addr {
			to = dial(t, a)
		}
	}
	fromID, toID := from.ClusterMyID(ctx).Val(), to.ClusterMyID(ctx).Val()
	must(t, to.Do(ctx, "cluster", "setslot", slot, "importing", fromID).Err())
	must(t, from.Do(ctx, "cluster", "setslot", slot, "migrating", toID).Err())
	keys := from.ClusterGetKeysInSlot(ctx, slot, 100).Val()
	host, port, _ := net.SplitHostPort(to.Options().Addr)
	rev := int64(1)
	for i, k := range keys {
		must(t, from.Do(ctx, "migrate", host, port, k, 0, 5000).Err())
		next := put("t1", "a", "y", int64(i)+2, rev)
		if err := s.Commit(ctx, []record.Op{next, put("t1", fmt.Sprint("b", i), "y", 9, 0)}); err == nil {
			rev = next.Rev
		} else if !isBusy(err) {
			t.Errorf("after %d of %d keys: %v", i+1, len(keys), err)
		}
	}
	for _, n := range []*goredis.Client{to, from} {
		must(t, n.Do(ctx, "cluster", "setslot", slot, "node", toID).Err())
	}
	eventually(t, 10*time.Second, func() error {
		rs, err := s.Get(ctx, record.Key{Tenant: "t1", Kind: "thing", ID: "a"})
		if err == nil && (len(rs) != 1 || rs[0].Rev != rev) {
			t.Fatalf("after the move the record is %v, want revision %d", rs, rev)
		}
		if err == nil {
			err = s.Commit(ctx, []record.Op{put("t1", "a", "z", 1000, rev)})
		}
		return err
	})
	rs, err := s.Find(ctx, record.Query{Tenant: "t1", Kind: "thing", Limit: 10})
	if err != nil || len(rs) != 1 {
		t.Errorf("after the move: %v, %v", rs, err)
	}
}
