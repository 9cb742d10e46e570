package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// Options of a Store. The zero value is ready to use.
type Options struct {
	// Prefix begins every key; default DefaultPrefix. Installations that share a database have different ones, of which
	// none begins another.
	Prefix string

	// RequireDurable makes Open fail with ErrRisk where Check finds that data may be lost.
	RequireDurable bool

	// Replicas is how many replicas must have a commit before it is acknowledged (WAIT); 0 waits for none.
	Replicas int

	// ReplicaTimeout is how long to wait for them, less than the client's ReadTimeout; default 1 s. Then the commit is record.ErrUnknown.
	ReplicaTimeout time.Duration

	// Log receives what Check finds, once, at Open; default slog.Default().
	Log *slog.Logger
}

// Store is a record.Backend in Redis. It is safe for concurrent use, and any number of them may work on the same data.
type Store struct {
	client redis.UniversalClient
	prefix string
	wait   replicas
	schema atomic.Pointer[catalogue]
	closed atomic.Bool
}

var _ record.Backend = (*Store)(nil)

// Open returns the store in the server or cluster of client, which stays the caller's: Close does not close it. It asks
// the server what it promises (see Check).
//
// The client is a *redis.Client (single node or Sentinel) or a *redis.ClusterClient. One that may read from replicas, or
// from its own memory, is refused, since a revoked session would live on there. With ContextTimeoutEnabled a call whose
// context ends leaves no connection busy behind it.
func Open(ctx context.Context, client redis.UniversalClient, o Options) (*Store, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := checkPrefix(o.Prefix); err != nil {
		return nil, err
	}
	if o.Replicas < 0 || o.ReplicaTimeout < 0 {
		return nil, fmt.Errorf("redis: Replicas %d and ReplicaTimeout %v must not be negative", o.Replicas, o.ReplicaTimeout)
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.ReplicaTimeout == 0 {
		o.ReplicaTimeout = time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Store{
		client: client, prefix: o.Prefix,
		wait: replicas{need: o.Replicas, timeout: o.ReplicaTimeout, behind: map[string]bool{}},
	}
	risks, err := s.Check(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range risks {
		o.Log.WarnContext(ctx, "oneauth redis store: "+r.Why, "node", r.Node, "setting", r.Setting, "value", r.Value)
	}
	if len(risks) > 0 && o.RequireDurable {
		return nil, fmt.Errorf("%w: %v", ErrRisk, risks)
	}
	return s, nil
}

// Close makes calls after it fail with record.ErrClosed. Calls that are under way go on.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return record.ErrClosed
	}
	return nil
}

// enter says why a call cannot begin.
func (s *Store) enter(ctx context.Context) error {
	if s.closed.Load() {
		return record.ErrClosed
	}
	return ctx.Err()
}

// withSchema calls f with the schema, and once more with the stored one if f misses something in it (errUndeclared): another
// process may have declared it.
func (s *Store) withSchema(ctx context.Context, f func(*catalogue) error) error {
	c := s.schema.Load()
	if c == nil {
		return errors.New("redis store: it was not prepared")
	}
	err := f(c)
	if !errors.Is(err, errUndeclared) {
		return err
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	return f(s.schema.Load())
}
