package wire

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/oneauth-go/oneauth/core"
)

// Route is one row of the wire contract. Its handler gets a request whose context has tenant and origin, and either
// answers or returns an error, having written nothing.
type Route struct {
	Method string // one method; GET serves HEAD too
	Path   string // as in http.ServeMux, without the prefix: /sessions/{id}
	OAuth  bool   // errors in the form of RFC 6749 instead of RFC 9457
	Root   bool   // at the root of the issuer, not under the prefix
	Public bool   // the same for everybody: read by pages of every origin, and at hosts of no tenant, such as the issuer's
	Handle func(w http.ResponseWriter, r *http.Request) error
}

// Router serves routes below a path prefix, and the root ones at the root. It also serves requests whose prefix somebody
// took off on the way. Unknown paths and methods are answered in the form of the contract.
type Router struct {
	prefix string
	mux    *http.ServeMux
	errors ErrorWriter
	entry  *Entry
	cross  *CrossOrigin
	page   func(w http.ResponseWriter, r *http.Request, err error) bool
	oauth  map[string]bool // paths whose errors have the form of RFC 6749
}

// NewRouter checks and registers the routes.
func NewRouter(prefix string, entry *Entry, errors ErrorWriter, routes []Route) *Router {
	rt := &Router{prefix: prefix, mux: http.NewServeMux(), errors: errors, entry: entry, oauth: map[string]bool{}}
	for _, route := range routes {
		rt.oauth[route.Path] = route.OAuth
		rt.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
			rt.serve(w, r, route)
		})
	}
	rt.mux.HandleFunc("/", rt.unknown)
	return rt
}

// AllowOrigins lets pages of the origins that c trusts call the routes and read their answers; see [CrossOrigin.CORS].
// Call it before the first request.
func (rt *Router) AllowOrigins(c *CrossOrigin) { rt.cross = c }

// ErrorPages lets page answer people with errors of requests that are no forms; it reports whether it has. Programs, and
// all endpoints that always answer JSON, get theirs as ever. Call it before the first request.
func (rt *Router) ErrorPages(page func(w http.ResponseWriter, r *http.Request, err error) bool) {
	rt.page = page
}

// problem answers with an error, as a page where a person asks for one.
func (rt *Router) problem(w http.ResponseWriter, r *http.Request, err error) {
	if rt.page == nil || !WantsHTML(r) || rt.alwaysJSON(r.URL.Path) || !rt.page(w, r, err) {
		rt.errors.Problem(w, r, err)
	}
}

// alwaysJSON reports whether a path, without the prefix, is for programs alone.
func (rt *Router) alwaysJSON(path string) bool {
	return rt.oauth[path] || path == "/jwks.json" || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/.well-known/")
}

// unknown answers what no route matches: 405 where another method would do, else 404.
func (rt *Router) unknown(w http.ResponseWriter, r *http.Request) {
	methods := rt.methods(r)
	allowed := strings.Join(methods, ", ")
	switch {
	case allowed == "":
		rt.problem(w, r, core.ErrNotFound)
	case isPreflight(r) && w.Header().Get("Access-Control-Allow-Origin") != "":
		rt.preflight(w, r, allowed)
	default:
		if methods[0] == http.MethodGet {
			allowed = strings.Replace(allowed, http.MethodGet, "GET, HEAD", 1)
		}
		w.Header().Set("Allow", allowed)
		if rt.oauth[r.URL.Path] {
			rt.errors.OAuthError(w, r, core.E(core.CodeMethodNotAllowed, ""))
			return
		}
		rt.problem(w, r, core.E(core.CodeMethodNotAllowed, ""))
	}
}

// preflight tells a page of a trusted origin what it may send to a path.
func (rt *Router) preflight(w http.ResponseWriter, r *http.Request, methods string) {
	if _, err := rt.entry.Tenanted(r); err != nil {
		rt.errors.Problem(w, r, err)
		return
	}
	answerPreflight(w, methods, corsRequestHeaders)
}

// methods returns those that the path of r has routes for.
func (rt *Router) methods(r *http.Request) (allowed []string) {
	probe := *r
	for _, probe.Method = range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if _, pattern := rt.mux.Handler(&probe); pattern != "/" {
			allowed = append(allowed, probe.Method)
		}
	}
	return allowed
}

func (rt *Router) serve(w http.ResponseWriter, r *http.Request, route Route) {
	if route.Public && w.Header().Get("Access-Control-Allow-Origin") == "" {
		exposeToAll(w)
	}
	ctx, err := rt.entry.Enter(r)
	if route.Public && errors.Is(err, core.ErrTenantRequired) {
		ctx, err = r.Context(), nil
	}
	if err == nil {
		err = route.Handle(w, r.WithContext(ctx))
	}
	switch {
	case err == nil:
	case route.OAuth:
		rt.errors.OAuthError(w, r, err)
	default:
		rt.problem(w, r, err)
	}
}

// ServeHTTP takes the prefix off, if it is there, and serves the route. A path that is not clean names nothing: it is
// not redirected, since what somebody took off it could not be put back.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if rt.cross != nil {
		rt.cross.expose(w, r)
	}
	inside, below := strings.CutPrefix(r.URL.Path, rt.prefix)
	if !below || inside != "" && inside[0] != '/' {
		inside = r.URL.Path
	}
	if inside == "" {
		inside = "/"
	}
	inner := *r
	inner.URL = &url.URL{Path: inside, RawQuery: r.URL.RawQuery}
	if path.Clean(inside) != inside {
		rt.problem(w, &inner, core.ErrNotFound)
		return
	}
	rt.mux.ServeHTTP(w, &inner)
}
