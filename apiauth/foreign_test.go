package apiauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/stores/mem"
)

// golang.org/x/oauth2 that is not told how to authenticate tries HTTP Basic first and then parameters. A refresh rotates
// exactly once all the same.
func TestRefreshByXOAuth2(t *testing.T) {
	n := start(t, func(s *setup) { s.core.RefreshGrace = -1 })
	u := n.user(t.Context(), ann)
	for name, c := range map[string]struct {
		client, secret string
		answer         answer
	}{
		"public":       {"first-party", "", n.login()},
		"confidential": {"shop", shopSecret, n.granted(u.ID, "shop", shopSecret)},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(n.h)
			defer server.Close()
			cfg := oauth2.Config{ClientID: c.client, ClientSecret: c.secret, Endpoint: oauth2.Endpoint{TokenURL: server.URL + "/auth/token"}}
			source := cfg.TokenSource(t.Context(), &oauth2.Token{RefreshToken: c.answer.str("refresh_token")})
			token, err := source.Token()
			n.must(err)
			if token.TokenType != "Bearer" || token.RefreshToken == c.answer.str("refresh_token") || token.Expiry.IsZero() {
				t.Errorf("the token is %+v", token)
			}
			s, err := n.auth.Session(t.Context(), c.answer.str("session_id"))
			if err != nil || s.Generation != 2 {
				t.Errorf("the session is at %+v, %v, want one rotation", s, err)
			}
			n.get("/write", token.AccessToken)
		})
	}
}

// required reports whether a part of the machine must be there (ONEAUTH_REQUIRE is a list, or "all").
func required(part string) bool {
	for _, name := range strings.FieldsFunc(os.Getenv("ONEAUTH_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if name == part || name == "all" {
			return true
		}
	}
	return false
}

// The npm package jose verifies our tokens with nothing but the issuer's published keys.
func TestVerifiedByJose(t *testing.T) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			if required("node") {
				t.Fatalf("%s is required and not there", program)
			}
			t.Logf("%s is not there: a foreign verifier was not tried", program)
			return
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "verify.mjs"} {
		b, err := os.ReadFile(filepath.Join("testdata", "jose", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if required("node") {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Logf("npm ci failed: a foreign verifier was not tried: %v\n%s", err, out)
		return
	}
	for _, alg := range []string{"EdDSA", "ES256", "RS256"} {
		t.Run(alg, func(t *testing.T) { verifyByJose(ctx, t, dir, alg) })
	}
}

func verifyByJose(ctx context.Context, t *testing.T, dir, alg string) {
	n := start(t, func(s *setup) { s.store, s.now, s.api.Alg = mem.New(), time.Now, alg })
	server := httptest.NewServer(n.h)
	defer server.Close()
	before := n.login().str("access_token")
	n.must(n.api.RotateKeys(ctx))
	in, err := json.Marshal(map[string]any{
		"jwks": server.URL + "/auth/jwks.json", "issuer": baseURL, "audience": baseURL, "good": []string{before},
		"bad": []string{before[:len(before)-4] + "AAAA"},
	})
	n.must(err)
	verify := exec.CommandContext(ctx, "node", "verify.mjs")
	verify.Dir, verify.Stdin = dir, bytes.NewReader(in)
	out, err := verify.CombinedOutput()
	if err != nil || !strings.Contains(string(out), segment(t, before, 1)["sub"].(string)) {
		t.Fatalf("jose says: %v\n%s", err, out)
	}
}
