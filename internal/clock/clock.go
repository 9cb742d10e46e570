// Package clock has the clock of tests.
package clock

import (
	"sync"
	"time"
)

// Held stands still until it is moved. Make one with At. It is safe for concurrent use.
type Held struct {
	mu  sync.Mutex
	now time.Time
}

// At returns a clock that says t.
func At(t time.Time) *Held { return &Held{now: t} }

// Noon returns a clock that says 1 January 2030, 12:00 UTC, for tests to which the time is all the same.
func Noon() *Held { return At(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)) }

// Now returns what the clock says.
func (c *Held) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d, or back where d is negative.
func (c *Held) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves the clock to t.
func (c *Held) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
