package webauth

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

const (
	maxCookie  = 256 // bytes of a value; ours have 74
	maxPlanted = 4   // cookies of one name that are looked at
)

// cookieValues collects eachCookie.
func cookieValues(h http.Header, name string) []string { return slices.Collect(eachCookie(h, name)) }

// eachCookie yields the values that a request has for a cookie name (RFC 6265 section 5.4), as they were sent, at most
// maxPlanted of them. Empty ones do not count: that is how some clients send a cookie that was cleared.
func eachCookie(h http.Header, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := 0
		for _, line := range h["Cookie"] {
			for more := true; more && n < maxPlanted; {
				var pair string
				pair, line, more = strings.Cut(line, ";")
				key, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				if key != name || value == "" {
					continue
				}
				if n++; !yield(value) {
					return
				}
			}
		}
	}
}

// oneCookie returns the value of a cookie that the request has once and that is not absurdly long, else "". has tells
// whether there is any.
func oneCookie(r *http.Request, name string) (value string, has bool) {
	for v := range eachCookie(r.Header, name) {
		if has {
			return "", true
		}
		value, has = v, true
	}
	if len(value) > maxCookie {
		return "", true
	}
	return value, has
}

// HasCookie reports whether the request brings a session cookie, good or bad.
func (s *Service) HasCookie(r *http.Request) bool {
	_, has := oneCookie(r, s.cookie)
	return has
}

// SetCookie gives the browser the secret of a session that was just minted for it. It stays when the browser is closed
// only if the person asked to be remembered, and then until the session's absolute end.
func (s *Service) SetCookie(w http.ResponseWriter, in *core.SignedIn) {
	s.setSession(w, in.Cookie, in.Session)
}

func (s *Service) setSession(w http.ResponseWriter, value string, session *core.Session) {
	c := s.newCookie(s.cookie, value)
	if session.Remember {
		s.keep(c, session.EndsAt)
	}
	http.SetCookie(w, c)
}

// setAttempt gives the browser what binds a sign-in under way to it.
func (s *Service) setAttempt(w http.ResponseWriter, value string, a *core.Attempt) {
	c := s.newCookie(s.attemptCookie(), value)
	s.keep(c, a.Expires)
	http.SetCookie(w, c)
}

func (s *Service) attemptCookie() string { return s.cookie + "-attempt" }

func (s *Service) clearCookie(w http.ResponseWriter, name string) {
	c := s.newCookie(name, "")
	c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	http.SetCookie(w, c)
}

func (s *Service) newCookie(name, value string) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// keep lets a cookie outlive the browser's window, until a time.
func (s *Service) keep(c *http.Cookie, until time.Time) {
	c.Expires = until
	c.MaxAge = max(1, int(until.Sub(s.auth.Env().Now())/time.Second))
}
