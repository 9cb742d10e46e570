package core

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// redirectFault returns why a redirect URI cannot be registered, or "" (RFC 6749 section 3.1.2, RFC 8252 section 7): it is
// https; http on loopback; or of a private scheme that has a dot, as reversed domain names have, so that nobody registers
// a scheme of the browser's own.
func redirectFault(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return "must be an absolute URI in ASCII"
	case strings.Contains(s, "#") || u.User != nil:
		return "must be without user and fragment"
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return "must have a host"
		}
	case u.Scheme == "http":
		if host := u.Hostname(); host != "localhost" && !isLoopback(host) {
			return "must be https: plain http is for loopback alone"
		}
	case !strings.Contains(u.Scheme, "."):
		return "must be of a private scheme with a dot in it, such as com.example.app"
	}
	return ""
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// MayRedirect reports whether uri is a registered redirect URI of the client: the same bytes. The port of one on loopback
// may be any, since a native app takes what is free (RFC 8252 section 7.3).
func (c *Client) MayRedirect(uri string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return uri == registered || sameLoopback(registered, uri)
	})
}

// sameLoopback reports whether two http URIs with a loopback address differ in nothing but the port.
func sameLoopback(registered, uri string) bool {
	r, err := url.Parse(registered)
	if err != nil || r.Scheme != "http" || !isLoopback(r.Hostname()) {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil || !isPort(u.Port()) {
		return false
	}
	r.Host = strings.TrimSuffix(r.Host, ":"+r.Port()) + ":" + u.Port()
	return r.String() == uri
}

// isPort reports whether a port can be listened on, in the one way to write it.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}
