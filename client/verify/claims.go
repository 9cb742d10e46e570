package verify

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Claims are what a valid token says. They are shared: treat them as read-only.
type Claims struct {
	Issuer    string   // iss
	Subject   string   // sub: a user's or service's id
	Audience  []string // aud
	ClientID  string   // client_id: which program acts
	SessionID string   // sid; empty for an API key
	Tenant    string   // tid
	TokenID   string   // jti
	Scopes    []string // scope
	AMR       []string // amr: how the person signed in (RFC 8176)
	ACR       string   // acr

	AuthTime  time.Time // auth_time: when the person signed in; these are zero where the token does not say
	IssuedAt  time.Time // iat
	NotBefore time.Time // nbf
	ExpiresAt time.Time // exp

	raw string
}

// HasScopes reports whether the token has all the scopes.
func (c *Claims) HasScopes(scopes ...string) bool {
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			return false
		}
	}
	return true
}

// Raw returns all claims as a JSON object: the payload of a JWT, or the answer of the introspection endpoint.
func (c *Claims) Raw() json.RawMessage { return json.RawMessage(c.raw) }

// Decode decodes all claims into dst, a pointer to a struct with the application's own ones, as encoding/json does.
func (c *Claims) Decode(dst any) error { return json.Unmarshal([]byte(c.raw), dst) }

// missing returns the first of the names that is no claim of the token's, or is null; "" where all are there.
func (c *Claims) missing(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var members map[string]json.RawMessage
	if c.Decode(&members) != nil {
		return names[0]
	}
	for _, name := range names {
		if value, has := members[name]; !has || string(value) == "null" {
			return name
		}
	}
	return ""
}

type claimsKey struct{}

// WithClaims returns a context in which From finds the claims: for other transports than the middleware's.
func WithClaims(ctx context.Context, c *Claims) context.Context {
	return context.WithValue(ctx, claimsKey{}, c)
}

// From returns the claims of the token that authenticated the request, behind RequireToken and RequireScopes; nil
// elsewhere.
func From(ctx context.Context) *Claims {
	c, _ := ctx.Value(claimsKey{}).(*Claims)
	return c
}

// timeOf turns seconds since 1970 into a time; 0 means absent.
func timeOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func scopesOf(scope string) []string { return strings.Fields(scope) }
