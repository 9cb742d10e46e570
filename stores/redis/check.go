package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrRisk says that a server may lose what it acknowledged, or evict it, where Options.RequireDurable forbids it.
var ErrRisk = errors.New("redis store: the server may lose data")

// Risk is a setting of a server with which acknowledged commits may be lost.
type Risk struct {
	Node    string // host and port
	Setting string // its name in redis.conf, or "Options.Replicas"; "CONFIG" where the server does not tell its settings
	Value   string //
	Why     string // what may happen, and what to set instead
}

// String returns the risk in one line.
func (r Risk) String() string { return fmt.Sprintf("%s: %s %s: %s", r.Node, r.Setting, r.Value, r.Why) }

// Check asks every master what it promises, and returns what may lose acknowledged commits. It fails when a server is
// older than Redis 7, or a replica.
func (s *Store) Check(ctx context.Context) ([]Risk, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return within(ctx, func() ([]Risk, error) {
		c, ok := s.client.(*redis.ClusterClient)
		if !ok {
			return s.checkNode(ctx, s.client.(*redis.Client))
		}
		var mu sync.Mutex
		var all []Risk
		err := c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			risks, err := s.checkNode(ctx, node)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, risks...)
			return err
		})
		return all, err
	})
}

func (s *Store) checkNode(ctx context.Context, node *redis.Client) ([]Risk, error) {
	addr := node.Options().Addr
	text, err := node.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("redis store: ask %s: %w", addr, err)
	}
	info := parseInfo(text)
	if major, _, _ := strings.Cut(info["redis_version"], "."); !atLeast(major, 7) {
		return nil, fmt.Errorf("redis store: %s is version %q, and 7 is needed", addr, info["redis_version"])
	}
	if info["role"] == "slave" {
		return nil, fmt.Errorf("redis store: %s is a replica, which does not see every acknowledged commit", addr)
	}
	settings := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory", "maxmemory-policy"} {
		got, err := node.ConfigGet(ctx, name).Result()
		var refused redis.Error
		if errors.As(err, &refused) {
			unknown := Risk{addr, "CONFIG", "", "the server does not tell its settings: make sure of them in another way"}
			return append(s.judgeReplicas(addr, info), unknown), nil
		}
		if err != nil {
			return nil, fmt.Errorf("redis store: ask %s: %w", addr, err)
		}
		settings[name] = got[name]
	}
	return append(s.judgeReplicas(addr, info), judge(addr, settings)...), nil
}

// judge finds the risks in a server's settings.
func judge(addr string, settings map[string]string) (risks []Risk) {
	add := func(setting, why string) { risks = append(risks, Risk{addr, setting, settings[setting], why}) }
	if settings["appendonly"] != "yes" {
		add("appendonly", "a crash loses acknowledged commits; set it to yes")
	} else if settings["appendfsync"] != "always" {
		add("appendfsync", "a crash of the machine loses the last acknowledged commits; set it to always")
	}
	if settings["maxmemory"] != "0" && settings["maxmemory-policy"] != "noeviction" {
		add("maxmemory-policy", "the server evicts records when its memory is full; set it to noeviction")
	}
	return risks
}

// judgeReplicas finds the risk of a failover. min-replicas-to-write does not help: it asks only how old the last sign of life is.
func (s *Store) judgeReplicas(addr string, info map[string]string) []Risk {
	if info["connected_slaves"] == "0" || s.wait.need > 0 {
		return nil
	}
	return []Risk{{addr, "Options.Replicas", "0", "a failover loses commits that the replica has not; set it to 1 or more"}}
}

func atLeast(text string, n int) bool {
	have, err := strconv.Atoi(text)
	return err == nil && have >= n
}

// parseInfo reads the answer of INFO: lines of name:value.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			info[name] = value
		}
	}
	return info
}
