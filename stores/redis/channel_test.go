package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// listening starts to listen and returns what is heard. At the end of the test, Listen must return because its context did.
func listening(t *testing.T, c *redis.Channel) <-chan string {
	t.Helper()
	heard := make(chan string, 1000)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Listen(ctx, func(tenant string) { heard <- tenant }) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Listen returned %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Listen does not return when its context ends")
		}
	})
	return heard
}

// next returns what is heard next.
func next(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case tenant := <-heard:
		return tenant
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is heard")
		return ""
	}
}

func newChannel(t *testing.T, addr string) *redis.Channel {
	t.Helper()
	c, err := redis.NewChannel(dial(t, addr), redis.ChannelOptions{Check: 100 * time.Millisecond, Pause: 10 * time.Millisecond, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An announcement reaches every node, and a server that is killed and started again is found again, with the hint that
// anything may have happened.
func TestChannel(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	a, b := newChannel(t, server.Addr()), newChannel(t, server.Addr())
	nodes := []<-chan string{listening(t, a), listening(t, b)}
	for range 3 {
		for i, heard := range nodes {
			if got := next(t, heard); got != "" {
				t.Fatalf("node %d first heard %q", i, got)
			}
		}
		for _, tenant := range []string{"t1", record.System, "a\r\nb", "{é}*"} {
			began := time.Now()
			must(t, a.Announce(t.Context(), tenant))
			for i, heard := range nodes {
				if got := next(t, heard); got != tenant {
					t.Errorf("node %d heard %q of %q", i, got, tenant)
				}
			}
			t.Logf("%q took %v", tenant, time.Since(began))
		}
		server.Kill()
		server.Start()
	}
	for _, heard := range nodes {
		next(t, heard)
	}
}

// warnings is where a log goes whose lines are only counted.
type warnings chan struct{}

func (w warnings) Write(line []byte) (int, error) {
	w <- struct{}{}
	return len(line), nil
}

// A connection that is dead without being closed is noticed.
func TestChannelSilence(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	lost := make(warnings, 1000)
	c, err := redis.NewChannel(dial(t, server.Addr()), redis.ChannelOptions{
		Check: 100 * time.Millisecond, Pause: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(lost, nil)),
	})
	must(t, err)
	heard := listening(t, c)
	next(t, heard)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Announce(ctx, "t1"); err == nil {
		t.Error("an announcement to a server that does not answer succeeded")
	}
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Error("the silence is not noticed")
	}
	server.Resume()
	for next(t, heard) != "" {
		continue // what was announced above is heard late, or not
	}
	must(t, c.Announce(t.Context(), "t2"))
	for next(t, heard) != "t2" {
		continue
	}
}

// What can be no tenant is not passed on, and not announced.
func TestChannelForgeries(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	c := newChannel(t, server.Addr())
	heard := listening(t, c)
	next(t, heard)
	for _, bad := range []string{"", "a\x00b", "\xff", strings.Repeat("x", record.MaxID+1)} {
		if err := c.Announce(t.Context(), bad); err == nil {
			t.Errorf("%.10q was announced", bad)
		}
		must(t, dial(t, server.Addr()).Publish(t.Context(), redis.DefaultChannel, bad).Err())
	}
	must(t, c.Announce(t.Context(), "t1"))
	if got := next(t, heard); got != "t1" {
		t.Errorf("heard %.10q", got)
	}
}

// In a cluster, announcements reach nodes that listen elsewhere.
func TestClusterChannel(t *testing.T) {
	addrs := startCluster(t)
	if addrs == nil {
		return
	}
	listener, err := redis.NewChannel(dialCluster(t, addrs), redis.ChannelOptions{Log: quiet()})
	must(t, err)
	heard := listening(t, listener)
	next(t, heard)
	for _, addr := range addrs {
		must(t, newChannel(t, addr).Announce(t.Context(), "t1"))
		if got := next(t, heard); got != "t1" {
			t.Errorf("announced at %s, heard %q", addr, got)
		}
	}
}
