package oneauth_test

import (
	"log/slog"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// heldClock stands still until it is moved.
type heldClock struct {
	mu sync.Mutex
	at time.Time
}

func newHeldClock() *heldClock { return &heldClock{at: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)} }

func (c *heldClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *heldClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *heldClock) env() core.Env { return core.Env{Now: c.now, Log: slog.New(slog.DiscardHandler)} }
