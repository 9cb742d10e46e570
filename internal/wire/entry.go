package wire

import (
	"context"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/text/language"

	"github.com/oneauth-go/oneauth/core"
)

// Entry is what happens to every request before anything else: who asks from where, in which tenant, and whether this
// server answers at all.
type Entry struct {
	Proxies      TrustedProxies
	Tenant       func(r *http.Request) (string, error) // nil where the application has no tenants
	LoopbackOnly bool                                  // development: only this machine is answered
}

// Tenanted returns the request's context with its tenant alone: for the hot path, which records nothing.
func (e *Entry) Tenanted(r *http.Request) (context.Context, error) {
	ctx := r.Context()
	if e.LoopbackOnly {
		if peer, ok := parseHop(r.RemoteAddr); !ok || !peer.IsLoopback() {
			return nil, core.E(core.CodeDevelopmentOnly, "")
		}
	}
	if e.Tenant == nil {
		return ctx, nil
	}
	tenant, err := e.Tenant(r)
	if err != nil {
		return nil, core.ErrTenantRequired.Wrap(err)
	}
	if !core.ValidTenant(tenant) {
		return nil, core.ErrTenantRequired
	}
	return core.WithTenant(ctx, strings.Clone(tenant)), nil // it is kept, and may be a part of the request's memory
}

// Enter returns the request's context with its tenant and origin.
func (e *Entry) Enter(r *http.Request) (context.Context, error) {
	ctx, err := e.Tenanted(r)
	if err != nil {
		return nil, err
	}
	o := core.Origin{UserAgent: cleanText(r.UserAgent(), 512), Locale: locale(r)}
	if ip := e.Proxies.ClientIP(r); ip.IsValid() {
		o.IP = ip.String()
	}
	return core.WithOrigin(ctx, o), nil
}

// locale returns the language that the client likes best, or "".
func locale(r *http.Request) string {
	header := r.Header.Get("Accept-Language")
	if header == "" || len(header) > 256 {
		return ""
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return ""
	}
	return tags[0].String()
}

// cleanText makes client text storable: valid UTF-8 without control and format characters, at most n bytes, a copy.
func cleanText(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Clone(strings.Map(func(c rune) rune {
		if c < 0x20 || c >= 0x7f && c < 0xa0 || c == '\uFFFD' || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "")))
}
