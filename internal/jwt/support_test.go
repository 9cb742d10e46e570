package jwt_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

const (
	issuer   = "https://app.example"
	audience = "https://api.example"
)

// now is the instant at which all tests take place.
var now = time.Unix(1_800_000_000, 0)

// testKeys are made once: one signing key per algorithm, its id being the algorithm's name.
var testKeys = sync.OnceValue(func() map[jwt.Alg]*jwt.Key {
	keys := map[jwt.Alg]*jwt.Key{}
	for _, alg := range []jwt.Alg{jwt.EdDSA, jwt.ES256, jwt.RS256, jwt.HS256} {
		k, err := jwt.GenerateKey(rand.Reader, string(alg), alg)
		if err != nil {
			panic(err)
		}
		keys[alg] = k
	}
	return keys
})

func testKeySet(tb testing.TB) *jwt.KeySet {
	tb.Helper()
	var keys []*jwt.Key
	for _, k := range testKeys() {
		keys = append(keys, k)
	}
	set, err := jwt.NewKeySet(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// options accept what claims makes.
func options(tb testing.TB) jwt.Options {
	set := testKeySet(tb)
	return jwt.Options{
		Issuer:    issuer,
		Audiences: []string{audience},
		Now:       func() time.Time { return now },
		Keys:      func() *jwt.KeySet { return set },
	}
}

func newVerifier(tb testing.TB, opt jwt.Options) *jwt.Verifier {
	tb.Helper()
	v, err := jwt.NewVerifier(opt)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// claims are those of a good token.
func claims() jwt.Claims {
	return jwt.Claims{
		Issuer: issuer, Subject: "usr_4fGh", Audience: []string{audience}, ID: "tok_9aQz", SessionID: "ses_77Kd",
		Expires: now.Unix() + 900, IssuedAt: now.Unix() - 10, AuthTime: now.Unix() - 3600,
		ClientID: "first-party", Scope: "read write profile", Tenant: "default", AMR: []string{"pwd", "otp"}, ACR: "aal2",
	}
}

func sign(tb testing.TB, k *jwt.Key, c jwt.Claims, custom any) string {
	tb.Helper()
	token, err := jwt.Sign(k, c, custom)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func decode(tb testing.TB, s string) string {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func replace(tb testing.TB, s, old, new string) string {
	tb.Helper()
	if !strings.Contains(s, old) {
		tb.Fatalf("%q is not in %q", old, s)
	}
	return strings.Replace(s, old, new, 1)
}

// hmacSum is HMAC-SHA-256 under the secret of the HS256 key.
func hmacSum(tb testing.TB, input string) []byte {
	tb.Helper()
	secret, err := testKeys()[jwt.HS256].MarshalSecret()
	if err != nil {
		tb.Fatal(err)
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(input))
	return h.Sum(nil)
}
