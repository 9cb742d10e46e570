package client

import (
	"fmt"
	"log/slog"
	"time"
)

// Credential is what a [Store] keeps: the tokens of one session, or an API key. It is encoded as JSON. Treat a Credential
// that was given to or got from a store as read-only. It prints without its secrets.
type Credential struct {
	Server       string    `json:"server"` // base URL of who issued it; it is never sent for a refresh elsewhere
	ClientID     string    `json:"client_id"`
	AccessToken  string    `json:"access_token"`            // or an API key
	RefreshToken string    `json:"refresh_token,omitempty"` // empty for API keys and services
	Scopes       []string  `json:"scopes,omitempty"`        // of the access token
	SessionID    string    `json:"session_id,omitempty"`    // no secret
	ObtainedAt   time.Time `json:"obtained_at"`             // by the clock of the process that asked
	ExpiresAt    time.Time `json:"expires_at,omitzero"`     // of the access token; zero where that is not known, or never
}

// String names the credential without its secrets.
func (c Credential) String() string {
	return fmt.Sprintf("credential of client %s at %s, session %s", c.ClientID, c.Server, c.SessionID)
}

// GoString is String: %#v shows no secret either.
func (c Credential) GoString() string { return c.String() }

// LogValue is String: logs show no secret either.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// expired reports whether the access token is of no use any more.
func (c *Credential) expired(now time.Time) bool {
	return !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt)
}

// refreshAt is when to get the next access token: some time before the end, but not before three quarters of its life.
func (c *Credential) refreshAt(margin time.Duration) time.Time {
	return c.ExpiresAt.Add(-min(margin, c.ExpiresAt.Sub(c.ObtainedAt)/4))
}

// due reports whether it is time to get the next access token.
func (c *Credential) due(now time.Time, margin time.Duration) bool {
	return !c.ExpiresAt.IsZero() && !now.Before(c.refreshAt(margin))
}

// Session says what a client is signed in as. It has no secrets.
type Session struct {
	ID        string    // empty for an API key
	Scopes    []string  // of the access token; empty for an API key, whose scopes the server knows
	ExpiresAt time.Time // of the access token, which is renewed before; zero where that is not known, or never
}

func (c *Credential) session() Session {
	return Session{ID: c.SessionID, Scopes: append([]string(nil), c.Scopes...), ExpiresAt: c.ExpiresAt}
}
