package jwt_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// raw signs any header and payload with a real key.
func raw(tb testing.TB, key *jwt.Key, header, payload string) string {
	tb.Helper()
	token, err := jwt.SignRaw(key, []byte(header), []byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// TestA26Header and the tests after it try what has broken token verifiers before (attack A26). Each token is signed with
// a real key wherever an attacker could have had it signed, so that only the defence named by the error stands in the way.
func TestA26Header(t *testing.T) {
	v := newVerifier(t, options(t))
	hs := testKeys()[jwt.HS256]
	good := raw(t, hs, goodHeader, goodPayload)
	if _, err := v.Verify(good); err != nil {
		t.Fatalf("the good token: %v", err)
	}
	unsigned := func(header string) string { return encode(header) + "." + encode(goodPayload) + "." }
	header := func(old, new string) string { return raw(t, hs, replace(t, goodHeader, old, new), goodPayload) }
	with := func(member string) string {
		return header("{", "{"+member+",")
	}
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"alg none":                   {unsigned(`{"alg":"none","kid":"HS256","typ":"at+jwt"}`), jwt.ErrAlgorithm},
		"alg None":                   {unsigned(`{"alg":"None","kid":"HS256","typ":"at+jwt"}`), jwt.ErrAlgorithm},
		"alg empty":                  {unsigned(`{"alg":"","kid":"HS256","typ":"at+jwt"}`), jwt.ErrAlgorithm},
		"alg missing":                {raw(t, hs, `{"kid":"HS256","typ":"at+jwt"}`, goodPayload), jwt.ErrAlgorithm},
		"alg is a number":            {raw(t, hs, `{"alg":256,"kid":"HS256","typ":"at+jwt"}`, goodPayload), jwt.ErrClaimType},
		"alg in another case":        {raw(t, hs, `{"alg":"hs256","kid":"HS256","typ":"at+jwt"}`, goodPayload), jwt.ErrAlgorithm},
		"alg of a sibling":           {raw(t, hs, `{"alg":"HS512","kid":"HS256","typ":"at+jwt"}`, goodPayload), jwt.ErrAlgorithm},
		"alg of another key of ours": {raw(t, hs, `{"alg":"HS256","kid":"EdDSA","typ":"at+jwt"}`, goodPayload), jwt.ErrAlgorithm},
		"no signature":               {unsigned(goodHeader), jwt.ErrSignature},
		"signature of another key":   {raw(t, testKeys()[jwt.EdDSA], goodHeader, goodPayload), jwt.ErrSignature},
		"embedded jwk":               {with(`"jwk":{"kty":"oct","k":"AAAA"}`), jwt.ErrHeader},
		"jku":                        {with(`"jku":"https://evil.example/jwks.json"`), jwt.ErrHeader},
		"x5u":                        {with(`"x5u":"https://evil.example/cert.pem"`), jwt.ErrHeader},
		"x5c":                        {with(`"x5c":["MIIB"]`), jwt.ErrHeader},
		"crit unknown":               {with(`"crit":["http://example.com/UNDEFINED"],"http://example.com/UNDEFINED":true`), jwt.ErrHeader},
		"crit empty":                 {with(`"crit":[]`), jwt.ErrHeader},
		"crit null":                  {with(`"crit":null`), jwt.ErrHeader},
		"b64 false":                  {with(`"b64":false`), jwt.ErrHeader},
		"zip":                        {with(`"zip":"DEF"`), jwt.ErrHeader},
		"PBES2 bomb":                 {unsigned(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"kid":"HS256"}`), jwt.ErrHeader},
		"crit by escape":             {with(`"\u0063rit":["exp"]`), jwt.ErrHeader},
		"CRIT":                       {with(`"CRIT":["exp"]`), jwt.ErrMalformed},
		"duplicate alg":              {with(`"alg":"HS256"`), jwt.ErrMalformed},
		"duplicate of no meaning":    {with(`"x":1,"x":2`), jwt.ErrMalformed},
		"duplicate deep inside":      {with(`"x":[{"y":1,"y":2}]`), jwt.ErrMalformed},
		"kid missing":                {raw(t, hs, `{"alg":"HS256","typ":"at+jwt"}`, goodPayload), jwt.ErrUnknownKey},
		"kid a path":                 {header(`"kid":"HS256"`, `"kid":"../../dev/null"`), jwt.ErrUnknownKey},
		"kid SQL":                    {header(`"kid":"HS256"`, `"kid":"HS256' OR '1'='1"`), jwt.ErrUnknownKey},
		"kid in another case":        {header(`"kid":"HS256"`, `"kid":"hs256"`), jwt.ErrUnknownKey},
		"kid with NUL":               {header(`"kid":"HS256"`, `"kid":"HS256\u0000"`), jwt.ErrUnknownKey},
		"kid is a number":            {header(`"kid":"HS256"`, `"kid":1`), jwt.ErrClaimType},
		"typ missing":                {raw(t, hs, `{"alg":"HS256","kid":"HS256"}`, goodPayload), jwt.ErrType},
		"typ of an ID token":         {header("at+jwt", "JWT"), jwt.ErrType},
		"typ with a parameter":       {header("at+jwt", "at+jwt; x=y"), jwt.ErrType},
		"typ with two prefixes":      {header("at+jwt", "application/application/at+jwt"), jwt.ErrType},
		"header an array":            {raw(t, hs, `[`+goodHeader+`]`, goodPayload), jwt.ErrMalformed},
		"header null":                {raw(t, hs, `null`, goodPayload), jwt.ErrMalformed},
		"header empty":               {"." + encode(goodPayload) + ".", jwt.ErrMalformed},
		"header followed by more":    {raw(t, hs, goodHeader+"{}", goodPayload), jwt.ErrMalformed},
		"header too long":            {with(`"x":"` + strings.Repeat("x", jwt.MaxHeaderBytes) + `"`), jwt.ErrTooLarge},
		"header of deep arrays":      {with(`"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), jwt.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, test.token, test.want) })
	}
}

func refused(t *testing.T, v *jwt.Verifier, token string, want error) {
	t.Helper()
	c, err := v.Verify(token)
	if c != nil || !errors.Is(err, want) || !errors.Is(err, jwt.ErrInvalid) {
		t.Errorf("Verify = %v, %v; want the error %v", c, err, want)
	}
}

// Whoever knows the public key, in whatever form, cannot use it as HMAC secret.
func TestA26PublicKeyAsSecret(t *testing.T) {
	v := newVerifier(t, options(t))
	for _, alg := range []jwt.Alg{jwt.EdDSA, jwt.ES256, jwt.RS256} {
		der, err := x509.MarshalPKIXPublicKey(testKeys()[alg].Public())
		if err != nil {
			t.Fatal(err)
		}
		forms := [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), der[len(der)-32:]}
		for _, secret := range forms {
			key, err := jwt.NewHMACKey(string(alg), secret)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, v, sign(t, key, claims(), nil), jwt.ErrAlgorithm)
			lying := raw(t, key, `{"alg":"`+string(alg)+`","kid":"`+string(alg)+`","typ":"at+jwt"}`, goodPayload)
			refused(t, v, lying, jwt.ErrSignature)
		}
	}
}

// The segments of a token have one form only.
func TestA26Form(t *testing.T) {
	v := newVerifier(t, options(t))
	token := raw(t, testKeys()[jwt.HS256], goodHeader, goodPayload)
	segments := strings.Split(token, ".")
	payload := func(old, new string) string {
		return raw(t, testKeys()[jwt.HS256], goodHeader, replace(t, goodPayload, old, new))
	}
	signed := func(header, payload string) string { // the signature is right for the text as it is
		input := header + "." + payload
		return input + "." + encode(string(hmacSum(t, input)))
	}
	if signed(segments[0], segments[1]) != token {
		t.Fatal("signed does not sign")
	}
	for name, bad := range map[string]string{
		"empty": "", "one segment": segments[0], "two segments": segments[0] + "." + segments[1],
		"four segments": token + ".", "JWE with five segments": token + ".a.b", "leading dot": "." + token,
		"dots":          strings.Repeat(".", 8000),
		"leading space": " " + token, "Bearer": "Bearer " + token, "JSON serialization": `{"payload":"` + segments[1] + `"}`,
		"newline in the header": signed(segments[0]+"\n", segments[1]), "return in the payload": signed(segments[0], "\r"+segments[1]),
		"padding in the header": signed(segments[0]+"=", segments[1]), "padding in the payload": signed(segments[0], segments[1]+"=="),
		"standard alphabet": signed(segments[0], segments[1]+"+/"), "one character too many": signed(segments[0], segments[1]+strings.Repeat("A", (5-len(segments[1])%4)%4)),
		"not ASCII":                      signed(segments[0], segments[1]+"é"),
		"trailing bits in the payload":   signed(segments[0], encode(goodPayload + "  ")[:len(encode(goodPayload+"  "))-1]+"B"),
		"trailing bits in the signature": token[:len(token)-1] + nextCharacter(token[len(token)-1]),
		"payload not UTF-8":              payload("usr_", "\xc3\x28"),
		"payload in UTF-16":              raw(t, testKeys()[jwt.HS256], goodHeader, "\xfe\xff\x00{\x00}"),
		"payload with a byte order mark": raw(t, testKeys()[jwt.HS256], goodHeader, "\ufeff"+goodPayload),
		"NaN":                            payload("{", `{"x":NaN,`),
		"Infinity":                       payload("1800000900", "1e999"),
		"hexadecimal":                    payload("1800000900", "0x7fffffff"),
		"payload followed by more":       raw(t, testKeys()[jwt.HS256], goodHeader, goodPayload+goodPayload),
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, bad, jwt.ErrMalformed) })
	}
	for _, after := range []string{" ", "\n", "\r\n", "\x00", "=", "A"} { // a signature of another length
		refused(t, v, token+after, jwt.ErrSignature)
	}
	refused(t, v, strings.Repeat("a", jwt.DefaultMaxBytes+1), jwt.ErrTooLarge)
	refused(t, v, strings.Repeat(".", 10<<20), jwt.ErrTooLarge)
}

// Each value has one encoding, which the strict decoder of the standard library agrees with, CR and LF apart.
func TestOneEncodingOfEachValue(t *testing.T) {
	key := testKeys()[jwt.HS256]
	for n := range 6 {
		for c := range 256 {
			segment := "QUJDRA"[:n] + string([]byte{byte(c)})
			token, err := jwt.SignText(key, encode(`{"alg":"HS256"}`)+"."+segment)
			if err != nil {
				t.Fatal(err)
			}
			want, wantErr := base64.RawURLEncoding.Strict().DecodeString(segment)
			_, got, err := jwt.VerifySignature(token, key)
			if canonical := wantErr == nil && c != '\r' && c != '\n'; canonical != (err == nil) {
				t.Errorf("segment %q: %v, the strict decoder says %v", segment, err, wantErr)
			} else if canonical && string(got) != string(want) {
				t.Errorf("segment %q is %q, the strict decoder says %q", segment, got, want)
			}
		}
	}
}

// nextCharacter returns the base64url character whose value is one higher than that of c, which is even.
func nextCharacter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, c)
	return alphabet[i+1 : i+2]
}

func TestA26Claims(t *testing.T) {
	v := newVerifier(t, options(t))
	with := func(old, new string) string {
		return raw(t, testKeys()[jwt.HS256], goodHeader, replace(t, goodPayload, old, new))
	}
	custom := func(members string) string { return with(`{`, `{`+members+`,`) }
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"another issuer":             {with("https://app.example", "https://evil.example"), jwt.ErrIssuer},
		"issuer with a slash":        {with("https://app.example", "https://app.example/"), jwt.ErrIssuer},
		"issuer missing":             {with(`"iss"`, `"x"`), jwt.ErrIssuer},
		"issuer null":                {with(`"https://app.example"`, `null`), jwt.ErrClaimType},
		"another audience":           {with("https://api.example", "https://other.example"), jwt.ErrAudience},
		"audience missing":           {with(`"aud"`, `"x"`), jwt.ErrAudience},
		"audience empty":             {with("https://api.example", ""), jwt.ErrAudience},
		"audience an array":          {with(`"https://api.example"`, `["https://api.example"]`), jwt.ErrAudience},
		"audience an array of two":   {with(`"https://api.example"`, `["https://evil.example","https://api.example"]`), jwt.ErrAudience},
		"audience an object":         {with(`"https://api.example"`, `{}`), jwt.ErrClaimType},
		"exp missing":                {with(`"exp"`, `"x"`), jwt.ErrMissing},
		"exp null":                   {with(`1800000900`, `null`), jwt.ErrClaimType},
		"exp a string":               {with(`1800000900`, `"1800000900"`), jwt.ErrClaimType},
		"exp now":                    {with(`1800000900`, `1800000000`), jwt.ErrExpired},
		"exp now and a bit":          {with(`1800000900`, `1800000000.9`), jwt.ErrExpired},
		"exp in the year 10000":      {with(`1800000900`, `253402300800`), jwt.ErrClaimType},
		"exp beyond 64 bits":         {with(`1800000900`, `18446744073709551616`), jwt.ErrClaimType},
		"exp negative":               {with(`1800000900`, `-1`), jwt.ErrClaimType},
		"nbf in a second":            {custom(`"nbf":1800000001`), jwt.ErrNotYetValid},
		"nbf far away":               {custom(`"nbf":253402300799`), jwt.ErrNotYetValid},
		"iat in a second":            {with(`1799999990`, `1800000001`), jwt.ErrNotYetValid},
		"iat far away":               {with(`1799999990`, `253402300799`), jwt.ErrNotYetValid},
		"iat missing":                {with(`"iat"`, `"x"`), jwt.ErrMissing},
		"sub missing":                {with(`"sub"`, `"x"`), jwt.ErrMissing},
		"sub empty":                  {with(`usr_4fGh`, ``), jwt.ErrMissing},
		"sub a number":               {with(`"usr_4fGh"`, `7`), jwt.ErrClaimType},
		"jti missing":                {with(`"jti"`, `"x"`), jwt.ErrMissing},
		"client_id missing":          {with(`"client_id"`, `"x"`), jwt.ErrMissing},
		"duplicate sub":              {custom(`"sub":"usr_admin"`), jwt.ErrMalformed},
		"duplicate sub by escape":    {custom(`"\u0073ub":"usr_admin"`), jwt.ErrMalformed},
		"sub in another case":        {custom(`"SUB":"usr_admin"`), jwt.ErrMalformed},
		"roles in another case":      {custom(`"Roles":["admin"]`), jwt.ErrMalformed},
		"custom claims in two cases": {custom(`"plan":"free","Plan":"gold"`), jwt.ErrMalformed},
		"duplicate deep inside":      {custom(`"plan":{"a":[{"b":1,"b":2}]}`), jwt.ErrMalformed},
		"amr a string":               {custom(`"amr":"pwd"`), jwt.ErrClaimType},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, test.token, test.want) })
	}
}

// What is odd but allowed.
func TestVerifyAccepts(t *testing.T) {
	arrays := options(t)
	arrays.AudienceArrays = true
	for name, test := range map[string]struct {
		opt             jwt.Options
		header, payload string
	}{
		"typ in capitals":               {options(t), replace(t, goodHeader, "at+jwt", "AT+JWT"), goodPayload},
		"typ with application":          {options(t), replace(t, goodHeader, "at+jwt", "Application/At+Jwt"), goodPayload},
		"unknown header member":         {options(t), replace(t, goodHeader, "{", `{"x5t":"abc","x":{"y":[null]},`), goodPayload},
		"white space":                   {options(t), " " + goodHeader + "\n", "\t" + replace(t, goodPayload, ",", " , ") + "\r\n"},
		"nbf now":                       {options(t), goodHeader, replace(t, goodPayload, "{", `{"nbf":1800000000,`)},
		"one second left":               {options(t), goodHeader, replace(t, goodPayload, "1800000900", "1800000001")},
		"names that differ deep":        {options(t), goodHeader, replace(t, goodPayload, "{", `{"x":{"a":1,"A":2},`)},
		"array with an audience":        {arrays, goodHeader, replace(t, goodPayload, `"https://api.example"`, `["x","https://api.example"]`)},
		"string although arrays may be": {arrays, goodHeader, goodPayload},
	} {
		t.Run(name, func(t *testing.T) {
			token := raw(t, testKeys()[jwt.HS256], test.header, test.payload)
			c, err := newVerifier(t, test.opt).Verify(token)
			if err != nil || c.Subject != "usr_4fGh" || c.KeyID != "HS256" || !slices.Contains(c.Audience, audience) {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

// Leeway shifts each of the three times by itself, and no further.
func TestLeeway(t *testing.T) {
	opt := options(t)
	opt.Leeway = 30 * time.Second
	v := newVerifier(t, opt)
	for name, test := range map[string]struct {
		change func(*jwt.Claims)
		want   error
	}{
		"exp inside":  {func(c *jwt.Claims) { c.Expires = now.Unix() - 29 }, nil},
		"exp outside": {func(c *jwt.Claims) { c.Expires = now.Unix() - 30 }, jwt.ErrExpired},
		"nbf inside":  {func(c *jwt.Claims) { c.NotBefore = now.Unix() + 30 }, nil},
		"nbf outside": {func(c *jwt.Claims) { c.NotBefore = now.Unix() + 31 }, jwt.ErrNotYetValid},
		"iat inside":  {func(c *jwt.Claims) { c.IssuedAt = now.Unix() + 30 }, nil},
		"iat outside": {func(c *jwt.Claims) { c.IssuedAt = now.Unix() + 31 }, jwt.ErrNotYetValid},
	} {
		c := claims()
		test.change(&c)
		if _, err := v.Verify(sign(t, testKeys()[jwt.HS256], c, nil)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
