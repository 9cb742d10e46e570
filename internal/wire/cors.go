package wire

import (
	"net/http"
	"slices"
	"strings"
)

// What pages of trusted origins may send to the endpoints, and read of their answers beside the body.
const (
	corsRequestHeaders  = "Content-Type, Authorization, X-API-Key"
	corsResponseHeaders = "WWW-Authenticate, Retry-After"
	corsMaxAge          = "7200" // seconds; no browser remembers much longer
	corsMethods         = "GET, HEAD, POST, PUT, PATCH, DELETE"
)

// CORS lets pages of the trusted origins call next with their cookies or tokens and read every answer, errors included
// (Fetch Standard, section 3.3). It answers their preflight requests itself, so put it outside whatever asks for a
// credential, which a preflight never has. Other origins get no header, so their browsers keep the answer from them;
// "null" is never an origin that is trusted. It does not replace Check, since what a request does is done whether or not
// its answer may be read.
func (c *CrossOrigin) CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.expose(w, r) || !isPreflight(r) {
			next.ServeHTTP(w, r)
			return
		}
		headers := corsRequestHeaders
		if asked := r.Header.Values("Access-Control-Request-Headers"); len(asked) == 1 && isHeaderList(asked[0]) {
			headers = asked[0]
		}
		answerPreflight(w, corsMethods, headers)
	})
}

// expose lets the page that sends r read the answer, if its origin is trusted, and reports whether it is.
func (c *CrossOrigin) expose(w http.ResponseWriter, r *http.Request) bool {
	if len(c.trusted) == 0 {
		return false
	}
	h := w.Header()
	if !slices.Contains(h["Vary"], "Origin") {
		h.Add("Vary", "Origin")
	}
	origins := r.Header.Values("Origin")
	if len(origins) != 1 || !c.trusted[origins[0]] {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origins[0])
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", corsResponseHeaders)
	return true
}

// exposeToAll lets every page read what is public anyway, without credentials.
func exposeToAll(w http.ResponseWriter) { w.Header().Set("Access-Control-Allow-Origin", "*") }

// isPreflight reports whether a browser asks on behalf of a page whether it may send another request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) == 1 &&
		len(r.Header["Access-Control-Request-Method"]) == 1
}

// answerPreflight says what may be sent, after expose has said by whom.
func answerPreflight(w http.ResponseWriter, methods, headers string) {
	h := w.Header()
	h.Del("Access-Control-Expose-Headers")
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}

// isHeaderList reports a list of header names as browsers send it, of a length that is no burden to repeat.
func isHeaderList(s string) bool {
	return s != "" && len(s) <= 1024 && !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_, ", c))
	})
}
