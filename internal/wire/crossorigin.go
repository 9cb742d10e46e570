package wire

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/core"
)

// A CrossOrigin refuses state-changing requests that a foreign page makes a browser send. Set FormToken, if at all,
// before the first Check.
type CrossOrigin struct {
	// FormToken reports whether a form carries the token that our own page gave to this browser. It is asked only for
	// requests with a cookie, without Sec-Fetch-Site, and without Origin or with "null"; nil means that no form carries one.
	FormToken func(*http.Request) bool
	// OwnOf returns the URL of a further origin that is the application's own for this request, that of its tenant; nil
	// where there are none.
	OwnOf func(*http.Request) string

	own     string
	trusted map[string]bool
}

// NewCrossOrigin returns the check for an application at baseURL that also takes requests from pages of the trusted
// origins, each written like https://app.example.
func NewCrossOrigin(baseURL *url.URL, trusted []string) (*CrossOrigin, error) {
	if baseURL == nil {
		return nil, fmt.Errorf("cross-origin check: no base URL")
	}
	own, err := originOf(baseURL)
	if err != nil {
		return nil, fmt.Errorf("cross-origin check: base URL: %w", err)
	}
	c := &CrossOrigin{own: own, trusted: make(map[string]bool)}
	for _, s := range trusted {
		u, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("cross-origin check: trusted origin: %w", err)
		}
		if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
			return nil, fmt.Errorf("cross-origin check: trusted origin %q has more than scheme, host and port", s)
		}
		origin, err := originOf(u)
		if err != nil {
			return nil, fmt.Errorf("cross-origin check: trusted origin %q: %w", s, err)
		}
		c.trusted[origin] = true
	}
	return c, nil
}

// originOf serialises the origin of u as browsers do (RFC 6454 section 6.2).
func originOf(u *url.URL) (string, error) {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme != "https" && scheme != "http" || u.User != nil || u.Opaque != "" {
		return "", fmt.Errorf("must begin with https:// or http:// and have no user")
	}
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || r == '*' || r == '%' }) {
		return "", fmt.Errorf("must have a host in ASCII")
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && (scheme != "https" || port != "443") && (scheme != "http" || port != "80") {
		host += ":" + port
	}
	return scheme + "://" + host, nil
}

// Trusted reports whether origin, as an Origin header has it, is the application's own or a trusted one.
func (c *CrossOrigin) Trusted(origin string) bool { return origin == c.own || c.trusted[origin] }

// Check returns an error of core.CodeCSRF for a request that may change state and may come from a foreign page. cookie
// is the name of the session cookie; those that begin with it and "-" belong to it. GET, HEAD and OPTIONS pass; the
// method is the request line's, and headers that claim another are ignored. Sec-Fetch-Site decides where the browser
// sends it, else Origin, with or without cookies, so that nobody is signed in or up by a foreign page; "null", which a
// page without referrers sends as well as a hostile one, takes a form token. A request with neither header passes without a
// cookie; with one it must be application/json, which no foreign page can send without asking first, or carry a form token.
func (c *CrossOrigin) Check(r *http.Request, cookie string) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	sites, origins := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(sites) > 1 || len(origins) > 1 {
		return core.E(core.CodeCSRF, "The request has two origins.")
	}
	foreign := core.E(core.CodeCSRF, "The request comes from another origin.")
	if len(sites) == 1 {
		switch site := sites[0]; {
		case site == "same-origin" || site == "none":
			return nil
		case (site == "same-site" || site == "cross-site") && len(origins) == 1 && c.trusted[origins[0]]:
			return nil
		}
		return foreign
	}
	if len(origins) == 1 {
		if c.Trusted(origins[0]) || c.isOwnOf(r, origins[0]) {
			return nil
		}
		if origins[0] == "null" && hasCookie(r, cookie) && c.FormToken != nil && c.FormToken(r) {
			return nil
		}
		return foreign
	}
	if !hasCookie(r, cookie) || isJSON(r) || c.FormToken != nil && c.FormToken(r) {
		return nil
	}
	return core.E(core.CodeCSRF, "A request with a cookie must tell its origin, be application/json or carry a form token.")
}

// isOwnOf reports whether origin is that of the request's tenant.
func (c *CrossOrigin) isOwnOf(r *http.Request, origin string) bool {
	if c.OwnOf == nil {
		return false
	}
	u, err := url.Parse(c.OwnOf(r))
	if err != nil {
		return false
	}
	own, err := originOf(u)
	return err == nil && own == origin
}

func hasCookie(r *http.Request, name string) bool {
	for _, cookie := range r.Cookies() {
		if cookie.Name == name || strings.HasPrefix(cookie.Name, name+"-") {
			return true
		}
	}
	return false
}

func isJSON(r *http.Request) bool {
	values := r.Header.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	media, _, err := mime.ParseMediaType(values[0])
	return err == nil && media == mediaJSON
}
