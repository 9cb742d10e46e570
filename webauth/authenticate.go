package webauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// Authenticate returns who the session cookie of a request acts as. It looks at no other credential. For methods that
// may change something it makes the cross-origin check first. ctx carries the tenant.
//
// Errors: core.ErrUnauthenticated without a good cookie, or with two; core.CodeCSRF; core.ErrUnavailable when the store
// fails.
func (s *Service) Authenticate(ctx context.Context, r *http.Request) (*core.Principal, error) {
	value, err := s.cookieOf(r)
	if err != nil {
		return nil, err
	}
	return s.readSession(ctx, value)
}

// AuthenticateCached is Authenticate for the application's own routes: where there is a SessionCache the session may have
// been read some time ago.
func (s *Service) AuthenticateCached(ctx context.Context, r *http.Request) (*core.Principal, error) {
	if s.cache == nil {
		return s.Authenticate(ctx, r)
	}
	value, err := s.cookieOf(r)
	if err != nil {
		return nil, err
	}
	key := keyOf(tenantOf(ctx), value)
	p, now, ok := s.cache.get(key)
	if ok {
		return p, nil
	}
	seen := s.cache.changes.Load()
	if p, err = s.readSession(ctx, value); err != nil {
		s.cache.drop(key)
		return nil, err
	}
	s.cache.put(key, p, now, seen)
	return p, nil
}

// cookieOf returns the value of the one session cookie of a request that passes the cross-origin check.
func (s *Service) cookieOf(r *http.Request) (string, error) {
	value, has := oneCookie(r, s.cookie)
	if !has {
		return "", core.ErrUnauthenticated
	}
	if err := s.cross.Check(r, s.cookie); err != nil {
		return "", err
	}
	if value == "" {
		return "", core.ErrUnauthenticated
	}
	return value, nil
}

func (s *Service) readSession(ctx context.Context, cookie string) (*core.Principal, error) {
	session, err := s.auth.CheckSession(ctx, cookie)
	if err != nil {
		return nil, err
	}
	return &core.Principal{
		Subject: session.UserID, Kind: core.UserAccount, Tenant: tenantOf(ctx), Via: core.ViaSession, SessionID: session.ID,
		Scopes: session.Scopes, AMR: session.AMR, ACR: session.ACR, AuthTime: session.AuthTime, Expires: session.Expires,
		Session: session,
	}, nil
}

func tenantOf(ctx context.Context) string {
	if tenant := core.TenantOf(ctx); tenant != "" {
		return tenant
	}
	return core.DefaultTenant
}

// RequireSession lets through who is signed in by cookie, and core.PrincipalOf tells who it is. A browser that asks for a
// page is sent to the login page and back, where there are pages; everybody else gets 401 with WWW-Authenticate. A request with another credential beside the cookie gets 400.
func (s *Service) RequireSession(next http.Handler) http.Handler { return s.guard(next, false) }

// Optional lets everybody through, and core.PrincipalOf tells who is signed in by cookie; it is nil for nobody. A cookie
// that is no longer good is nobody's; a foreign page's request and a failing store are refused all the same.
func (s *Service) Optional(next http.Handler) http.Handler { return s.guard(next, true) }

func (s *Service) guard(next http.Handler, optional bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		varyByCookie(w.Header())
		ctx, err := s.entry.Enter(r)
		if err != nil {
			s.errors.Problem(w, r, err)
			return
		}
		p, err := s.cookiePrincipal(ctx, r, s.AuthenticateCached)
		switch {
		case err == nil:
			ctx = core.WithPrincipal(ctx, p)
		case !optional || !errors.Is(err, core.ErrUnauthenticated):
			if err := s.toLogin(w, r, r.URL.RequestURI(), err); err != nil {
				s.errors.Problem(w, r, err)
			}
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// cookieAlone is shared by all answers, with no room for more, so that whoever adds to it gets a copy.
var cookieAlone = []string{"Cookie"}

func varyByCookie(h http.Header) {
	if len(h["Vary"]) > 0 {
		h.Add("Vary", "Cookie")
		return
	}
	h["Vary"] = cookieAlone[:1:1]
}

type authenticator = func(ctx context.Context, r *http.Request) (*core.Principal, error)

// cookiePrincipal authenticates requests that must have no other credential than the cookie.
func (s *Service) cookiePrincipal(ctx context.Context, r *http.Request, authenticate authenticator) (*core.Principal, error) {
	if _, present, _ := wire.BearerToken(r); present && s.HasCookie(r) {
		return nil, errTwoCredentials
	}
	return authenticate(ctx, r)
}

var errTwoCredentials = core.E(core.CodeInvalidRequest, "Send one credential only: a cookie or a header.")

// caller is the person who calls an account endpoint, with the live session that the credential stands for.
type caller struct {
	*core.Principal
	session *core.Session
}

// caller authenticates a request to an account endpoint, by cookie or by access token. An API key, and a program that is
// a subject of its own, has no account to manage; nor has somebody whose row the application has removed.
func (s *Service) caller(r *http.Request) (caller, error) {
	c, err := s.holder(r)
	if err == nil {
		err = s.present(r.Context(), c.Subject)
	}
	if err != nil {
		return caller{}, err
	}
	return c, nil
}

// present makes sure that the person of a live session has an account still.
func (s *Service) present(ctx context.Context, subject string) error {
	there, err := s.auth.UserIsThere(ctx, subject)
	if err == nil && !there {
		err = core.ErrUnauthenticated
	}
	return err
}

// holder is who has the credential of a request to an account endpoint.
func (s *Service) holder(r *http.Request) (caller, error) {
	p, present, err := s.bearer(r.Context(), r)
	switch {
	case present && s.HasCookie(r):
		return caller{}, errTwoCredentials
	case err != nil:
		return caller{}, err
	case present:
		return s.tokenCaller(r.Context(), p)
	}
	if err := s.cross.Check(r, s.cookie); err != nil {
		return caller{}, err
	}
	p, err = s.Authenticate(r.Context(), r)
	if err != nil {
		return caller{}, err
	}
	return caller{p, p.Session}, nil
}

// tokenCaller judges an access token's principal. The session is read, since ending it must stop the token here at once,
// whatever another node has heard of it.
func (s *Service) tokenCaller(ctx context.Context, p *core.Principal) (caller, error) {
	switch {
	case p == nil:
		return caller{}, core.ErrUnauthenticated
	case p.Kind != core.UserAccount:
		return caller{}, core.E(core.CodeForbidden, "Only people have an account to manage.")
	case p.Via != core.ViaJWT:
		return caller{}, core.E(core.CodeForbidden, "An API key cannot manage accounts or keys.")
	}
	session, err := s.auth.Session(ctx, p.SessionID)
	if errors.Is(err, core.ErrNotFound) {
		return caller{}, core.ErrInvalidToken.Wrap(err)
	}
	if err != nil {
		return caller{}, err
	}
	if session.UserID != p.Subject || session.Kind != core.APISession {
		return caller{}, core.ErrInvalidToken
	}
	return caller{p, session}, nil
}
