package jwt_test

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

var (
	knownHeaders  = []string{"alg", "kid", "typ", "crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"}
	knownClaims   = append(append(slices.Clone(stringClaims), dateClaims...), "aud", "amr", "act", "cnf", "org", "roles", "groups")
	stringClaims  = []string{"iss", "sub", "jti", "sid", "client_id", "scope", "tid", "acr"}
	dateClaims    = []string{"exp", "nbf", "iat", "auth_time"}
	requiredText  = []string{"sub", "client_id", "jti"}
	jsonEscape    = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}|\\.`)
	acceptedTypes = []string{"at+jwt", "application/at+jwt"}
)

// brokenRule names the rule of the package comment that a token which golang-jwt accepts breaks; "" if none.
func brokenRule(token string, arrays bool) string {
	segments := strings.Split(token, ".")
	if len(token) > jwt.DefaultMaxBytes || len(segments[0]) > jwt.MaxHeaderBytes {
		return "size"
	}
	if strings.ContainsAny(token, "\r\n") {
		return "line break in the token"
	}
	header, _ := base64.RawURLEncoding.DecodeString(segments[0])
	payload, _ := base64.RawURLEncoding.DecodeString(segments[1])
	if rule := brokenJSON(string(header), knownHeaders); rule != "" {
		return "header: " + rule
	}
	if rule := brokenHeader(header); rule != "" {
		return rule
	}
	if rule := brokenJSON(string(payload), knownClaims); rule != "" {
		return "payload: " + rule
	}
	return brokenClaims(payload, arrays)
}

func brokenHeader(text []byte) string {
	var header map[string]any
	if err := json.Unmarshal(text, &header); err != nil {
		return err.Error()
	}
	for _, name := range []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"} {
		if _, has := header[name]; has {
			return name + " in the header"
		}
	}
	typ, _ := header["typ"].(string)
	ascii := strings.IndexFunc(typ, func(r rune) bool { return r > 127 }) < 0
	if !ascii || !slices.Contains(acceptedTypes, strings.ToLower(typ)) {
		return "typ"
	}
	return ""
}

func brokenClaims(text []byte, arrays bool) string {
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		return err.Error()
	}
	for _, name := range stringClaims {
		if v, has := claims[name]; has && !isA[string](v) {
			return name + " is not a string"
		}
	}
	for _, name := range dateClaims {
		v, has := claims[name]
		if f, number := v.(float64); has && (!number || f < 0 || f > 253402300799.99997) {
			return name + " is not a date up to the year 9999"
		}
	}
	if list, has := claims["amr"]; has {
		items, array := list.([]any)
		if !array || slices.ContainsFunc(items, func(v any) bool { return !isA[string](v) }) {
			return "amr is not an array of strings"
		}
	}
	if !arrays && !isA[string](claims["aud"]) {
		return "aud is an array"
	}
	for _, name := range requiredText {
		if claims[name] == nil || claims[name] == "" {
			return name + " is missing"
		}
	}
	if iat, _ := claims["iat"].(float64); iat < 1 {
		return "iat is missing"
	}
	return ""
}

func isA[T any](v any) bool { _, ok := v.(T); return ok }

// brokenJSON names the rule on JSON texts that a valid text breaks.
func brokenJSON(text string, known []string) string {
	if !utf8.ValidString(text) {
		return "not UTF-8"
	}
	if loneSurrogate(text) {
		return "half a surrogate pair"
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return brokenValue(dec, 0, known)
}

// brokenValue walks one value by its tokens, which, unlike a map, keep duplicates.
func brokenValue(dec *json.Decoder, depth int, known []string) string {
	token, err := dec.Token()
	if err != nil {
		return err.Error()
	}
	open, composite := token.(json.Delim)
	if !composite {
		return ""
	}
	if depth == jwt.MaxDepth {
		return "depth"
	}
	var names []string
	for dec.More() {
		if open == '{' {
			name, _ := dec.Token()
			names = append(names, name.(string))
		}
		if rule := brokenValue(dec, depth+1, known); rule != "" {
			return rule
		}
	}
	_, _ = dec.Token()
	return brokenNames(names, depth == 0, known)
}

func brokenNames(names []string, top bool, known []string) string {
	if len(names) > jwt.MaxMembers {
		return "too many members"
	}
	for i, a := range names {
		for _, b := range names[:i] {
			if a == b || top && strings.EqualFold(a, b) {
				return "duplicate member"
			}
		}
		for _, k := range known {
			if top && a != k && strings.EqualFold(a, k) {
				return "member in another case than " + k
			}
		}
	}
	return ""
}

// loneSurrogate reports whether a valid JSON text escapes half a surrogate pair.
func loneSurrogate(text string) bool {
	end, high := -1, false // where the escape before ended, and whether it was a first half
	for _, at := range jsonEscape.FindAllStringIndex(text, -1) {
		code := uint64(0)
		if text[at[0]+1] == 'u' {
			code, _ = strconv.ParseUint(text[at[0]+2:at[1]], 16, 16)
		}
		second := code >= 0xDC00 && code <= 0xDFFF
		if high && (at[0] != end || !second) || second && !(high && at[0] == end) {
			return true
		}
		end, high = at[1], code >= 0xD800 && code <= 0xDBFF
	}
	return high
}
