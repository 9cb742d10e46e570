package wire

import (
	"net/http"
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
	Handle func(w http.ResponseWriter, r *http.Request) error
}

// Router serves routes below a path prefix, and the root ones at the root. It also serves requests whose prefix somebody
// took off on the way. Unknown paths and methods are answered in the form of the contract.
type Router struct {
	prefix string
	mux    *http.ServeMux
	errors ErrorWriter
	entry  *Entry
}

// NewRouter checks and registers the routes.
func NewRouter(prefix string, entry *Entry, errors ErrorWriter, routes []Route) *Router {
	rt := &Router{prefix: prefix, mux: http.NewServeMux(), errors: errors, entry: entry}
	methods := map[string][]string{}
	for _, route := range routes {
		methods[route.Path] = append(methods[route.Path], route.Method)
		rt.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
			rt.serve(w, r, route)
		})
	}
	for path, allowed := range methods {
		rt.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			rt.errors.Problem(w, r, core.E(core.CodeMethodNotAllowed, ""))
		})
	}
	rt.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		rt.errors.Problem(w, r, core.ErrNotFound)
	})
	return rt
}

func (rt *Router) serve(w http.ResponseWriter, r *http.Request, route Route) {
	ctx, err := rt.entry.Enter(r)
	if err == nil {
		err = route.Handle(w, r.WithContext(ctx))
	}
	switch {
	case err == nil:
	case route.OAuth:
		rt.errors.OAuthError(w, r, err)
	default:
		rt.errors.Problem(w, r, err)
	}
}

// ServeHTTP takes the prefix off, if it is there, and serves the route.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	path, stripped := strings.CutPrefix(r.URL.Path, rt.prefix)
	if !stripped || path != "" && path[0] != '/' {
		rt.mux.ServeHTTP(w, r)
		return
	}
	if path == "" {
		path = "/"
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = path, ""
	rt.mux.ServeHTTP(w, inner)
}
