package jwt_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// What is signed comes back as it was, whatever the algorithm and the characters.
func TestSignAndVerify(t *testing.T) {
	type plan struct {
		Plan  string   `json:"https://app.example/plan?a&b"`
		Seats int      `json:"seats"`
		Tags  []string `json:"tags"`
	}
	opt := options(t)
	opt.AudienceArrays = true
	v := newVerifier(t, opt)
	for alg, key := range testKeys() {
		want := claims()
		want.Audience = []string{audience, "second"}
		want.NotBefore = now.Unix() - 5
		want.Subject = "ü \"quoted\" \\ <&> \u2028 \x01 \u0000 😀"
		custom := plan{"gold\n", 3, []string{"a"}}
		got, err := v.Verify(sign(t, key, want, &custom))
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		var again plan
		if err := got.DecodeCustom(&again); err != nil || !reflect.DeepEqual(again, custom) {
			t.Errorf("%s: custom claims %+v, %v", alg, again, err)
		}
		if got.KeyID != string(alg) || got.Payload() == "" {
			t.Errorf("%s: key %q, payload %q", alg, got.KeyID, got.Payload())
		}
		bare, err := jwt.ScanClaims(got.Payload())
		if err != nil {
			t.Fatal(err)
		}
		bare.KeyID = got.KeyID
		if !reflect.DeepEqual(bare, got) || got.Subject != want.Subject || got.NotBefore != want.NotBefore {
			t.Errorf("%s: %+v, want %+v", alg, got, want)
		}
	}
}

// golang-jwt reads our tokens, with one audience as a string.
func TestSignForGolangJWT(t *testing.T) {
	for alg, key := range testKeys() {
		token := sign(t, key, claims(), map[string]any{"seats": 3})
		verifyWith := any(key.Public())
		if alg == jwt.HS256 {
			verifyWith, _ = key.MarshalSecret()
		}
		read, err := golangjwt.NewParser(golangjwt.WithoutClaimsValidation()).ParseWithClaims(token, golangjwt.MapClaims{},
			func(*golangjwt.Token) (any, error) { return verifyWith, nil })
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		header := map[string]any{"alg": string(alg), "kid": string(alg), "typ": "at+jwt"}
		c := read.Claims.(golangjwt.MapClaims)
		if !reflect.DeepEqual(read.Header, header) || c["aud"] != audience || c["seats"] != 3.0 || c["sid"] != "ses_77Kd" {
			t.Errorf("%s: %v, %v", alg, read.Header, c)
		}
	}
}

// Custom claims overwrite nothing: not by name, not by a name in another case, not by an escape, not by coming twice.
func TestCustomClaimsOverwriteNothing(t *testing.T) {
	key := testKeys()[jwt.EdDSA]
	for _, name := range jwt.ReservedClaims() {
		for _, variant := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if !jwt.IsReserved(variant) {
				t.Errorf("%s is not reserved", variant)
			}
			if _, err := jwt.Sign(key, claims(), map[string]any{variant: "x"}); !errors.Is(err, jwt.ErrReserved) {
				t.Errorf("%s: %v, want ErrReserved", variant, err)
			}
		}
	}
	for _, name := range []string{"act", "cnf", "org", "roles", "groups", "iss", "sub", "tid", "ſub", "\u212Aid"} {
		if reserved := jwt.IsReserved(name); reserved != (name != "\u212Aid") {
			t.Errorf("IsReserved(%q) = %v", name, reserved)
		}
	}
	for name, custom := range map[string]any{
		"by escape":      rawJSON(`{"\u0073ub":"usr_admin"}`),
		"twice":          rawJSON(`{"plan":1,"plan":2}`),
		"twice inside":   rawJSON(`{"plan":{"a":1,"a":2}}`),
		"in two cases":   map[string]int{"plan": 1, "Plan": 2},
		"array":          []int{1},
		"string":         "x",
		"number":         7,
		"function":       func() {},
		"NaN":            map[string]float64{"x": math.NaN()},
		"too large":      map[string]string{"x": strings.Repeat("x", jwt.DefaultMaxBytes)},
		"too many":       manyClaims(jwt.MaxMembers),
		"lone surrogate": rawJSON(`{"x":"\ud83d"}`),
	} {
		if token, err := jwt.Sign(key, claims(), custom); !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("%s: %q, %v; want ErrClaims", name, token, err)
		}
	}
	for name, custom := range map[string]any{
		"nil": nil, "nil map": map[string]int(nil), "nil pointer": (*struct{})(nil), "empty": struct{}{}, "spaces": rawJSON(" { } "),
	} {
		if _, err := newVerifier(t, options(t)).Verify(sign(t, key, claims(), custom)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rawJSON is a value that marshals to itself.
type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func manyClaims(n int) map[string]int {
	m := map[string]int{}
	for i := range n {
		m[strings.Repeat("x", i%16)+string(rune('a'+i/16))] = i
	}
	return m
}

// Nothing is signed that Verify would refuse for its form.
func TestSignRefuses(t *testing.T) {
	for name, change := range map[string]func(*jwt.Claims){
		"iss": func(c *jwt.Claims) { c.Issuer = "" }, "sub": func(c *jwt.Claims) { c.Subject = "" },
		"aud": func(c *jwt.Claims) { c.Audience = nil }, "empty aud": func(c *jwt.Claims) { c.Audience = []string{audience, ""} },
		"exp": func(c *jwt.Claims) { c.Expires = 0 }, "iat": func(c *jwt.Claims) { c.IssuedAt = 0 },
		"jti": func(c *jwt.Claims) { c.ID = "" }, "client_id": func(c *jwt.Claims) { c.ClientID = "" },
		"exp negative": func(c *jwt.Claims) { c.Expires = -1 }, "exp in milliseconds": func(c *jwt.Claims) { c.Expires = 1_800_000_000_000 },
		"scope not UTF-8": func(c *jwt.Claims) { c.Scope = "\xff" }, "amr not UTF-8": func(c *jwt.Claims) { c.AMR = []string{"\xed\xa0\x80"} },
		"too large": func(c *jwt.Claims) { c.Scope = strings.Repeat("x ", 4000) },
	} {
		c := claims()
		change(&c)
		if token, err := jwt.Sign(testKeys()[jwt.EdDSA], c, nil); token != "" || !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("%s: %q, %v; want ErrClaims", name, token, err)
		}
	}
	for _, typ := range []string{"", "\xff", strings.Repeat("x", jwt.MaxHeaderBytes)} {
		if _, err := jwt.SignTyped(testKeys()[jwt.EdDSA], typ, claims(), nil); !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("type %q: %v", typ, err)
		}
	}
}

// Another type has fewer required claims, and one type never passes for the other.
func TestSignTyped(t *testing.T) {
	opt := options(t)
	opt.Type = "logout+jwt"
	logout, access := newVerifier(t, opt), newVerifier(t, options(t))
	c := jwt.Claims{Issuer: issuer, Audience: []string{audience}, Expires: now.Unix() + 60}
	token, err := jwt.SignTyped(testKeys()[jwt.EdDSA], "logout+jwt", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logout.Verify(token); err != nil {
		t.Error(err)
	}
	refused(t, access, token, jwt.ErrType)
	refused(t, logout, sign(t, testKeys()[jwt.EdDSA], claims(), nil), jwt.ErrType)
}
