package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// ErrReplicas says that fewer replicas than Options.Replicas had a commit in time. It comes with record.ErrUnknown: the
// commit is applied, and a failover may undo it.
var ErrReplicas = errors.New("redis store: not enough replicas have the commit")

// replicas waits for replicas, and remembers for which tenants it did so in vain.
type replicas struct {
	need    int
	timeout time.Duration

	mu     sync.Mutex
	behind map[string]bool // by space
}

func (r *replicas) note(sp space, behind bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if behind {
		r.behind[string(sp)] = true
	} else {
		delete(r.behind, string(sp))
	}
}

func (r *replicas) isBehind(sp space) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.behind[string(sp)]
}

// apply sends the commit once, and returns the script's answer.
func (s *Store) apply(ctx context.Context, b *batch) (any, error) {
	process := func(cmd *redis.Cmd) error { return s.client.Process(ctx, once{cmd}) }
	if s.wait.need > 0 {
		process = func(cmd *redis.Cmd) error { return s.replicated(ctx, b.space, once{cmd}) }
	}
	answer, err := within(ctx, func() (any, error) { return commitScript.send(ctx, b.keys, b.args, process) })
	if err != nil {
		return nil, commitFailed(err)
	}
	return answer, nil
}

// replicated sends a command and, over the same connection, waits until enough replicas have what it wrote.
func (s *Store) replicated(ctx context.Context, sp space, cmd redis.Cmder) error {
	node, err := s.master(ctx, sp.meta())
	if err != nil {
		return err
	}
	wait := redis.NewIntCmd(ctx, "wait", s.wait.need, s.wait.timeout.Milliseconds())
	_, err = node.Pipelined(ctx, func(p redis.Pipeliner) error {
		return errors.Join(p.Process(ctx, cmd), p.Process(ctx, wait))
	})
	if cmd.Err() != nil {
		s.rerouted(ctx, cmd.Err())
		return cmd.Err()
	}
	if err == nil && wait.Val() >= int64(s.wait.need) {
		s.wait.note(sp, false)
		return nil
	}
	s.wait.note(sp, true)
	return errors.Join(ErrReplicas, err)
}

// rerouted lets a cluster client look where the slots are: what is sent to one node does not follow redirections.
func (s *Store) rerouted(ctx context.Context, err error) {
	_, moved := redis.IsMovedError(err)
	if c, ok := s.client.(*redis.ClusterClient); ok && (moved || redis.IsReadOnlyError(err)) {
		c.ReloadState(ctx)
	}
}

// caughtUp refuses to read where a commit of this process is not known to have reached its replicas: else the kernel,
// looking what became of the commit, would find it and call it done.
func (s *Store) caughtUp(ctx context.Context, tenant string) error {
	if s.wait.need == 0 {
		return nil
	}
	sp := s.space(tenant)
	if !s.wait.isBehind(sp) {
		return nil
	}
	// What is written later reaches a replica later.
	_, err := within(ctx, func() (any, error) {
		return nil, s.replicated(ctx, sp, redis.NewIntCmd(ctx, "hset", sp.meta(), "waited", "1"))
	})
	if err != nil {
		return fmt.Errorf("%w: %w", record.ErrBusy, err)
	}
	return nil
}
