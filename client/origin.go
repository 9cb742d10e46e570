package client

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// origin is a scheme and a host with a port, as RFC 6454 section 4 compares them.
type origin struct{ scheme, host string }

// String is the origin as people write it.
func (o origin) String() string { return o.scheme + "://" + o.host }

// parseOrigin reads an origin to which tokens may go: https, or plain http on loopback.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return origin{}, errors.New("it is no URL")
	case u.User != nil:
		return origin{}, errors.New("it has a user")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return origin{}, errors.New("it must be an origin, such as https://app.example")
	}
	if err := checkSecure(u); err != nil {
		return origin{}, err
	}
	return originOf(u), nil
}

// checkSecure refuses URLs on the way to which others may read along.
func checkSecure(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return errors.New("it has no host")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("plain http is for loopback only: use https")
	}
	return fmt.Errorf("its scheme is %q, not https", u.Scheme)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// originOf returns the origin of a URL: lower case, without the default port.
func originOf(u *url.URL) origin {
	host, scheme := strings.ToLower(u.Host), strings.ToLower(u.Scheme)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return origin{scheme, strings.TrimSuffix(host, ":")}
}

// origins are where access tokens may go.
type origins []origin

// have reports whether a request to u may carry the token.
func (all origins) have(u *url.URL) bool {
	for _, o := range all {
		if u.Scheme == o.scheme && u.Host == o.host {
			return true
		}
	}
	of := originOf(u)
	for _, o := range all {
		if of == o {
			return true
		}
	}
	return false
}
