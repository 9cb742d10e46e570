package jwt

import (
	"slices"
	"strings"
)

// registered are the claims that [Claims] has fields for.
var registered = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti",
	"sid", "client_id", "scope", "tid", "auth_time", "amr", "acr",
}

// reserved are the names that a custom claim may not have.
var reserved = append(slices.Clip(registered), "act", "cnf", "org", "roles", "groups")

// headerNames are the header parameters that this package interprets or refuses.
var headerNames = append([]string{"alg", "kid", "typ"}, refusedHeaders...)

// refusedHeaders are the header parameters that no token may have, whatever their value: extensions that must be
// understood (crit, b64), compression and encryption (zip, enc), and keys or places of keys that the sender chose (jwk,
// jku, x5u, x5c).
var refusedHeaders = []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}

// ReservedClaims returns the names that custom claims may not have, in any mixture of case: the registered claims and
// those that the authorisation server alone may state (act, cnf, org, roles, groups).
func ReservedClaims() []string { return slices.Clone(reserved) }

// IsReserved reports whether a custom claim may not have this name.
func IsReserved(name string) bool {
	return slices.Contains(reserved, name) || variantOf(reserved, name)
}

// variantOf reports whether name differs from one of names, but only in case (Unicode simple folding, which is how
// encoding/json matches members to fields).
func variantOf(names []string, name string) bool {
	ascii := isASCII(name)
	for _, known := range names {
		if ascii && len(known) != len(name) {
			continue
		}
		if strings.EqualFold(known, name) && known != name {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// rememberTop notes the name of a top-level member that is not one of known, and refuses it where it differs from a
// known name, or from another top-level name, in nothing but case.
func (s *scanner) rememberTop(known []string, name string) {
	if variantOf(known, name) {
		s.fail(ErrMalformed, "member differs from a known one only in case")
		return
	}
	s.remember(0, name, strings.EqualFold)
}
