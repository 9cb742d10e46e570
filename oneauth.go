// Package oneauth adds sign-in to a Go web application: browser sessions, API tokens and API keys over the
// application's own store, with safe defaults.
//
//	store := oneauth.Must(file.Open("app.db", file.Options{}))
//	auth := oneauth.Must(oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithScopes("read")))
//	auth.Mount(mux)                                  // /auth/... and /.well-known/...
//	mux.Handle("/app", auth.RequireSession(page))    // people
//	mux.Handle("/api", auth.RequireScopes("read")(api)) // people and programs
//	go auth.Run(ctx)
//
// The packages below are usable on their own: core (everything but HTTP), apiauth (tokens, keys, middleware), webauth
// (cookies, account endpoints), stores (where the data lives).
package oneauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// Store is where the data lives: stores/mem, stores/file, or any other record.Backend.
type Store = record.Backend

// Principal is who a request acts as.
type Principal = core.Principal

// Auth is a wired OneAuth. It is safe for concurrent use. Make one per process.
type Auth struct {
	core    *core.Auth
	api     *apiauth.Service
	web     *webauth.Service
	oauth   *oauth.Service // nil without providers
	router  *wire.Router
	prefix  string
	mailbox *mail.Mailbox
}

// New wires an Auth over a store. One of WithSecrets and WithDevelopment is required; without development mode so is
// WithBaseURL. The error says what is missing or wrong. On success the Auth owns the store, and Close closes it; on
// failure the caller still does.
func New(store Store, options ...Option) (*Auth, error) {
	if store == nil {
		return nil, errors.New("oneauth: the store is nil")
	}
	s := &settings{ctx: context.Background()}
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, fmt.Errorf("oneauth: %w", err)
		}
	}
	a, err := s.wire(store)
	if err != nil {
		return nil, fmt.Errorf("oneauth: %w", err)
	}
	return a, nil
}

// Must returns v, or panics with err. It is for main functions, where a store that cannot be opened and options that are
// wrong end the program:
//
//	auth := oneauth.Must(oneauth.New(oneauth.Must(file.Open("app.db", file.Options{})), oneauth.WithDevelopment()))
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wire builds the rooms from the bottom up. The edges know each other only through functions: the cookie of one is a
// credential for the other.
func (s *settings) wire(store Store) (*Auth, error) {
	if err := s.complete(store); err != nil {
		return nil, err
	}
	keyring, err := seal.New(s.randomness(), s.secrets[0], s.secrets[1:]...)
	if err != nil {
		return nil, err
	}
	s.core.Secrets = keyring
	a := &Auth{}
	if err := s.courier(a); err != nil {
		return nil, err
	}
	if s.core.ForgotPage = s.web.OwnPages.Forgot; !s.noPages {
		s.core.ForgotPage = cmp.Or(s.core.Prefix, "/auth") + "/password/forgot"
	}
	s.api.Entry, s.web.Entry = &s.entry, &s.entry
	s.api.Session = func(ctx context.Context, r *http.Request) (*core.Principal, error) {
		return a.web.AuthenticateCached(ctx, r)
	}
	s.api.HasSessionCookie = func(r *http.Request) bool { return a.web.HasCookie(r) }
	errorWriter := wire.ErrorWriter{Log: s.log(), Realm: s.core.AppName}
	s.api.Errors, s.web.Errors = errorWriter, errorWriter
	if err := s.wireProviders(a); err != nil {
		return nil, err
	}
	if s.web.Sessions != nil {
		s.core.Features = append(s.core.Features, s.web.Sessions.Feature())
		s.api.Forget = s.web.Sessions.Forget
	}
	if a.api, err = apiauth.New(s.api); err != nil {
		return nil, err
	}
	s.core.Features = slices.Concat([]core.Feature{s.noteUnsealed()}, s.core.Features, []core.Feature{a.api.Feature()})
	if a.core, err = core.New(s.ctx, store, s.core); err != nil {
		return nil, s.disown(err)
	}
	s.web.Bearer = a.bearer
	if s.web.Pages, err = s.pageSet(a.core.Config()); err != nil {
		return nil, err
	}
	if a.web, err = webauth.New(a.core, s.web); err != nil {
		return nil, err
	}
	a.prefix = a.core.Config().Prefix
	routes := append(a.web.Routes(), a.api.Routes()...)
	if a.oauth != nil {
		routes = append(routes, a.oauth.Routes()...)
	}
	a.router = wire.NewRouter(a.prefix, &s.entry, errorWriter, routes)
	a.router.AllowOrigins(a.web.CrossOrigin())
	a.router.ErrorPages(a.web.ErrorPage)
	return a, nil
}

// pageSet makes the pages for people, unless the application has its own.
func (s *settings) pageSet(cfg core.Config) (*pages.Set, error) {
	if s.noPages {
		return nil, nil
	}
	o := s.pages
	o.App, o.Prefix = cmp.Or(o.App, cfg.AppName), cfg.Prefix
	o.PasswordLength = cmp.Or(o.PasswordLength, cfg.Password.MinLength)
	o.ClosedSignUp, o.InviteOnly = cfg.SignUp == core.ClosedSignUp, cfg.SignUp == core.InviteOnly
	if o.Fields == nil {
		o.Fields = cfg.Fields
	}
	return pages.New(o)
}

// bearer authenticates the credential in a request's headers, if there is one.
func (a *Auth) bearer(ctx context.Context, r *http.Request) (*core.Principal, bool, error) {
	token, present, err := wire.BearerToken(r)
	if !present || err != nil {
		return nil, present, err
	}
	p, err := a.api.Authenticate(ctx, apiauth.Credential{Bearer: token})
	return p, true, err
}

// Core returns everything but HTTP, for what an application does by its own authority.
func (a *Auth) Core() *core.Auth { return a.core }

// Users returns the administrator's door to accounts.
func (a *Auth) Users() core.Users { return a.core.Users() }

// API returns the middleware that accepts access tokens and API keys, for routes that want a choice of their own.
func (a *Auth) API() *apiauth.APIMiddleware { return a.api.Middleware() }

// Authenticate judges an access token or API key that came some other way than by HTTP, such as with a gRPC call; see
// [apiauth.Service.Authenticate].
func (a *Auth) Authenticate(ctx context.Context, c apiauth.Credential) (*Principal, error) {
	return a.api.Authenticate(ctx, c)
}

// RotateSigningKeys begins to sign access tokens with a fresh key; tokens of the old one stay good until they expire.
func (a *Auth) RotateSigningKeys(ctx context.Context) error { return a.api.RotateKeys(ctx) }

// DropSigningKey takes a signing key away at once, because somebody else may have it: tokens that it signed are refused,
// here when it returns, on other nodes within six seconds, or at once with WithWake. The next key signs from now on. kid is
// in the header of the key's tokens. The error is core.ErrNotFound when there is no such key.
func (a *Auth) DropSigningKey(ctx context.Context, kid string) error { return a.api.DropKey(ctx, kid) }

// Reseal seals everything under the current master secret, to finish a rotation (see docs/security.md).
func (a *Auth) Reseal(ctx context.Context) error {
	return errors.Join(a.core.Reseal(ctx), a.api.Reseal(ctx))
}

// Schema returns the kinds of records that an application with these options keeps, for stores/transfer.
func (a *Auth) Schema() record.Schema { return a.core.Schema() }

// From returns who the request acts as, behind any of the middlewares; nil when nobody is signed in.
func From(ctx context.Context) *Principal { return core.PrincipalOf(ctx) }

// ClaimsOf returns the custom claims of the access token that authenticated the request.
func ClaimsOf[T any](ctx context.Context) (T, error) { return apiauth.ClaimsOf[T](ctx) }

// Run does the background work (mails, sweeping, key rotation, revocations of other nodes) until ctx ends or Close is
// called. Start it in a goroutine of its own.
func (a *Auth) Run(ctx context.Context) error { return a.core.Run(ctx) }

// Close stops Run, waits for what it was doing, and closes the store.
func (a *Auth) Close() error { return a.core.Close() }
