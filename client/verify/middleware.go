package verify

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// RequireToken lets requests with a valid token through, whose handlers find the claims by [From]. The token comes in the
// Authorization header (RFC 6750 section 2.1) or, with introspection, an API key in X-API-Key. Others are answered with
// application/problem+json (RFC 9457): 401 with a challenge, 400 for a malformed header or two credentials, and 503 when
// the issuer could not be asked.
func (v *Verifier) RequireToken(next http.Handler) http.Handler { return v.RequireScopes()(next) }

// RequireScopes is [Verifier.RequireToken] for tokens that have all the scopes; without one it answers 403
// insufficient_scope.
func (v *Verifier) RequireScopes(scopes ...string) func(http.Handler) http.Handler {
	scopes = slices.Clone(scopes)
	needed := strings.Join(scopes, " ")
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, refused := v.authenticate(r)
			if refused == nil && !claims.HasScopes(scopes...) {
				refused = &refusal{
					status: http.StatusForbidden, code: "insufficient_scope", title: "The credential lacks a scope",
					challenge: `error="insufficient_scope", scope="` + printable(needed) + `"`,
				}
			}
			if refused != nil {
				v.refuse(w, refused)
				return
			}
			next.ServeHTTP(w, r.WithContext(WithClaims(r.Context(), claims)))
		})
	}
}

// refusal is an answer to a request that is not let through.
type refusal struct {
	status    int
	code      string
	title     string
	challenge string // parameters after the realm; with "-" there is no challenge
}

var (
	unauthenticated = &refusal{status: http.StatusUnauthorized, code: "unauthenticated", title: "Sign in first"}
	invalidToken    = &refusal{
		status: http.StatusUnauthorized, code: "invalid_token", title: "The token is not valid", challenge: `error="invalid_token"`,
	}
	malformed = &refusal{
		status: http.StatusBadRequest, code: "invalid_request", title: "The request cannot be read", challenge: "-",
	}
	unavailable = &refusal{
		status: http.StatusServiceUnavailable, code: "temporarily_unavailable", title: "Try again later", challenge: "-",
	}
)

// authenticate finds the request's one credential and verifies it.
func (v *Verifier) authenticate(r *http.Request) (*Claims, *refusal) {
	token, refused := v.credential(r.Header["Authorization"], r.Header["X-Api-Key"])
	if refused != nil {
		return nil, refused
	}
	claims, err := v.Verify(r.Context(), token)
	switch {
	case err == nil:
		return claims, nil // so it was well-formed
	case !isToken(token):
		return nil, malformed
	case errors.Is(err, ErrInvalidToken):
		return nil, invalidToken
	}
	return nil, unavailable
}

// credential takes the token out of the headers.
func (v *Verifier) credential(authorization, keys []string) (string, *refusal) {
	if v.cfg.Introspection == nil {
		keys = nil // only the issuer can judge them
	}
	switch len(authorization) + len(keys) {
	case 0:
		return "", unauthenticated
	case 1:
	default:
		return "", malformed
	}
	if len(keys) == 1 {
		return keys[0], nil
	}
	scheme, rest, _ := strings.Cut(authorization[0], " ")
	if scheme == "" {
		return "", malformed
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", unauthenticated
	}
	return strings.TrimLeft(rest, " "), nil
}

// problem is the body of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
}

func (v *Verifier) refuse(w http.ResponseWriter, why *refusal) {
	h := w.Header()
	if why.challenge != "-" {
		challenge := `Bearer realm="` + printable(v.cfg.Realm) + `"`
		if why.challenge != "" {
			challenge += ", " + why.challenge
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if why.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(why.status)
	// A client that has gone cannot be told.
	_ = json.NewEncoder(w).Encode(problem{"urn:oneauth:error:" + why.code, why.title, why.status, why.code})
}

// printable leaves out what a quoted-string would have to escape (RFC 9110 section 5.6.4).
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
}
