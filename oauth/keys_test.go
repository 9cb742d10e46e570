package oauth_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A provider's new key is fetched when a token is signed with it.
func TestKeyRotation(t *testing.T) {
	s := newSite(t)
	s.browser().signIn("1001").want(303)
	if err := s.idp.Rotate(); err != nil {
		t.Fatal(err)
	}
	s.browser().signIn("1001").want(303)
}

// While the key set cannot be had, people come in by the keys that are known, and nobody by one that is not. Then all is
// well again.
func TestKeySetOutage(t *testing.T) {
	s := newSite(t)
	s.browser().signIn("1001").want(303)
	s.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/jwks" {
			w.WriteHeader(503)
		}
		return r.URL.Path == "/jwks"
	}
	s.browser().signIn("1001").want(303)
	if err := s.idp.Rotate(); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.signIn("1001").want(503, "<html")
	if b.whoami() != "" {
		t.Error("a key that nobody published signs somebody in")
	}
	s.idp.Intercept = nil
	b.signIn("1001").want(303)
}

// A key that the provider has withdrawn is believed no longer than a discovery, which is a day.
func TestWithdrawnKey(t *testing.T) {
	s := newSite(t)
	s.browser().signIn("1001").want(303)
	s.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/jwks" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"keys":[]}`)
		}
		return r.URL.Path == "/jwks"
	}
	s.clock.Advance(24 * time.Hour)
	s.browser().signIn("1001").want(503)
}

// A key set of a thousand keys is read; one of more than a megabyte is not (TestProviderFails), and a key that cannot be
// used hides no other.
func TestStrangeKeySets(t *testing.T) {
	s := newSite(t)
	for name, more := range map[string]string{
		"many":    strings.TrimSuffix(strings.Repeat(`{"kty":"oct","k":"AAAA","kid":"old"},`, 1000), ","),
		"unknown": `{"kty":"XYZ","kid":"x","alg":"PQ-1"}`,
	} {
		s.clock.Advance(24 * time.Hour)
		s.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/jwks" {
				return false
			}
			key, err := json.Marshal(s.idp.Keys()[0])
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"keys":[`+more+`,`+string(key)+`]}`)
			return true
		}
		if p := s.browser().signIn("1001"); p.status != 303 {
			t.Errorf("%s: %d %s", name, p.status, p.text)
		}
	}
}

// Clocks may differ by a few minutes where a token begins. It ends when it says.
func TestClockSkew(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration // of the provider's clock
		want  int
	}{
		"the same": {0, 303}, "ahead": {4 * time.Minute, 303}, "far ahead": {6 * time.Minute, 503},
		"behind": {-4 * time.Minute, 303}, "far behind": {-6 * time.Minute, 503},
	} {
		s := newSite(t, func(p *plan) {
			p.idp.Now = func() time.Time { return p.clock.Now().Add(c.ahead) }
			p.idp.Claims = func(claims map[string]any) { claims["nbf"] = claims["iat"] }
		})
		if p := s.browser().signIn("1001"); p.status != c.want {
			t.Errorf("%s: %d %s", name, p.status, p.text)
		}
	}
}

// Only asymmetric algorithms are believed, whatever the discovery document offers.
func TestSymmetricAlgorithmsAreNotBelieved(t *testing.T) {
	s := newSite(t, func(p *plan) {
		p.idp.Discovery = func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }
		hmacOfPublicKey(p)
	})
	b := s.browser()
	s.refused(t, b, b.signIn("1001"), 503)
}

// Nor is one whose key is published, where everybody can sign with it.
func TestPublishedSecretIsNotBelieved(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	s := newSite(t, signedBy(jose.HS256, jose.JSONWebKey{Key: secret, KeyID: "shared"}), func(p *plan) {
		p.idp.Discovery = func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"ES256", "HS256"} }
		p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/jwks" {
				w.Header().Set("Content-Type", "application/json")
				set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: secret, KeyID: "shared"}}}
				if err := json.NewEncoder(w).Encode(set); err != nil {
					t.Error(err)
				}
			}
			return r.URL.Path == "/jwks"
		}
	})
	b := s.browser()
	s.refused(t, b, b.signIn("1001"), 503)
}
