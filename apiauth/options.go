package apiauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// Options of a Service. The zero value is filled with the defaults.
type Options struct {
	Alg      string // of new signing keys: EdDSA (default), ES256, RS256 or HS256
	Audience string // of access tokens whose client has none of its own; default the issuer, which is the base URL

	// Claims returns custom claims for a new access token: a struct or map that encoding/json makes an object of. A
	// registered or reserved name in it is an error, and then no token is issued.
	Claims func(ctx context.Context, in ClaimsInput) (any, error)

	Strict      bool          // ask the store on every request with an access token whether its session lives
	FeedEvery   time.Duration // how often other nodes' revocations are read; default 2 s, see the package comment
	Wake        Wake          // tells other nodes of revocations at once; nil leaves them to FeedEvery and KeyCacheFor
	KeyCacheFor time.Duration // how long an API key is good without a look at the store; default 5 s, negative: never
	TokenCache  int           // verified tokens to remember; default 16,384 (32 MiB at most), negative: none
	RotateEvery time.Duration // age at which a signing key is replaced; default 90 days, at least an hour

	// Forget is called when another node has announced that something ended: what is remembered elsewhere of the tenants
	// for which in is true is to be looked at anew.
	Forget func(in func(tenant string) bool)

	Grants map[string]GrantHandler // further grant types of the token endpoint

	Entry  *wire.Entry      // how requests get their tenant and origin
	Errors wire.ErrorWriter // how the middleware answers errors

	// Session returns the principal of the request's session cookie, or core.ErrUnauthenticated when there is none or a
	// bad one. It also refuses what the cross-origin check refuses. Nil where there are no cookies.
	Session func(ctx context.Context, r *http.Request) (*core.Principal, error)
	// HasSessionCookie reports whether the request carries a session cookie, good or bad.
	HasSessionCookie func(r *http.Request) bool
}

// ClaimsInput is what custom claims may be made of. It is shared: treat it as read-only.
type ClaimsInput struct {
	User    *core.User // nil for a service
	Session *core.Session
	Client  *core.Client
	Scopes  []string // of this access token
}

const (
	defaultTokenCache = 16 << 10
	maxTokenCache     = 1 << 20
)

func (o *Options) complete() error {
	if o.Alg == "" {
		o.Alg = string(jwt.EdDSA)
	}
	if !slices.Contains([]jwt.Alg{jwt.EdDSA, jwt.ES256, jwt.RS256, jwt.HS256}, jwt.Alg(o.Alg)) {
		return fmt.Errorf("apiauth: Options.Alg %q is not EdDSA, ES256, RS256 or HS256", o.Alg)
	}
	for _, d := range []struct {
		name       string
		v          *time.Duration
		def, least time.Duration
	}{
		{"FeedEvery", &o.FeedEvery, 2 * time.Second, 10 * time.Millisecond},
		{"RotateEvery", &o.RotateEvery, 90 * 24 * time.Hour, time.Hour},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < d.least {
			return fmt.Errorf("apiauth: Options.%s is %v: it must be at least %v", d.name, *d.v, d.least)
		}
	}
	if o.FeedEvery > maxFeedEvery {
		return fmt.Errorf("apiauth: Options.FeedEvery is %v: it must be at most %v", o.FeedEvery, maxFeedEvery)
	}
	if o.KeyCacheFor == 0 {
		o.KeyCacheFor = 5 * time.Second
	}
	if o.TokenCache == 0 {
		o.TokenCache = defaultTokenCache
	}
	if o.TokenCache > maxTokenCache {
		return fmt.Errorf("apiauth: Options.TokenCache is %d: it must be at most %d", o.TokenCache, maxTokenCache)
	}
	if o.Entry == nil {
		o.Entry = &wire.Entry{}
	}
	return o.checkGrants()
}

func (o *Options) checkGrants() error {
	for name, h := range o.Grants {
		switch {
		case name == "":
			return errors.New("apiauth: Options.Grants has a grant type without a name")
		case name == core.GrantRefresh, name == core.GrantPassword, name == core.GrantClient:
			return fmt.Errorf("apiauth: Options.Grants: %s cannot be replaced", name)
		case h == nil:
			return fmt.Errorf("apiauth: Options.Grants: the handler of %s is nil", name)
		}
	}
	return nil
}
