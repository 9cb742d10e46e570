package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Client signs in to one server, and keeps its access token fresh. It is safe for concurrent use; make one per server and
// credential.
type Client struct {
	server   origin
	origins  origins
	prefix   string
	clientID string
	secret   string
	service  bool   // acts for itself
	scopes   string // separated by spaces
	device   string
	store    Store
	http     http.Client
	timeout  time.Duration
	margin   time.Duration
	now      func() time.Time
	random   io.Reader

	current atomic.Pointer[held] // what requests use; nil before the store was asked

	mu     sync.Mutex // of what follows
	flight *flight    // the renewal under way
	epoch  int        // how often somebody signed in or out here
	pause  pause
	saving *unsaved
}

// held is a credential as requests use it. It is immutable but for refused.
type held struct {
	*Credential
	header  []string    // of Authorization
	due     time.Time   // when to renew; zero for never
	refused atomic.Bool // a server said invalid_token
	final   atomic.Bool // so did one of a token that had just been renewed: renewing does not help
}

// New makes a client of the application at baseURL, an origin such as https://app.example; plain http is for loopback
// only. Nothing is sent yet. The error says which option is wrong.
func New(baseURL string, options ...Option) (*Client, error) {
	server, err := parseOrigin(baseURL)
	if err != nil {
		return nil, fmt.Errorf("client: base URL: %w", err)
	}
	c := unset()
	c.server, c.origins = server, origins{server}
	for _, o := range options {
		if err := o(c); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	if c.service && c.secret == "" {
		return nil, errors.New("client: WithClientCredentials needs WithClient with a secret")
	}
	return c, nil
}

// String names the client without its secret.
func (c *Client) String() string { return "client " + c.clientID + " of " + c.server.String() }

// GoString is String: %#v shows no secret either.
func (c *Client) GoString() string { return c.String() }

// Session returns what the client is signed in as, from the store alone, or [ErrSignedOut].
func (c *Client) Session(ctx context.Context) (Session, error) {
	cred, err := c.load(ctx)
	if err != nil {
		return Session{}, err
	}
	if cred == nil {
		return Session{}, ErrSignedOut
	}
	return cred.session(), nil
}

// HTTPClient returns an HTTP client whose requests carry the access token: see [Client.Transport].
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: c.Transport(nil)} }

// load reads the store.
func (c *Client) load(ctx context.Context) (*Credential, error) {
	cred, err := c.store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	if err := c.own(cred); err != nil {
		return nil, err
	}
	return cred, nil
}

// own refuses a credential of another server or client: its tokens are not to be shown here.
func (c *Client) own(cred *Credential) error {
	switch {
	case cred == nil:
		return nil
	case cred.Server != c.server.String():
		return fmt.Errorf("%w: it holds a credential of another server, %s", ErrStore, clean(cred.Server))
	case cred.ClientID != c.clientID:
		return fmt.Errorf("%w: it holds a credential of another client, %s", ErrStore, clean(cred.ClientID))
	case !isToken(cred.AccessToken):
		return fmt.Errorf("%w: it holds no usable access token", ErrStore)
	}
	return nil
}

// update is Store.Update with errors of this package. Those of change stay as they are.
func (c *Client) update(ctx context.Context, change func(context.Context, *Credential) (*Credential, error)) error {
	var own error
	err := c.store.Update(ctx, func(ctx context.Context, current *Credential) (next *Credential, err error) {
		next, own = change(ctx, current)
		return next, own
	})
	if err == nil || own != nil {
		return own
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}

// hold makes cred what requests use, unless somebody signed in or out since the epoch.
func (c *Client) hold(cred *Credential, epoch int) *held {
	h := &held{Credential: cred, header: []string{"Bearer " + cred.AccessToken}}
	if !cred.ExpiresAt.IsZero() {
		h.due = cred.refreshAt(c.margin)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return h
	}
	if old := c.current.Load(); old != nil && old.AccessToken == cred.AccessToken {
		return old // with what was found out about it
	}
	c.current.Store(h)
	return h
}

// replaced begins a new epoch, after somebody signed in or out.
func (c *Client) replaced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.current.Store(nil)
	c.pause, c.saving = pause{}, nil
}
