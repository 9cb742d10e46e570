package jwt_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// The example claims of RFC 7519 section 3.1, which RFC 7515 appendix A signs in several ways.
const (
	rfcPayload        = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	rfcPayloadSegment = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

	rfc7519HS256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfcPayloadSegment + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfc7515RS256 = "eyJhbGciOiJSUzI1NiJ9." + rfcPayloadSegment +
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1" +
		"dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDw" +
		"usC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	rfc7515ES256 = "eyJhbGciOiJFUzI1NiJ9." + rfcPayloadSegment +
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfc7515ES512 = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-K" +
		"GDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	rfc7515None  = "eyJhbGciOiJub25lIn0." + rfcPayloadSegment + "."
	rfc8037EdDSA = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

	rfc7515Secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	rfc7515RSA    = `{"kty":"RSA","kid":"rsa","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw` +
		`-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5` +
		`rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_` +
		`h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	rfc7515EC = `{"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfc7515P521 = `{"kty":"EC","kid":"p521","crv":"P-521",` +
		`"x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",` +
		`"y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`
	rfc7638RSA = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPeb` +
		`WKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9` +
		`c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCu` +
		`r-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	rfc8037Public = `{"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	rfc8037Seed   = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
)

// fromJWK parses one JWK.
func fromJWK(tb testing.TB, jwk string) *jwt.Key {
	tb.Helper()
	set, err := jwt.ParseJWKS(fmt.Appendf(nil, `{"keys":[%s]}`, jwk))
	if err != nil || len(set.Keys()) != 1 {
		tb.Fatalf("ParseJWKS(%s): %d keys, %v", jwk, len(set.Keys()), err)
	}
	return set.Keys()[0]
}

func rfcHMACKey(tb testing.TB) *jwt.Key {
	tb.Helper()
	key, err := jwt.NewHMACKey("hmac", []byte(decode(tb, rfc7515Secret)))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestVerifySignatureOfRFCExamples(t *testing.T) {
	for name, test := range map[string]struct {
		token   string
		key     *jwt.Key
		header  jwt.Header
		payload string
	}{
		"RFC 7515 A.1, RFC 7519 3.1 HS256": {rfc7519HS256, rfcHMACKey(t), jwt.Header{Alg: "HS256", Type: "JWT"}, rfcPayload},
		"RFC 7515 A.2 RS256":               {rfc7515RS256, fromJWK(t, rfc7515RSA), jwt.Header{Alg: "RS256"}, rfcPayload},
		"RFC 7515 A.3 ES256":               {rfc7515ES256, fromJWK(t, rfc7515EC), jwt.Header{Alg: "ES256"}, rfcPayload},
		"RFC 8037 A.5 EdDSA": {rfc8037EdDSA, fromJWK(t, rfc8037Public), jwt.Header{Alg: "EdDSA"},
			"Example of Ed25519 signing"},
	} {
		t.Run(name, func(t *testing.T) {
			header, payload, err := jwt.VerifySignature(test.token, test.key)
			if err != nil || header != test.header || string(payload) != test.payload {
				t.Errorf("got %+v, %q, %v", header, payload, err)
			}
			for i, c := range []byte(test.token) { // no single character can change
				changed := []byte(test.token)
				if changed[i] = 'A'; c == 'A' {
					changed[i] = 'B'
				}
				if _, _, err := jwt.VerifySignature(string(changed), test.key); !errors.Is(err, jwt.ErrInvalid) {
					t.Fatalf("with character %d changed: %v", i, err)
				}
			}
		})
	}
}

// RFC 7515 A.4 and A.5 use algorithms that this package does not have.
func TestVerifySignatureRefusesOtherAlgorithms(t *testing.T) {
	for _, key := range []*jwt.Key{rfcHMACKey(t), fromJWK(t, rfc7515RSA), fromJWK(t, rfc7515EC), fromJWK(t, rfc8037Public)} {
		for name, token := range map[string]string{"A.4 ES512": rfc7515ES512, "A.5 none": rfc7515None} {
			if _, _, err := jwt.VerifySignature(token, key); !errors.Is(err, jwt.ErrAlgorithm) {
				t.Errorf("%s with %s: %v, want ErrAlgorithm", name, key, err)
			}
		}
	}
	if set, err := jwt.ParseJWKS([]byte(`{"keys":[` + rfc7515P521 + `]}`)); err != nil || len(set.Keys()) != 0 {
		t.Errorf("a P-521 key is not left out: %v, %v", set.Keys(), err)
	}
}

// RFC 8037 A.1 to A.4: the private key, its public key, its thumbprint, and the signature that it makes.
func TestEd25519AsInRFC8037(t *testing.T) {
	der := append([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}, decode(t, rfc8037Seed)...)
	key, err := jwt.ParseSecret("ed", jwt.EdDSA, der) // PKCS #8, RFC 8410 section 7
	if err != nil {
		t.Fatal(err)
	}
	if j, ok := key.JWK(); !ok || j.X != "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" || j.KeyType != "OKP" {
		t.Errorf("public key: %+v", j)
	}
	if got, _ := key.Thumbprint(); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("thumbprint: %s", got)
	}
	if signed, err := jwt.SignRaw(key, []byte(`{"alg":"EdDSA"}`), []byte("Example of Ed25519 signing")); signed != rfc8037EdDSA {
		t.Errorf("signed: %s, %v", signed, err)
	}
}

func TestThumbprintOfRFC7638(t *testing.T) {
	key := fromJWK(t, rfc7638RSA)
	if got, ok := key.Thumbprint(); !ok || got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint: %s", got)
	}
	if _, ok := rfcHMACKey(t).Thumbprint(); ok {
		t.Error("a thumbprint of a secret")
	}
}
