package redis_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/population"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// Clients that may answer with old data are refused, and so are options that make no sense.
func TestOpenRefuses(t *testing.T) {
	addr := []string{"127.0.0.1:1"}
	plain := dial(t, addr[0])
	for name, c := range map[string]struct {
		client goredis.UniversalClient
		o      redis.Options
		says   string
	}{
		"nil":         {nil, redis.Options{}, "nil"},
		"ring":        {goredis.NewRing(&goredis.RingOptions{}), redis.Options{}, "Ring"},
		"read-only":   {goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addr, ReadOnly: true}), redis.Options{}, "replicas"},
		"latency":     {goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addr, RouteByLatency: true}), redis.Options{}, "replicas"},
		"randomly":    {goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addr, RouteRandomly: true}), redis.Options{}, "replicas"},
		"caching":     {goredis.NewClient(&goredis.Options{Addr: addr[0], Protocol: 3, ClientSideCacheConfig: &goredis.ClientSideCacheConfig{}}), redis.Options{}, "ClientSideCache"},
		"prefix":      {plain, redis.Options{Prefix: "a{b}"}, "Prefix"},
		"replicas":    {plain, redis.Options{Replicas: -1}, "Replicas"},
		"unreachable": {plain, redis.Options{}, "refused"},
	} {
		_, err := redis.Open(t.Context(), c.client, c.o)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want something of %q", name, err, c.says)
		}
		if c.client != nil && c.client != goredis.UniversalClient(plain) {
			_ = c.client.Close()
		}
	}
}

// Check names every setting with which acknowledged commits may be lost; Open logs them, and refuses when it must.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		d    parts.Durability
		args []string
		want []string
	}{
		"durable":      {parts.Durable, nil, nil},
		"volatile":     {parts.Fast, nil, []string{"appendonly"}},
		"every second": {parts.Fast, []string{"--appendonly", "yes"}, []string{"appendfsync"}},
		"evicting": {parts.Durable, []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"},
			[]string{"maxmemory-policy"}},
		"silent": {parts.Durable, []string{"--rename-command", "CONFIG", ""}, []string{"CONFIG"}},
	} {
		server := parts.Redis(t, c.d, c.args...)
		if server == nil {
			return
		}
		var log bytes.Buffer
		o := redis.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
		s, err := redis.Open(t.Context(), dial(t, server.Addr()), o)
		must(t, err)
		risks, err := s.Check(t.Context())
		must(t, err)
		var got []string
		for _, r := range risks {
			got = append(got, r.Setting)
			if !strings.Contains(log.String(), "setting="+r.Setting) || r.Node != server.Addr() {
				t.Errorf("%s: %v is not in the log %q", name, r, &log)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: risks %v, want %v", name, risks, c.want)
		}
		o.RequireDurable = true
		if _, err := redis.Open(t.Context(), dial(t, server.Addr()), o); errors.Is(err, redis.ErrRisk) != (len(c.want) > 0) {
			t.Errorf("%s: with RequireDurable: %v", name, err)
		}
	}
}

// replicated starts a master and a replica that is in step, or returns nil where there is no Redis.
func replicated(t *testing.T) (master, replica *parts.Server) {
	t.Helper()
	if master = parts.Redis(t, parts.Durable); master == nil {
		return nil, nil
	}
	_, port, _ := net.SplitHostPort(master.Addr())
	replica = parts.Redis(t, parts.Fast, "--replicaof", "127.0.0.1 "+port)
	eventually(t, 20*time.Second, func() error {
		info := dial(t, replica.Addr()).Info(t.Context(), "replication").Val()
		if !strings.Contains(info, "master_link_status:up") {
			return errors.New("the replica is not in step")
		}
		return nil
	})
	return master, replica
}

// A commit that too few replicas have is in doubt, and stays so: reading it does not make it certain.
func TestReplicas(t *testing.T) {
	master, replica := replicated(t)
	if master == nil {
		return
	}
	ctx := t.Context()
	if _, err := redis.Open(ctx, dial(t, replica.Addr()), redis.Options{Log: quiet()}); err == nil {
		t.Error("a replica was accepted")
	}
	alone := open(t, dial(t, master.Addr()))
	for _, lag := range []string{"0", "1"} { // the server may promise that a replica is near, and still loses what it has not
		must(t, dial(t, master.Addr()).ConfigSet(ctx, "min-replicas-to-write", lag).Err())
		if risks, err := alone.Check(ctx); err != nil || len(risks) != 1 || risks[0].Setting != "Options.Replicas" {
			t.Errorf("risks of a master that waits for nobody: %v, %v", risks, err)
		}
	}
	must(t, dial(t, master.Addr()).ConfigSet(ctx, "min-replicas-to-write", "0").Err())
	s, err := redis.Open(ctx, dial(t, master.Addr()), redis.Options{Replicas: 1, ReplicaTimeout: 200 * time.Millisecond, RequireDurable: true})
	must(t, err)
	db := openDB(t, s)
	must(t, issue(ctx, db, "a"))
	if n := dial(t, replica.Addr()).Exists(ctx, t1+"rec:token:a").Val(); n != 1 {
		t.Error("an acknowledged commit is not on the replica")
	}
	replica.Pause()
	for range 2 {
		short, cancel := context.WithTimeout(ctx, time.Second)
		if err := redeem(short, db, "a"); !errors.Is(err, record.ErrUnknown) && !errors.Is(err, record.ErrContention) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a replica: %v", err)
		}
		cancel()
	}
	if _, err := s.Get(ctx, record.Key{Tenant: "t1", Kind: "token", ID: "a"}); err == nil {
		t.Error("what no replica has is read as if it were certain")
	}
	replica.Resume()
	eventually(t, 20*time.Second, func() error {
		err := redeem(ctx, db, "a")
		if errors.Is(err, errUsed) {
			return nil
		}
		return errors.Join(errors.New("want it used"), err)
	})
}

// A schema that does not fit is refused, and changes nothing.
func TestSchemaThatDoesNotFit(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	s := open(t, raw)
	prepare(t, s)
	before := raw.Get(t.Context(), redis.DefaultPrefix+"schema").Val()
	for says, f := range map[string]record.Field{
		"field 1 is owner int":   {Name: "owner", Type: record.Int},
		"field 1 is name string": {Name: "name", Type: record.String},
	} {
		bad := record.Schema{Kinds: []*record.Kind{{Name: "other"}, {Name: "thing", Version: 1, Fields: []record.Field{f}}}}
		if err := s.Prepare(t.Context(), bad); !errors.Is(err, redis.ErrSchema) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", f, err, says)
		}
	}
	if after := raw.Get(t.Context(), redis.DefaultPrefix+"schema").Val(); after != before {
		t.Errorf("the stored schema became %s", after)
	}
}

// What is no record of ours, or damaged, is an error and never an absence; a commit that meets it changes nothing.
func TestDamage(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	ctx := t.Context()
	s := open(t, raw)
	prepare(t, s)
	key := t1 + "rec:thing:a"
	for _, damage := range []func() error{
		func() error { return raw.HDel(ctx, key, "rev").Err() },
		func() error { return raw.HSet(ctx, key, "rev", "x").Err() },
		func() error { return raw.HSet(ctx, key, "version", "").Err() },
		func() error { return raw.HSet(ctx, key, "expires", "soon").Err() },
		func() error { return raw.HSet(ctx, key, "#", "-1").Err() },
		func() error { return raw.HSet(ctx, key, "#", "77").Err() },
		func() error { return raw.HSet(ctx, key, "n", "many").Err() },
		func() error { return errors.Join(raw.Del(ctx, key).Err(), raw.Set(ctx, key, "x", 0).Err()) },
	} {
		must(t, raw.Del(ctx, key).Err())
		must(t, s.Commit(ctx, []record.Op{put("t1", "a", "x", 1, 0)}))
		must(t, damage())
		if rs, err := s.Get(ctx, thingKey("t1", "a")); err == nil {
			t.Errorf("damaged: %v", rs)
		}
		if rs, err := s.Find(ctx, record.Query{Tenant: "t1", Kind: "thing", Limit: 9}); err == nil {
			t.Errorf("damaged, found: %v", rs)
		}
	}
	must(t, raw.Del(ctx, t1+"by:thing:owner").Err())
	must(t, raw.Set(ctx, t1+"by:thing:owner", "x", 0).Err())
	if err := s.Commit(ctx, []record.Op{put("t1", "b", "x", 1, 0)}); err == nil || errors.Is(err, record.ErrUnknown) {
		t.Errorf("commit over a damaged index: %v", err)
	}
	if rs, err := s.Get(ctx, thingKey("t1", "b")); len(rs) != 0 || err != nil {
		t.Errorf("the refused commit left %v, %v", rs, err)
	}
}

// trips counts what goes over the wire: commands, and pipelines as one.
type trips struct{ n int }

func (c *trips) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (c *trips) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error { c.n++; return next(ctx, cmd) }
}

func (c *trips) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error { c.n++; return next(ctx, cmds) }
}

// Round trips of each operation. What is here is promised.
func TestRoundTrips(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	ctx := t.Context()
	count := &trips{}
	raw.AddHook(count)
	s := open(t, raw)
	prepare(t, s)
	must(t, s.Commit(ctx, []record.Op{put("t1", "warm", "x", 1, 0)}))
	_, err := s.Get(ctx, thingKey("t1", "a"), thingKey("t1", "b"))
	must(t, err)
	found(t, s, "x")
	inner := mem.New()
	cached, err := redis.Cache(inner, raw, redis.CacheOptions{Kinds: []string{"thing"}, TTL: time.Hour, Timeout: 10 * time.Second})
	must(t, err)
	prepare(t, cached)
	must(t, cached.Commit(ctx, []record.Op{put("t1", "warm", "x", 1, 0)}))
	for range 2 {
		_, err = cached.Get(ctx, thingKey("t1", "warm"))
		must(t, err)
	}
	var ops []record.Op
	for i := range record.MaxOps {
		ops = append(ops, put("t1", "many"+strconv.Itoa(i), "x", 1, 0))
	}
	get := func(b record.Backend, ids ...string) error {
		var keys []record.Key
		for _, id := range ids {
			keys = append(keys, thingKey("t1", id))
		}
		_, err := b.Get(ctx, keys...)
		return err
	}
	for _, c := range []struct {
		name string
		want int
		do   func() error
	}{
		{"get", 1, func() error { return get(s, "warm") }},
		{"get of three", 1, func() error { return get(s, "warm", "a", "b") }},
		{"find", 1, func() error { found(t, s, "x"); return nil }},
		{"commit of one", 1, func() error { return s.Commit(ctx, []record.Op{put("t1", "a", "x", 1, 0)}) }},
		{"commit of 256", 1, func() error { return s.Commit(ctx, ops) }},
		{"first commit of a tenant", 3, func() error { return s.Commit(ctx, []record.Op{put("t2", "a", "x", 1, 0)}) }},
		{"sweep of nothing", 2, func() error { _, err := s.Sweep(ctx, time.Now(), 10); return err }},
		{"cached get", 1, func() error { return get(cached, "warm") }},
		{"commit before the cache", 1, func() error { return cached.Commit(ctx, []record.Op{put("t1", "warm", "x", 2, 1)}) }},
		{"get that fills the cache", 2, func() error { return get(cached, "warm") }},
	} {
		count.n = 0
		must(t, c.do())
		if count.n != c.want {
			t.Errorf("%s took %d round trips, want %d", c.name, count.n, c.want)
		}
	}
}

// Round trips of each operation of core. docs/stores.md has them.
func TestRoundTripsPerOperation(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	count := &trips{}
	raw.AddHook(count)
	want := map[string]int{"check": 1, "key": 2, "list": 1, "refresh": 2, "signin": 11, "signup": 3, "revoke": 4, "page": 1}
	if got := population.Make(t, open(t, raw), 2).Costs(t, func() int { return count.n }); !maps.Equal(got, want) {
		t.Errorf("round trips are %v, written down are %v", got, want)
	}
}
