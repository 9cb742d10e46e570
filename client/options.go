package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// FirstParty is the client that every OneAuth application has built in, for its own programs; it has no secret, and is the
// only one that may send passwords.
const FirstParty = "first-party"

// RefreshTimeout bounds one try to refresh. Two of them fit into the grace window in which the server still takes the
// previous refresh token, 10 s by default.
const RefreshTimeout = 4 * time.Second

const (
	defaultTimeout = 30 * time.Second
	defaultMargin  = 30 * time.Second
	defaultPrefix  = "/auth"
)

// Option configures [New].
type Option func(*Client) error

// WithStore sets where the credential is kept; default [NewMemoryStore].
func WithStore(s Store) Option {
	return func(c *Client) error {
		if s == nil {
			return errors.New("WithStore: the store is nil")
		}
		c.store = s
		return nil
	}
}

// WithClient sets the id under which the program is registered at the server, and the secret of a confidential client,
// which is sent by HTTP Basic; the secret of a public one is empty. Default [FirstParty].
func WithClient(id, secret string) Option {
	return func(c *Client) error {
		if id == "" {
			return errors.New("WithClient: the id is empty")
		}
		c.clientID, c.secret = id, secret
		return nil
	}
}

// WithClientCredentials makes the client act for itself and not for a person (RFC 6749 section 4.4): it gets an access
// token when it needs one. It needs WithClient with a secret.
func WithClientCredentials() Option {
	return func(c *Client) error { c.service = true; return nil }
}

// WithScopes sets which scopes are asked for at sign-in; by default the server decides.
func WithScopes(scopes ...string) Option {
	return func(c *Client) error {
		for _, scope := range scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
				return fmt.Errorf("WithScopes: %q is no scope", scope)
			}
		}
		c.scopes = strings.Join(scopes, " ")
		return nil
	}
}

// WithOrigins sets further origins to which access tokens may be sent, such as https://api.example; the server's own is
// always one.
func WithOrigins(all ...string) Option {
	return func(c *Client) error {
		for _, text := range all {
			o, err := parseOrigin(text)
			if err != nil {
				return fmt.Errorf("WithOrigins: %q: %w", text, err)
			}
			c.origins = append(c.origins, o)
		}
		return nil
	}
}

// WithDeviceName sets the name by which a person finds this session in the list of devices.
func WithDeviceName(name string) Option {
	return func(c *Client) error { c.device = name; return nil }
}

// WithPrefix sets where the server has mounted OneAuth; default /auth. It is empty for the root.
func WithPrefix(prefix string) Option {
	return func(c *Client) error {
		if prefix != "" && (!strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") || strings.ContainsAny(prefix, "?#%")) {
			return fmt.Errorf("WithPrefix: %q must begin with a slash and not end with one", prefix)
		}
		c.prefix = prefix
		return nil
	}
}

// WithHTTPClient sets how the server's own endpoints are reached: the transport of h, and its timeout if it has one.
// Neither its cookies nor its way with redirects are used: cookies are another credential, and no redirect is followed.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) error {
		if h == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.http.Transport = h.Transport
		if h.Timeout > 0 {
			c.timeout = h.Timeout
		}
		return nil
	}
}

// WithTimeout bounds a request to the server's own endpoints; default 30 s. A try to refresh takes at most
// [RefreshTimeout] besides.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %v is not positive", d)
		}
		c.timeout = d
		return nil
	}
}

// WithRefreshMargin sets how long before its end an access token is replaced, default 30 s. Of a short-lived one it is
// never more than the last quarter of its life.
func WithRefreshMargin(d time.Duration) Option {
	return func(c *Client) error {
		if d < 0 {
			return fmt.Errorf("WithRefreshMargin: %v is negative", d)
		}
		c.margin = d
		return nil
	}
}

// WithClock sets the clock, for tests.
func WithClock(now func() time.Time) Option {
	return func(c *Client) error {
		if now == nil {
			return errors.New("WithClock: the function is nil")
		}
		c.now = now
		return nil
	}
}

// WithRand sets the source of randomness, for tests.
func WithRand(r io.Reader) Option {
	return func(c *Client) error {
		if r == nil {
			return errors.New("WithRand: the reader is nil")
		}
		c.random = r
		return nil
	}
}

// unset is a client to which no option was applied.
func unset() *Client {
	return &Client{
		clientID: FirstParty, prefix: defaultPrefix, timeout: defaultTimeout, margin: defaultMargin, now: time.Now,
		random: rand.Reader, store: NewMemoryStore(),
		http: http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}
