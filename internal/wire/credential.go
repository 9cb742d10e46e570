package wire

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core"
)

// maxToken bounds a token in bytes; no token that OneAuth issues comes near.
const maxToken = 8 << 10

// errBearer marks requests whose bearer credential is malformed: the answer has a challenge (RFC 6750 section 3.1).
var errBearer = errors.New("malformed bearer credential")

// BearerToken returns the token of the Authorization header (RFC 6750 section 2.1) or of X-API-Key. It never looks at
// query, body or cookies. present says that the request tried to authenticate by header at all: then a cookie must not
// be used instead, whatever err says. Errors are core.CodeInvalidRequest for a malformed header, a header that comes
// twice, and both headers in one request; core.CodeUnauthenticated for another scheme than Bearer.
func BearerToken(r *http.Request) (token string, present bool, err error) {
	authorization, keys := r.Header.Values("Authorization"), r.Header.Values("X-Api-Key")
	switch len(authorization) + len(keys) {
	case 0:
		return "", false, nil
	case 1:
	default:
		return "", true, core.E(core.CodeInvalidRequest, "Send one credential only.").Wrap(errBearer)
	}
	if len(keys) == 1 {
		token = keys[0]
	} else {
		scheme, rest, _ := strings.Cut(authorization[0], " ")
		if scheme == "" {
			return "", true, core.E(core.CodeInvalidRequest, "The Authorization header is malformed.").Wrap(errBearer)
		}
		if !strings.EqualFold(scheme, "Bearer") {
			return "", true, core.E(core.CodeUnauthenticated, "The Authorization header must be of the Bearer scheme.")
		}
		token = strings.TrimLeft(rest, " ")
	}
	if !isToken68(token) {
		return "", true, core.E(core.CodeInvalidRequest, "The token is malformed.").Wrap(errBearer)
	}
	return token, true, nil
}

// isToken68 reports whether s is a b64token of RFC 6750 section 2.1, which RFC 9110 calls token68.
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" || len(s) > maxToken {
		return false
	}
	for i := 0; i < len(body); i++ {
		c := body[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return true
}

// BasicAuth returns the client id and secret of an Authorization header of the Basic scheme, each form-decoded after
// RFC 6749 section 2.3.1. present is false without a header and for other schemes. Errors are core.CodeInvalidRequest
// for several headers, core.CodeInvalidClient for a malformed one.
func BasicAuth(r *http.Request) (id, secret string, present bool, err error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", "", false, nil
	}
	if len(headers) > 1 {
		return "", "", true, core.E(core.CodeInvalidRequest, "Send one credential only.")
	}
	scheme, rest, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false, nil
	}
	malformed := core.E(core.CodeInvalidClient, "The Authorization header is malformed.")
	pair, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(rest, " "))
	if err != nil || len(rest) > maxToken {
		return "", "", true, malformed
	}
	rawID, rawSecret, found := strings.Cut(string(pair), ":")
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	if !found || id == "" || errID != nil || errSecret != nil || !isText(id) || !isText(secret) {
		return "", "", true, malformed
	}
	return id, secret, true, nil
}

// isText reports valid UTF-8 without control characters (RFC 7617 section 2).
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
