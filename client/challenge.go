package client

import (
	"net/http"
	"strings"
)

const maxChallenges = 4 << 10 // bytes of one WWW-Authenticate that are looked at

// bearerChallenge returns the parameters of the Bearer challenge among the WWW-Authenticate headers (RFC 9110 section
// 11.6.1, RFC 6750 section 3). Names are in lower case. Of several Bearer challenges the first counts, and so does the
// first of a parameter that comes twice.
func bearerChallenge(h http.Header) (map[string]string, bool) {
	for _, value := range h["Www-Authenticate"] {
		if params, ok := findBearer(value[:min(len(value), maxChallenges)]); ok {
			return params, true
		}
	}
	return nil, false
}

// findBearer walks through the challenges of one header. A list of challenges and the list of one challenge's parameters
// are both separated by commas: a token with "=" after it is a parameter, and any other begins a challenge.
func findBearer(s string) (params map[string]string, found bool) {
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return params, found
		}
		name, rest := token(s)
		if name == "" {
			return params, found // not of this grammar: what was read so far counts
		}
		after := strings.TrimLeft(rest, " \t")
		if value, ok := strings.CutPrefix(after, "="); ok && !isToken68(name, rest) {
			value, s = paramValue(strings.TrimLeft(value, " \t"))
			if name = strings.ToLower(name); found {
				if _, twice := params[name]; !twice {
					params[name] = value
				}
			}
			continue
		}
		switch {
		case found:
			return params, true // the next challenge
		case strings.EqualFold(name, "Bearer"):
			params, found = map[string]string{}, true
			s = rest
		default:
			s = skipToken68(rest)
		}
	}
}

// token cuts a token (RFC 9110 section 5.6.2) off the front.
func token(s string) (name, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// paramValue cuts a parameter's value, token or quoted-string, off the front.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return token(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// isToken68 reports whether name, followed by rest, is the padded token68 of a challenge and no parameter.
func isToken68(name, rest string) bool {
	tail := strings.TrimLeft(rest, "=")
	return name != "" && len(tail) < len(rest) && (tail == "" || strings.HasPrefix(strings.TrimLeft(tail, " \t"), ","))
}

// skipToken68 skips what follows the scheme of a challenge that is not ours, when that is a token68.
func skipToken68(s string) string {
	trimmed := strings.TrimLeft(s, " \t")
	end := strings.IndexAny(trimmed, ", \t\"")
	if end < 0 {
		end = len(trimmed)
	}
	word := strings.TrimRight(trimmed[:end], "=")
	if word == "" || strings.Contains(word, "=") || trimmed == s {
		return s
	}
	after := strings.TrimLeft(trimmed[end:], " \t")
	if len(word) < end || after == "" || strings.HasPrefix(after, ",") {
		return trimmed[end:]
	}
	return s
}
