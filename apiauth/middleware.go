package apiauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// APIMiddleware authenticates requests before an application's handlers, which find the principal with
// core.PrincipalOf. Failures are answered after RFC 6750 section 3 and RFC 9457.
type APIMiddleware struct {
	service *Service
	jwt     bool
	apiKey  bool
	session bool
}

// Middleware returns the middleware that takes access tokens and API keys.
func (s *Service) Middleware() *APIMiddleware {
	return &APIMiddleware{service: s, jwt: true, apiKey: true}
}

// Accept returns a copy that takes these kinds of credentials and no others. Where the session cookie is one of them, a
// request with a cookie and a header credential is refused with 400, since it says twice who it is; where it is not, a
// cookie means nothing.
func (m *APIMiddleware) Accept(kinds ...core.Via) *APIMiddleware {
	return &APIMiddleware{
		service: m.service,
		jwt:     slices.Contains(kinds, core.ViaJWT),
		apiKey:  slices.Contains(kinds, core.ViaAPIKey),
		session: slices.Contains(kinds, core.ViaSession),
	}
}

// ValidateToken lets authenticated requests through, and answers others with 401.
func (m *APIMiddleware) ValidateToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, p, err := m.authenticate(r)
		if err != nil {
			m.service.opt.Errors.Problem(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(core.WithPrincipal(ctx, p)))
	})
}

// Optional lets everybody through. A header credential that is bad is refused all the same; a session cookie that is no
// longer good counts as none, since browsers send it unasked.
func (m *APIMiddleware) Optional(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, p, err := m.authenticate(r)
		if errors.Is(err, core.ErrUnauthenticated) && !hasHeader(r) {
			next.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		if err != nil {
			m.service.opt.Errors.Problem(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(core.WithPrincipal(ctx, p)))
	})
}

// RequireScopes lets authenticated requests through whose credential has all the scopes, and answers others with 401 or
// 403 insufficient_scope.
func (m *APIMiddleware) RequireScopes(scopes ...string) func(http.Handler) http.Handler {
	needed := strings.Join(scopes, " ")
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, p, err := m.authenticate(r)
			if err == nil {
				for _, scope := range scopes {
					if !p.HasScope(scope) {
						err = &core.Error{Code: core.CodeInsufficientScope, Scope: needed}
					}
				}
			}
			if err != nil {
				m.service.opt.Errors.Problem(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(core.WithPrincipal(ctx, p)))
		})
	}
}

// hasHeader reports whether a request tries to authenticate by header.
func hasHeader(r *http.Request) bool {
	return len(r.Header["Authorization"]) > 0 || len(r.Header["X-Api-Key"]) > 0
}

// authenticate finds the request's one credential and judges it. The context, which has the tenant, is there whenever
// the tenant is known.
func (m *APIMiddleware) authenticate(r *http.Request) (context.Context, *core.Principal, error) {
	s, authorization, keys := m.service, r.Header["Authorization"], r.Header["X-Api-Key"]
	if len(authorization) == 0 && len(keys) == 0 {
		return m.bySession(r)
	}
	ctx, err := s.opt.Entry.Tenanted(r)
	if err != nil {
		return nil, nil, err
	}
	if m.session && s.opt.HasSessionCookie != nil && s.opt.HasSessionCookie(r) {
		return ctx, nil, core.E(core.CodeInvalidRequest, "Send one credential only.")
	}
	if token := plainToken(authorization, keys); token != "" && m.jwt {
		p, err := s.Authenticate(ctx, Credential{Bearer: token})
		if err != nil {
			if _, _, malformed := wire.BearerToken(r); malformed != nil {
				err = malformed
			}
		}
		return ctx, p, err
	}
	token, _, err := wire.BearerToken(r)
	if err != nil {
		return ctx, nil, err
	}
	c := Credential{Bearer: token}
	if len(keys) > 0 {
		c = Credential{APIKey: token}
	}
	kind := via(token)
	if kind == core.ViaJWT && (!m.jwt || c.APIKey != "") || kind == core.ViaAPIKey && !m.apiKey {
		return ctx, nil, core.E(core.CodeInvalidToken, "This kind of credential is not accepted here.")
	}
	p, err := s.Authenticate(ctx, c)
	return ctx, p, err
}

// plainToken returns what follows "Bearer " in the one header that there is, when it may be an access token. It is not
// parsed further, since verifying it shows at once whether it is well-formed. Other forms go the long way.
func plainToken(authorization, keys []string) string {
	const scheme = "Bearer "
	if len(authorization) != 1 || len(keys) != 0 {
		return ""
	}
	token, ok := strings.CutPrefix(authorization[0], scheme)
	if !ok || token == "" || token[0] == ' ' || via(token) != core.ViaJWT {
		return ""
	}
	return token
}

// bySession takes the session cookie, where it is accepted.
func (m *APIMiddleware) bySession(r *http.Request) (context.Context, *core.Principal, error) {
	ctx, err := m.service.opt.Entry.Enter(r)
	if err != nil {
		return nil, nil, err
	}
	if !m.session || m.service.opt.Session == nil {
		return ctx, nil, core.ErrUnauthenticated
	}
	p, err := m.service.opt.Session(ctx, r)
	return ctx, p, err
}
