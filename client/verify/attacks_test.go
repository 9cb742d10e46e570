package verify_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	reference "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// forged signs with another library, which asks no questions.
func (i *issuer) forged(method reference.SigningMethod, secret any, header map[string]any, edits ...func(reference.MapClaims)) string {
	i.t.Helper()
	good := i.claims()
	claims := reference.MapClaims{
		"iss": good.Issuer, "sub": good.Subject, "aud": audience, "exp": good.Expires, "iat": good.IssuedAt, "jti": good.ID,
		"client_id": good.ClientID, "scope": good.Scope,
	}
	for _, edit := range edits {
		edit(claims)
	}
	token := reference.NewWithClaims(method, claims)
	token.Header["typ"], token.Header["kid"] = "at+jwt", "k1"
	for name, value := range header {
		token.Header[name] = value
		if value == nil {
			delete(token.Header, name)
		}
	}
	return must(token.SignedString(secret))(i.t)
}

// Attack A26: what a token says about how it is to be verified is not believed.
func TestA26Algorithms(t *testing.T) {
	i := newIssuer(t)
	rs, es := newKey(t, "rs", jwt.RS256), newKey(t, "es", jwt.ES256)
	i.publish(i.keys[0], rs, es)
	v := i.verifier()
	for _, key := range i.keys {
		accepted(t, v, i.token(key))
	}
	for name, token := range map[string]string{
		"none":     i.forged(reference.SigningMethodNone, reference.UnsafeAllowNoneSignatureType, nil),
		"None":     i.forged(reference.SigningMethodNone, reference.UnsafeAllowNoneSignatureType, map[string]any{"alg": "None"}),
		"no alg":   i.forged(reference.SigningMethodNone, reference.UnsafeAllowNoneSignatureType, map[string]any{"alg": nil}),
		"no kid":   i.forged(reference.SigningMethodHS256, []byte("secret"), map[string]any{"kid": nil}),
		"jku":      i.forged(reference.SigningMethodHS256, []byte("secret"), map[string]any{"jku": i.URL + "/jwks.json"}),
		"jwk":      i.forged(reference.SigningMethodHS256, []byte("secret"), map[string]any{"jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0"}}),
		"its end":  i.token(i.keys[0]) + "A",
		"empty":    "",
		"no token": "token",
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, token, verify.ErrInvalidToken) })
	}
	for _, key := range i.keys {
		der := must(x509.MarshalPKIXPublicKey(key.Public()))(t)
		for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), i.jwks()} {
			for _, alg := range []any{"HS256", string(key.Alg())} {
				token := i.forged(reference.SigningMethodHS256, secret, map[string]any{"kid": key.ID(), "alg": alg})
				refused(t, v, token, verify.ErrInvalidToken)
			}
		}
	}
}

// An algorithm that this service does not want is refused, although the issuer has keys for it.
func TestA26AlgorithmsOfThisService(t *testing.T) {
	i := newIssuer(t)
	rs := newKey(t, "rs", jwt.RS256)
	i.publish(i.keys[0], rs)
	v := i.verifier(func(c *verify.Config) { c.Algorithms = []string{"RS256"} })
	accepted(t, v, i.token(rs))
	refused(t, v, i.token(i.keys[0]), verify.ErrInvalidToken)
}

// A symmetric key that the issuer publishes by mistake verifies nothing.
func TestA26PublishedSecret(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	accepted(t, v, i.token(i.keys[0]))
	secret := []byte("32 bytes that everybody can read")
	body := []byte(`{"keys":[{"kty":"oct","kid":"k1","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString(secret) + `"}]}`)
	i.answer("jwks.json", text(body))
	_ = v.Refresh(t.Context())
	refused(t, v, i.forged(reference.SigningMethodHS256, secret, nil), verify.ErrInvalidToken)
	refused(t, i.verifier(), i.forged(reference.SigningMethodHS256, secret, nil), verify.ErrUnavailable)
}

// A good signature of the issuer's is not enough.
func TestA26Claims(t *testing.T) {
	i := newIssuer(t)
	v, key := i.verifier(), i.keys[0]
	good := func(header map[string]any, edits ...func(reference.MapClaims)) string {
		private := must(x509.ParsePKCS8PrivateKey(must(key.MarshalSecret())(t)))(t)
		return i.forged(reference.SigningMethodEdDSA, private, header, edits...)
	}
	accepted(t, v, good(nil))
	accepted(t, v, good(nil, func(c reference.MapClaims) { c["aud"] = []string{"https://other.example", audience} }))
	with := func(name string, value any) string {
		return good(nil, func(c reference.MapClaims) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	now := i.now.Load()
	for name, token := range map[string]string{
		"an ID token":       good(map[string]any{"typ": "JWT"}),
		"no typ":            good(map[string]any{"typ": nil}),
		"crit":              good(map[string]any{"crit": []string{"exp"}}),
		"another issuer":    with("iss", "https://evil.example"),
		"issuer in a list":  with("iss", []string{i.URL}),
		"no audience":       with("aud", nil),
		"another audience":  with("aud", "https://api.example.evil"),
		"audience in part":  with("aud", "https://api"),
		"no expiry":         with("exp", nil),
		"expired":           with("exp", now-31),
		"not yet":           with("nbf", now+31),
		"from the future":   with("iat", now+31),
		"no subject":        with("sub", nil),
		"an empty subject":  with("sub", ""),
		"no client":         with("client_id", nil),
		"no id":             with("jti", nil),
		"expiry as a text":  with("exp", "9999999999"),
		"of another's key":  i.token(newKey(t, "k1", jwt.EdDSA)),
		"an unknown key id": i.token(newKey(t, "k2", jwt.EdDSA)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, token, verify.ErrInvalidToken) })
	}
}

// Two tokens that end alike are two tokens: the memory of one is not the other's.
func TestMemoryComparesTheWholeToken(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	token := i.token(i.keys[0])
	accepted(t, v, token)
	for at := range token[:len(token)-20] {
		changed := []byte(token)
		if changed[at]++; changed[at] == '.'+1 {
			continue
		}
		if c, err := v.Verify(t.Context(), string(changed)); err == nil {
			t.Fatalf("changed at %d it is %+v", at, c)
		}
	}
	accepted(t, v, token)
}
