package redis_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// The master is killed under load, and Sentinel makes its replica the master, again and again. Commits wait for the replica,
// so nothing that was acknowledged is lost by that.
func TestSentinel(t *testing.T) {
	t.Parallel() // with others, for it waits most of the time
	g := startGuarded(t)
	if g == nil {
		return
	}
	storeproof.Killed(t, g, func() (record.Backend, error) {
		client := goredis.NewFailoverClient(&goredis.FailoverOptions{
			MasterName: "main", SentinelAddrs: g.sentinels, ContextTimeoutEnabled: true, DialTimeout: time.Second, ReadTimeout: 3 * time.Second, PoolSize: 100,
		})
		t.Cleanup(func() { _ = client.Close() })
		return redis.Open(context.Background(), client, redis.Options{Replicas: 1, ReplicaTimeout: 2 * time.Second, Log: quiet()})
	})
}

// guarded are two servers, one of which is the master, and three Sentinels that watch them.
type guarded struct {
	t         *testing.T
	servers   map[string]*parts.Server // by address
	clients   map[string]*goredis.Client
	sentinels []string
	asked     []*goredis.SentinelClient
	killed    string
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, servers: map[string]*parts.Server{}, clients: map[string]*goredis.Client{}}
	start := func() *parts.Server { return parts.Redis(t, parts.Durable, "--repl-diskless-sync-delay", "0") }
	master := start()
	if master == nil {
		return nil
	}
	for _, s := range []*parts.Server{master, start()} {
		g.servers[s.Addr()], g.clients[s.Addr()] = s, dial(t, s.Addr())
	}
	for range 3 {
		addr := parts.RedisSentinel(t, master, 2).Addr()
		c := goredis.NewSentinelClient(&goredis.Options{Addr: addr})
		t.Cleanup(func() { _ = c.Close() })
		g.sentinels, g.asked = append(g.sentinels, addr), append(g.asked, c)
	}
	g.replicate()
	return g
}

// Kill kills the master, once it has what its replica has not: that is cut off, and comes back with a password that the
// master does not know.
func (g *guarded) Kill() {
	g.t.Helper()
	g.killed, _ = g.master()
	master := g.clients[g.killed]
	g.lockOut("a wrong password")
	if err := master.Do(g.t.Context(), "client", "kill", "type", "replica").Err(); err != nil {
		g.t.Fatal(err)
	}
	written := func() int64 {
		_, told, _ := strings.Cut(master.Info(g.t.Context(), "replication").Val(), "master_repl_offset:")
		n, _, _ := strings.Cut(told, "\r\n")
		offset, _ := strconv.ParseInt(n, 10, 64)
		return offset
	}
	at := written()
	parts.Until(g.t, "commits that the replica has not", func() bool { return written() > at+1024 })
	g.servers[g.killed].Kill()
	g.lockOut("")
}

// lockOut sets the password by which the replica of the master that is killed comes to it.
func (g *guarded) lockOut(password string) {
	g.t.Helper()
	for addr, c := range g.clients {
		if addr == g.killed {
			continue
		}
		if err := c.ConfigSet(g.t.Context(), "masterauth", password).Err(); err != nil {
			g.t.Fatal(err)
		}
	}
}

// Start waits until every Sentinel names the other as the master, and starts the one that was killed as its replica.
func (g *guarded) Start() {
	g.t.Helper()
	parts.Until(g.t, "another master", func() bool {
		addr, ok := g.master()
		return ok && addr != g.killed
	})
	g.servers[g.killed].Start()
	g.replicate()
}

// master returns whom every Sentinel names, which may know of all the others.
func (g *guarded) master() (addr string, ok bool) {
	for _, s := range g.asked {
		told, err := s.Master(g.t.Context(), "main").Result()
		at := net.JoinHostPort(told["ip"], told["port"])
		if err != nil || told["num-slaves"] != "1" || told["num-other-sentinels"] != "2" || addr != "" && addr != at {
			return at, false
		}
		addr = at
	}
	return addr, true
}

// replicate waits until the master has a replica that has all. The other is told to be one; Sentinel would do that too, ten
// seconds later.
func (g *guarded) replicate() {
	g.t.Helper()
	parts.Until(g.t, "a replica has all", func() bool {
		addr, ok := g.master()
		if ok && strings.Contains(g.clients[addr].Info(g.t.Context(), "replication").Val(), "state=online") {
			return true
		}
		for other, c := range g.clients {
			if other != addr && strings.Contains(c.Info(g.t.Context(), "replication").Val(), "role:master") {
				host, port, _ := net.SplitHostPort(addr)
				_ = c.ReplicaOf(g.t.Context(), host, port) // asked again
			}
		}
		return false
	})
}
