package oneauth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// WithProviders lets people sign in through identity providers, such as oauth.Google or whatever oauth.OIDC describes. The
// pages show their buttons in this order. Register <base URL><prefix>/oauth/<name>/callback at each.
func WithProviders(providers ...oauth.Provider) Option {
	return func(s *settings) error { s.oauth.Providers = append(s.oauth.Providers, providers...); return nil }
}

// WithProviderClient sets the HTTP client that talks to identity providers, for a proxy or a transport of one's own. It
// follows no redirects whatever it is set to, and its requests end after 10 seconds unless it has a timeout.
func WithProviderClient(c *http.Client) Option {
	return func(s *settings) error { s.oauth.Client = c; return nil }
}

// wireProviders makes the room of identity providers, if there are any, and the grant that its API mode ends with.
func (s *settings) wireProviders(a *Auth) (err error) {
	if len(s.oauth.Providers) == 0 {
		return nil
	}
	s.oauth.Edge = oauth.Edge{
		Principal: func(r *http.Request) (*core.Principal, error) { return a.web.Caller(r) },
		Arrive: func(w http.ResponseWriter, r *http.Request, in *core.SignedIn, returnTo string, err error) error {
			return a.web.Arrive(w, r, in, returnTo, err)
		},
		SendOn: func(w http.ResponseWriter, r *http.Request, title, url string) error {
			return a.web.SendOn(w, r, title, url)
		},
		Fail: func(w http.ResponseWriter, r *http.Request, err error) error { return a.web.Fail(w, r, err) },
		Tokens: func(w http.ResponseWriter, r *http.Request, in *core.SignedIn) error {
			return a.api.Begin(w, r, in)
		},
		Cookie: func(suffix, value string, until time.Time) *http.Cookie { return a.web.Cookie(suffix, value, until) },
	}
	if a.oauth, err = oauth.New(s.oauth); err != nil {
		return err
	}
	if s.api.Grants[core.GrantCode] != nil {
		return fmt.Errorf("WithGrant: %s is the grant of WithProviders", core.GrantCode)
	}
	if err := WithGrant(core.GrantCode, func(ctx context.Context, g apiauth.GrantRequest) (*core.SignedIn, error) {
		return a.oauth.Redeem(ctx, g.Client, g.Params)
	})(s); err != nil {
		return err
	}
	s.core.Features = append(s.core.Features, a.oauth.Feature())
	for _, p := range a.oauth.Providers() {
		s.pages.Providers = append(s.pages.Providers, pages.Provider{Name: p.Name, Title: p.Title})
	}
	return nil
}

// ProviderTokens returns a source of access tokens for calling an identity provider as a user, where
// oauth.Provider.KeepTokens keeps them; see [oauth.Service.TokenSource].
func (a *Auth) ProviderTokens(ctx context.Context, userID, provider string) (oauth2.TokenSource, error) {
	if a.oauth == nil {
		return nil, core.ErrNotFound
	}
	return a.oauth.TokenSource(ctx, userID, provider)
}
