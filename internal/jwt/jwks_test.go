package jwt_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// A verifier elsewhere that knows the published key set alone verifies all tokens but HS256 ones.
func TestJWKSRoundTrip(t *testing.T) {
	published, err := testKeySet(t).JWKS()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := jwt.ParseJWKS(published)
	if err != nil {
		t.Fatal(err)
	}
	opt := options(t)
	opt.Keys = func() *jwt.KeySet { return elsewhere }
	v := newVerifier(t, opt)
	for alg, key := range testKeys() {
		var want error
		if alg == jwt.HS256 {
			want = jwt.ErrUnknownKey
		}
		if _, err := v.Verify(sign(t, key, claims(), nil)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", alg, err, want)
		}
	}
}

// Nothing secret is published: no member beyond the public ones, and no symmetric key.
func TestJWKSIsPublic(t *testing.T) {
	published, err := testKeySet(t).JWKS()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := testKeys()[jwt.HS256].MarshalSecret()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"oct", "HS256", `"k"`, `"d"`, `"p"`, encode(string(secret))} {
		if strings.Contains(string(published), bad) {
			t.Errorf("%s is in %s", bad, published)
		}
	}
	for _, good := range []string{`"use":"sig"`, `"alg":"EdDSA"`, `"crv":"Ed25519"`, `"crv":"P-256"`, `"kty":"RSA"`, `"e":"AQAB"`} {
		if !strings.Contains(string(published), good) {
			t.Errorf("%s is not in %s", good, published)
		}
	}
	if _, ok := testKeys()[jwt.HS256].JWK(); ok {
		t.Error("the HS256 key has a JWK")
	}
	empty, err := jwt.NewKeySet(testKeys()[jwt.HS256])
	if err != nil {
		t.Fatal(err)
	}
	if b, err := empty.JWKS(); string(b) != `{"keys":[]}` || err != nil {
		t.Errorf("a set of symmetric keys is published as %s, %v", b, err)
	}
}

// Keys that are not understood are left out and the others stay.
func TestParseJWKSLeavesOut(t *testing.T) {
	x := `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	for name, jwk := range map[string]string{
		"symmetric":           `{"kty":"oct","kid":"a","alg":"HS256","k":"` + rfc7515Secret + `"}`,
		"no kty":              `{"kid":"a","crv":"Ed25519",` + x + `}`,
		"kty in another case": `{"KTY":"OKP","kid":"a","crv":"Ed25519",` + x + `}`,
		"no kid":              `{"kty":"OKP","crv":"Ed25519",` + x + `}`,
		"kid a number":        `{"kty":"OKP","kid":1,"crv":"Ed25519",` + x + `}`,
		"X25519":              `{"kty":"OKP","kid":"a","crv":"X25519",` + x + `}`,
		"another alg":         `{"kty":"OKP","kid":"a","crv":"Ed25519","alg":"HS256",` + x + `}`,
		"alg none":            `{"kty":"OKP","kid":"a","crv":"Ed25519","alg":"none",` + x + `}`,
		"alg null":            `{"kty":"OKP","kid":"a","crv":"Ed25519","alg":null,` + x + `}`,
		"for encryption":      `{"kty":"OKP","kid":"a","crv":"Ed25519","use":"enc",` + x + `}`,
		"not to verify":       `{"kty":"OKP","kid":"a","crv":"Ed25519","key_ops":["sign"],` + x + `}`,
		"x too short":         `{"kty":"OKP","kid":"a","crv":"Ed25519","x":"AAAA"}`,
		"x padded":            `{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="}`,
		"P-521":               rfc7515P521,
		"off the curve":       strings.Replace(rfc7515EC, `"x":"f`, `"x":"g`, 1),
		"exponent 1":          strings.Replace(rfc7515RSA, "AQAB", "AQ", 1),
		"exponent of 64 bits": strings.Replace(rfc7515RSA, "AQAB", "AQAAAAAAAAAB", 1),
		"small modulus":       `{"kty":"RSA","kid":"a","e":"AQAB","n":"AQAB"}`,
		"PS256":               strings.Replace(rfc7515RSA, "{", `{"alg":"PS256",`, 1),
	} {
		set, err := jwt.ParseJWKS(fmt.Appendf(nil, `{"keys":[%s,%s],"more":1}`, jwk, rfc8037Public))
		if err != nil || len(set.Keys()) != 1 || set.Keys()[0].ID() != "ed" {
			t.Errorf("%s: %v, %v", name, set.Keys(), err)
		}
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	private := strings.Replace(rfc8037Public, "{", `{"d":"`+rfc8037Seed+`",`, 1)
	for name, set := range map[string]string{
		"empty": "", "null": "null", "array": "[]", "no keys": "{}", "keys null": `{"keys":null}`, "keys an object": `{"keys":{}}`,
		"key a string": `{"keys":["x"]}`, "trailing bytes": `{"keys":[]} x`, "KEYS": `{"KEYS":[]}`, "private key": `{"keys":[` + private + `]}`,
		"duplicate member": `{"keys":[],"keys":[]}`, "duplicate kid": `{"keys":[` + rfc8037Public + `,` + rfc8037Public + `]}`,
		"duplicate in a key": `{"keys":[` + strings.Replace(rfc8037Public, "{", `{"kid":"x",`, 1) + `]}`,
		"too many keys":      `{"keys":[` + strings.Join(slices.Repeat([]string{"{}"}, jwt.MaxJWKSKeys+1), ",") + `]}`,
		"too long":           `{"keys":[` + strings.Repeat(" ", jwt.MaxJWKSBytes) + `]}`,
	} {
		if got, err := jwt.ParseJWKS([]byte(set)); got != nil || !errors.Is(err, jwt.ErrKey) {
			t.Errorf("%s: %v, %v; want ErrKey", name, got, err)
		}
	}
}

// FuzzParseJWKS: no input panics, and what is parsed can be published and parsed again.
func FuzzParseJWKS(f *testing.F) {
	f.Add(`{"keys":[` + strings.Join([]string{rfc8037Public, rfc7515RSA, rfc7515EC, rfc7515P521}, ",") + `]}`)
	f.Fuzz(func(t *testing.T, data string) {
		set, err := jwt.ParseJWKS([]byte(data))
		if err != nil {
			return
		}
		published, err := set.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := jwt.ParseJWKS(published); err != nil || len(again.Keys()) != len(set.Keys()) {
			t.Fatalf("%q became %s, %v", data, published, err)
		}
	})
}
