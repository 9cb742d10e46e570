package redis_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// place is where an application keeps its data: a server, a cluster, or a server with the cache, in another of its
// databases, in front.
type place struct {
	name  string
	addrs []string
}

func placeOf(text string) place {
	name, addrs, _ := strings.Cut(text, " ")
	return place{name, strings.Split(addrs, ",")}
}

func (p place) text() string { return p.name + " " + strings.Join(p.addrs, ",") }

// onPlaces runs a test on a fresh one of each.
func onPlaces(t *testing.T, run func(t *testing.T, p place)) {
	for name, start := range map[string]func(testing.TB) []string{"single": startSingle, "cluster": startCluster, "cache": startSingle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if addrs := start(t); addrs != nil {
				run(t, place{name, addrs})
			}
		})
	}
}

func startSingle(t testing.TB) []string {
	t.Helper()
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return nil
	}
	return []string{server.Addr()}
}

// everyKind are the kinds of an application that a session, a token or a claim is made of.
var everyKind = []string{
	"account", "user", "identity", "password", "session", "attempt", "one_time_token", "linked_account", "api_key", "client", "guess",
	"outbox", "revocation", "signing_keys", "oauth_code", "oauth_state", "item", "item_", "table",
}

// open opens a store with clients of its own, as a process would.
func (p place) open(ctx context.Context) (record.Backend, error) {
	var clients []io.Closer
	connect := func(database int) *goredis.Client {
		c := goredis.NewClient(&goredis.Options{
			Addr: p.addrs[0], DB: database, ContextTimeoutEnabled: true, DialTimeout: time.Second, PoolSize: 30,
		})
		clients = append(clients, c)
		return c
	}
	var store record.Backend
	var err error
	if p.name == "cluster" {
		c := goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: p.addrs, ContextTimeoutEnabled: true, DialTimeout: time.Second, PoolSize: 30,
		})
		clients = append(clients, c)
		store, err = redis.Open(ctx, c, redis.Options{Log: quiet()})
	} else {
		store, err = redis.Open(ctx, connect(0), redis.Options{Log: quiet()})
	}
	if p.name == "cache" && err == nil {
		store, err = redis.Cache(store, connect(1), redis.CacheOptions{
			Kinds: everyKind, TTL: time.Minute, Timeout: 10 * time.Second, Log: quiet(),
		})
	}
	return withClients{store, clients}, err
}

// withClients closes the clients together with the store.
type withClients struct {
	record.Backend
	clients []io.Closer
}

func (w withClients) Close() error {
	err := w.Backend.Close()
	for _, c := range w.clients {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (p place) harness(t *testing.T) storetest.Harness {
	return storetest.Harness{Open: func() (record.Backend, error) { return p.open(t.Context()) }}
}

func TestOneWinner(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { storeproof.OneWinner(t, p.harness(t)) })
}

func TestA30HostileValues(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { storeproof.HostileValues(t, p.harness(t)) })
}

func TestA24FailsClosed(t *testing.T) {
	t.Parallel()
	onPlaces(t, func(t *testing.T, p place) { storeproof.FailsClosed(t, p.harness(t)) })
}

// The dump is every key and value in every database of every node, and so what the cache holds too.
func TestA32Dump(t *testing.T) {
	t.Parallel()
	onPlaces(t, func(t *testing.T, p place) {
		storeproof.DumpSignsNobodyIn(t, p.harness(t), func(t testing.TB) (all []string) {
			for _, addr := range p.addrs {
				for database := range 2 {
					if database > 0 && p.name != "cache" {
						break
					}
					raw := goredis.NewClient(&goredis.Options{Addr: addr, DB: database})
					found := dump(t, raw)
					_ = raw.Close()
					if p.name == "cache" && len(found) == 0 {
						t.Fatalf("database %d is empty", database)
					}
					all = append(all, found...)
				}
			}
			return all
		})
	})
}

// dump returns every key and every value in Redis.
func dump(t testing.TB, raw *goredis.Client) (out []string) {
	t.Helper()
	ctx := t.Context()
	for _, k := range raw.Keys(ctx, "*").Val() {
		out = append(out, k)
		switch kind := raw.Type(ctx, k).Val(); kind {
		case "string":
			out = append(out, raw.Get(ctx, k).Val())
		case "hash":
			for f, v := range raw.HGetAll(ctx, k).Val() {
				out = append(out, f, v)
			}
		case "zset":
			out = append(out, raw.ZRange(ctx, k, 0, -1).Val()...)
		case "set":
			out = append(out, raw.SMembers(ctx, k).Val()...)
		default:
			t.Fatalf("%s is a %s", k, kind)
		}
	}
	return out
}
