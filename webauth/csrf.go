package webauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net/http"

	"github.com/oneauth-go/oneauth/internal/wire"
)

// FormTokenField is the name of the form parameter that carries the token of [Service.FormToken].
const FormTokenField = "form_token"

var b64 = base64.RawURLEncoding.Strict()

// FormToken returns what a page puts into a hidden field called [FormTokenField], so that its forms work from browsers
// that tell neither Sec-Fetch-Site nor Origin. It is bound to the cookie of r, whose page it is, dies with it, and
// differs each time, so that a compressed page does not give it away. Without a cookie none is needed: it is empty.
func (s *Service) FormToken(r *http.Request) string {
	mac := s.formMAC(r)
	if mac == nil {
		return ""
	}
	token := make([]byte, 2*sha256.Size)
	mask, masked := token[:sha256.Size], token[sha256.Size:]
	if _, err := io.ReadFull(s.auth.Env().Rand, mask); err != nil {
		return "" // the form will be refused
	}
	subtle.XORBytes(masked, mac, mask)
	return b64.EncodeToString(token)
}

// hasFormToken reports whether the form that r brings carries the token of its own cookie.
func (s *Service) hasFormToken(r *http.Request) bool {
	mac := s.formMAC(r)
	text, err := wire.FormValue(r, FormTokenField)
	if mac == nil || err != nil || len(text) != b64.EncodedLen(2*sha256.Size) {
		return false
	}
	token, err := b64.DecodeString(text)
	if err != nil {
		return false
	}
	given := make([]byte, sha256.Size)
	subtle.XORBytes(given, token[:sha256.Size], token[sha256.Size:])
	return hmac.Equal(given, mac)
}

// formMAC derives the token from the session's cookie or, before there is one, from that of the sign-in under way.
func (s *Service) formMAC(r *http.Request) []byte {
	value, _ := oneCookie(r, s.cookie)
	if value == "" {
		value, _ = oneCookie(r, s.attemptCookie())
	}
	if value == "" {
		return nil
	}
	m := hmac.New(sha256.New, s.formKey)
	m.Write([]byte(value))
	return m.Sum(nil)
}

// tenantOrigin returns the origin of the tenant that a request belongs to, or "".
func (s *Service) tenantOrigin(r *http.Request) string {
	ctx, err := s.entry.Tenanted(r)
	if err != nil {
		return ""
	}
	return s.auth.Config().BaseURLFor(tenantOf(ctx))
}

// CSRF refuses requests to the application's own routes that a foreign page made the browser send: 403 csrf. GET, HEAD
// and OPTIONS pass, and so do requests whose only credential is a bearer token or API key, which no browser adds.
func (s *Service) CSRF(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, present, err := wire.BearerToken(r)
		if bearerAlone := present && err == nil && !s.HasCookie(r); !bearerAlone {
			if err := s.cross.Check(r, s.cookie); err != nil {
				s.errors.Problem(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
