package core

import (
	"context"
	"slices"
	"time"
)

// Via says by what kind of credential a request was authenticated.
type Via string

const (
	ViaSession Via = "session" // the browser's cookie
	ViaJWT     Via = "jwt"     // an access token
	ViaAPIKey  Via = "api_key"
)

// Principal is who a request acts as. It is shared between requests: treat it as read-only.
type Principal struct {
	Subject   string // user or service id
	Kind      AccountKind
	Tenant    string
	Via       Via
	SessionID string // ViaSession and ViaJWT
	TokenID   string // ViaJWT: jti
	KeyID     string // ViaAPIKey
	ClientID  string // ViaJWT
	Scopes    []string
	AMR       []string
	ACR       string
	AuthTime  time.Time
	Expires   time.Time // of the credential; zero: never

	// Session is set for ViaSession alone.
	Session *Session
	// Claims holds the access token's payload for ViaJWT, from which typed custom claims are decoded.
	Claims []byte
}

// HasScope reports whether the principal was granted scope.
func (p *Principal) HasScope(scope string) bool { return slices.Contains(p.Scopes, scope) }

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns the principal in ctx, or nil.
func PrincipalOf(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}
