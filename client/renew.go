package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	renewTimeout = 45 * time.Second // with waiting for the lock
	softPause    = 5 * time.Second  // before the next try while the old token still lives
	maxPause     = time.Minute      // that a server's Retry-After is honoured
)

// flight is a renewal that any number of goroutines wait for.
type flight struct {
	done chan struct{}
	held *held
	err  error
}

// pause is the time in which a renewal that failed is not tried again.
type pause struct {
	until time.Time
	err   error // what to say to those who cannot go on with the old token; nil if they may try
}

// unsaved is a successor that the store did not take. It is tried again before anything else, since the server knows
// no other.
type unsaved struct {
	instead string // the refresh token that the store still has
	next    *Credential
}

// valid returns a credential whose access token is good to use, and renews it where that is due.
func (c *Client) valid(ctx context.Context) (*held, error) {
	now, h := c.now(), c.current.Load()
	if h != nil && (h.due.IsZero() || now.Before(h.due)) && !h.refused.Load() {
		return h, nil
	}
	refused := ""
	if h != nil && h.refused.Load() {
		refused = h.AccessToken
	}
	usable := h != nil && refused == "" && !h.expired(now)
	if wait, err := c.paused(now); wait && (usable || err != nil) {
		if usable {
			return h, nil
		}
		return nil, err
	}
	return c.renew(ctx, refused)
}

func (c *Client) paused(now time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.pause.until), c.pause.err
}

// renew returns a credential with another access token than refused, which is empty where the present one is only about to
// end. Of all goroutines one renews, and the others wait for it; one that gives up does not disturb the rest.
func (c *Client) renew(ctx context.Context, refused string) (*held, error) {
	for {
		f, mine := c.join(ctx, refused)
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if mine || f.err != nil || f.held.AccessToken != refused {
			return f.held, f.err
		}
	}
}

// join returns the flight under way, or starts one.
func (c *Client) join(ctx context.Context, refused string) (f *flight, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight != nil {
		return c.flight, false
	}
	f = &flight{done: make(chan struct{})}
	c.flight = f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	go func(epoch int) {
		defer cancel()
		f.held, f.err = c.fly(ctx, refused, epoch)
		c.mu.Lock()
		c.flight = nil
		c.mu.Unlock()
		close(f.done)
	}(c.epoch)
	return f, true
}

// fly looks into the store, and goes to the server under the store's lock if what is there will not do. When that fails, and
// what is there is good a little longer, it is used: the failure may pass.
func (c *Client) fly(ctx context.Context, refused string, epoch int) (*held, error) {
	cred, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	if c.good(cred, refused) {
		return c.hold(cred, epoch), nil
	}
	next, err := c.renewStored(ctx, refused)
	if err == nil {
		c.recovered()
		return c.hold(next, epoch), nil
	}
	c.failed(err, epoch)
	if cred != nil && !errors.Is(err, ErrSignedOut) && cred.AccessToken != refused && !cred.expired(c.now()) {
		return c.hold(cred, epoch), nil
	}
	return nil, err
}

func (c *Client) recovered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause = pause{}
}

// good reports whether a credential from the store needs no renewal.
func (c *Client) good(cred *Credential, refused string) bool {
	return cred != nil && cred.AccessToken != refused && !cred.due(c.now(), c.margin)
}

// failed remembers for how long a renewal is not to be tried again, and forgets a session that is over.
func (c *Client) failed(err error, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if errors.Is(err, ErrSignedOut) {
		c.current.Store(nil)
		return
	}
	c.pause = pause{until: c.now().Add(softPause)}
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.RetryAfter > 0 {
		c.pause = pause{until: c.now().Add(min(refused.RetryAfter, maxPause)), err: err}
	}
}

// renewStored replaces what the store has, under its lock. Another process may have done so meanwhile: then that is
// taken. A session that is over leaves the store.
func (c *Client) renewStored(ctx context.Context, refused string) (*Credential, error) {
	var got *Credential
	var over error
	err := c.update(ctx, func(ctx context.Context, current *Credential) (*Credential, error) {
		if err := c.own(current); err != nil {
			return nil, err
		}
		if c.good(current, refused) {
			got = current
			return current, nil
		}
		next, err := c.successor(ctx, current)
		if errors.Is(err, ErrSignedOut) {
			over = err
			return nil, nil
		}
		got = next
		return next, err
	})
	if err == nil {
		err = over
	}
	if err != nil {
		return nil, err
	}
	c.saved(got)
	return got, nil
}

// successor gets the credential that follows current, of which the store has the lock.
func (c *Client) successor(ctx context.Context, current *Credential) (*Credential, error) {
	switch {
	case c.service:
		form := url.Values{"grant_type": {"client_credentials"}}
		if c.scopes != "" {
			form.Set("scope", c.scopes)
		}
		return c.grant(ctx, "/token", form)
	case current == nil:
		return nil, ErrSignedOut
	case current.RefreshToken == "":
		return nil, fmt.Errorf("%w: the access token cannot be renewed", ErrSignedOut)
	}
	if next := c.unsavedAfter(current); next != nil {
		return next, nil
	}
	next, err := c.refresh(ctx, current)
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.Code == "invalid_grant" && refused.Status == http.StatusBadRequest {
		return nil, fmt.Errorf("%w: %w", ErrSignedOut, err)
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.saving = &unsaved{instead: current.RefreshToken, next: next}
	c.mu.Unlock()
	return next, nil
}

// unsavedAfter returns the successor of current that the store did not take before, if there is one.
func (c *Client) unsavedAfter(current *Credential) *Credential {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saving == nil || c.saving.instead != current.RefreshToken {
		return nil
	}
	return c.saving.next
}

// saved forgets the successor that the store has now.
func (c *Client) saved(cred *Credential) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saving != nil && c.saving.next == cred {
		c.saving = nil
	}
}
