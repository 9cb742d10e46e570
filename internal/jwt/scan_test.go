package jwt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// FuzzScanClaims holds the scanner alone against encoding/json: what it accepts is one valid JSON object that breaks no
// rule, and what it reads is what encoding/json reads.
func FuzzScanClaims(f *testing.F) {
	for _, s := range twinSeeds(f) {
		f.Add(s.payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		c, err := jwt.ScanClaims(payload)
		if err != nil {
			if !errors.Is(err, jwt.ErrInvalid) || c != nil {
				t.Fatalf("ScanClaims(%q) = %v, %v", payload, c, err)
			}
			return
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(payload), &all); err != nil || all == nil {
			t.Fatalf("ScanClaims accepts %q, encoding/json says %v", payload, err)
		}
		if rule := brokenJSON(payload, knownClaims); rule != "" {
			t.Fatalf("ScanClaims accepts %q, which breaks a rule: %s", payload, rule)
		}
		sameClaims(t, c, all)
	})
}

func TestScanClaimsReadsEachClaim(t *testing.T) {
	c, err := jwt.ScanClaims(`{"iss":"i","sub":"s","aud":["a","b"],"exp":3,"nbf":1,"iat":2.9,"jti":"j","sid":"se",` +
		`"client_id":"c","scope":"r w","tid":"t","auth_time":1e2,"amr":["pwd","\u00fc"],"acr":"x\"y","custom":{"n":[1]}}`)
	if err != nil {
		t.Fatal(err)
	}
	sameClaims(t, c, map[string]any{"iss": "i", "sub": "s", "aud": []any{"a", "b"}, "exp": 3.0, "nbf": 1.0, "iat": 2.9,
		"jti": "j", "sid": "se", "client_id": "c", "scope": "r w", "tid": "t", "auth_time": 100.0,
		"amr": []any{"pwd", "ü"}, "acr": `x"y`, "custom": map[string]any{"n": []any{1}}})
	var custom struct {
		Custom struct{ N []int }
	}
	if err := c.DecodeCustom(&custom); err != nil || len(custom.Custom.N) != 1 {
		t.Errorf("custom claims: %+v, %v", custom, err)
	}
}

// Custom claims of another type than expected are an error; claims that came from no token have none.
func TestDecodeCustom(t *testing.T) {
	c, err := jwt.ScanClaims(`{"seats":"three"}`)
	if err != nil {
		t.Fatal(err)
	}
	custom := struct{ Seats int }{7}
	if err := c.DecodeCustom(&custom); err == nil {
		t.Error("a string became a number")
	}
	custom.Seats = 7
	if err := new(jwt.Claims).DecodeCustom(&custom); err != nil || custom.Seats != 7 {
		t.Errorf("%+v, %v", custom, err)
	}
}

// However deep or wide a text is, reading it takes no more than its size in memory and a bounded stack.
func TestScanClaimsOfHostileShapes(t *testing.T) {
	for name, payload := range map[string]string{
		"deep arrays":     `{"x":` + strings.Repeat("[", 1<<20),
		"deep objects":    strings.Repeat(`{"x":`, 1<<20),
		"many members":    "{" + strings.Repeat(`"":0,`, 1<<20) + "}",
		"long number":     `{"x":` + strings.Repeat("9", 1<<20) + "}",
		"long exponent":   `{"exp":1e` + strings.Repeat("9", 1<<20) + "}",
		"endless string":  `{"` + strings.Repeat("a", 1<<20),
		"endless escapes": `{"` + strings.Repeat(`\`, 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jwt.ScanClaims(payload); !errors.Is(err, jwt.ErrMalformed) {
				t.Errorf("%v, want ErrMalformed", err)
			}
		})
	}
}
