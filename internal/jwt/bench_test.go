package jwt_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jwt.Alg{jwt.HS256, jwt.EdDSA, jwt.ES256, jwt.RS256} {
		b.Run(string(alg), func(b *testing.B) {
			v := newVerifier(b, options(b))
			token := sign(b, testKeys()[alg], claims(), nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []jwt.Alg{jwt.HS256, jwt.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			k, c := testKeys()[alg], claims()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jwt.Sign(k, c, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReference is what BenchmarkVerify is measured against: the reference library into MapClaims with the same
// token and checks, and the bare signature verification.
func BenchmarkReference(b *testing.B) {
	hmacSecret, err := testKeys()[jwt.HS256].MarshalSecret()
	if err != nil {
		b.Fatal(err)
	}
	public := testKeys()[jwt.EdDSA].Public().(ed25519.PublicKey)
	for alg, key := range map[jwt.Alg]any{jwt.HS256: hmacSecret, jwt.EdDSA: public} {
		b.Run("golang-jwt-"+string(alg), func(b *testing.B) {
			token := sign(b, testKeys()[alg], claims(), nil)
			parser := golangjwt.NewParser(golangjwt.WithValidMethods([]string{string(alg)}), golangjwt.WithIssuer(issuer),
				golangjwt.WithAudience(audience), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(),
				golangjwt.WithStrictDecoding(), golangjwt.WithTimeFunc(func() time.Time { return now }))
			keyFunc := func(*golangjwt.Token) (any, error) { return key, nil }
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseWithClaims(token, golangjwt.MapClaims{}, keyFunc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("ed25519-raw", func(b *testing.B) {
		token := sign(b, testKeys()[jwt.EdDSA], claims(), nil)
		dot := strings.LastIndexByte(token, '.')
		input, signature := []byte(token[:dot]), []byte(decode(b, token[dot+1:]))
		for b.Loop() {
			if !ed25519.Verify(public, input, signature) {
				b.Fatal("wrong signature")
			}
		}
	})
}
