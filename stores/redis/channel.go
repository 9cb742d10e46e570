package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// DefaultChannel is the channel of an installation where ChannelOptions.Name is empty.
const DefaultChannel = "oneauth:wake"

// ChannelOptions of a Channel. The zero value is ready to use.
type ChannelOptions struct {
	Name    string        // of the channel, the same on all nodes; default DefaultChannel
	Check   time.Duration // how long a silent connection is trusted before it is tried; default 5 s
	Pause   time.Duration // between attempts to connect; default 100 ms
	Timeout time.Duration // of one announcement; default 1 s
	Log     *slog.Logger  // receives losses of the connection; default slog.Default()
}

// Channel tells other nodes that there is something new in a tenant, by Redis' publish and subscribe. A message is a hint
// to look at the store, and nothing else: one that is lost, doubled or forged does no harm.
type Channel struct {
	client redis.UniversalClient
	opt    ChannelOptions
}

// NewChannel returns a channel over client, which stays the caller's. It needs no persistence, and any node of a cluster
// will do.
func NewChannel(client redis.UniversalClient, o ChannelOptions) (*Channel, error) {
	if client == nil {
		return nil, errors.New("redis: the client is nil")
	}
	if o.Check < 0 || o.Pause < 0 || o.Timeout < 0 {
		return nil, fmt.Errorf("redis: ChannelOptions: Check %v, Pause %v and Timeout %v must not be negative", o.Check, o.Pause, o.Timeout)
	}
	if o.Name == "" {
		o.Name = DefaultChannel
	}
	if o.Check == 0 {
		o.Check = 5 * time.Second
	}
	if o.Pause == 0 {
		o.Pause = 100 * time.Millisecond
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Channel{client, o}, nil
}

// Announce tells all nodes that listen that there is something new in the tenant. Call it after the commit. An error means
// that some may not hear of it before they look by themselves.
func (c *Channel) Announce(ctx context.Context, tenant string) error {
	if _, err := record.TenantOf(record.WithTenant(ctx, tenant)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	_, err := within(ctx, func() (int64, error) { return c.client.Publish(ctx, c.opt.Name, tenant).Result() })
	if err != nil {
		return fmt.Errorf("redis: announce: %w", err)
	}
	return nil
}

// Listen calls heard with the tenant of each announcement, one after the other, and with "" each time it has connected:
// what was announced before is not heard, so anything may have happened. It connects again by itself, and returns
// ctx.Err() when ctx ends.
func (c *Channel) Listen(ctx context.Context, heard func(tenant string)) error {
	for {
		err := c.listen(ctx, heard)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.opt.Log.WarnContext(ctx, "oneauth channel: connection lost, connecting again", "error", err)
		if err := pause(ctx, c.opt.Pause); err != nil {
			return err
		}
	}
}

// listen listens over one connection until it fails.
func (c *Channel) listen(ctx context.Context, heard func(tenant string)) error {
	sub := c.client.Subscribe(ctx)
	defer sub.Close()
	// go-redis does not look at the context while it waits: closing ends the wait.
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if err := sub.Subscribe(ctx, c.opt.Name); err != nil {
		return err
	}
	tried := false
	for {
		message, err := sub.ReceiveTimeout(ctx, c.opt.Check)
		var late interface{ Timeout() bool }
		switch {
		case err == nil:
			tried = false
			c.tell(ctx, message, heard)
		case ctx.Err() == nil && !tried && errors.As(err, &late) && late.Timeout():
			tried = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// tell passes on what can be a tenant's name. Nobody who is told believes it.
func (c *Channel) tell(ctx context.Context, message any, heard func(tenant string)) {
	switch m := message.(type) {
	case *redis.Subscription:
		heard("")
	case *redis.Message:
		if _, err := record.TenantOf(record.WithTenant(ctx, m.Payload)); err == nil {
			heard(m.Payload)
		}
	}
}
