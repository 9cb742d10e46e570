package core

import (
	"context"
	"regexp"

	"github.com/oneauth-go/oneauth/core/record"
)

// DefaultTenant is the tenant of an application that has none of its own.
const DefaultTenant = "default"

var tenantRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// ValidTenant reports whether s can name a tenant: 1 to 63 of a-z, 0-9, dot, hyphen and underscore, beginning with a
// letter or digit.
func ValidTenant(s string) bool { return tenantRE.MatchString(s) }

// WithTenant returns a context for the given tenant. The edge calls it once per request, from what the application's
// resolver says, never from a credential.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return record.WithTenant(ctx, tenant)
}

// TenantOf returns the tenant in ctx, or "" when there is none.
func TenantOf(ctx context.Context) string {
	t, _ := record.TenantOf(ctx)
	return t
}

// Origin says where a request comes from, as far as the edge could find out. It travels in ctx into sessions and events.
type Origin struct {
	IP        string // canonical textual form, empty if unknown
	UserAgent string // valid UTF-8, at most 512 bytes
	Locale    string // BCP 47 tag that the client prefers
}

type originKey struct{}

// WithOrigin returns a context that carries o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns the origin in ctx; the zero Origin when there is none.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
