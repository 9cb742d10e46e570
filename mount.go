package oneauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/core"
)

// Mux is what Mount needs of a router: *http.ServeMux and chi have it.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Mount registers the endpoints: everything below the prefix, and the well-known documents at the root. A
// *http.ServeMux gets its own patterns; any other router gets chi's (/auth/*).
func (a *Auth) Mount(mux Mux) {
	below := a.prefix + "/*"
	if _, std := mux.(*http.ServeMux); std {
		below = a.prefix + "/"
	}
	mux.Handle(below, a)
	mux.Handle("/.well-known/jwks.json", a)
	mux.Handle("/.well-known/oauth-authorization-server", a)
}

// ServeHTTP serves all endpoints, with or without the prefix in front, for routers that Mount does not know.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// RequireSession lets signed-in people through: it takes the session cookie and nothing else.
func (a *Auth) RequireSession(next http.Handler) http.Handler { return a.web.RequireSession(next) }

// Optional lets everybody through, and From tells who it is: by cookie, access token or API key. A bad credential is
// refused all the same.
func (a *Auth) Optional(next http.Handler) http.Handler { return a.any().Optional(next) }

// RequireAuth lets through who is authenticated by any credential: cookie, access token or API key.
func (a *Auth) RequireAuth(next http.Handler) http.Handler { return a.any().ValidateToken(next) }

// RequireScopes lets through who has all the scopes, by any credential: cookie, access token or API key.
func (a *Auth) RequireScopes(scopes ...string) func(http.Handler) http.Handler {
	return a.any().RequireScopes(scopes...)
}

func (a *Auth) any() interface {
	Optional(http.Handler) http.Handler
	ValidateToken(http.Handler) http.Handler
	RequireScopes(...string) func(http.Handler) http.Handler
} {
	return a.api.Middleware().Accept(core.ViaSession, core.ViaJWT, core.ViaAPIKey)
}
