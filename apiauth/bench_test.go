package apiauth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/jwt"
	"github.com/oneauth-go/oneauth/stores/file"
)

// signingKey reads the signing key of a node from its store, to measure others with the same token.
func (n *node) signingKey(b testing.TB, store record.Backend, token string) *jwt.Key {
	b.Helper()
	kid := segment(b, token, 0)["kid"].(string)
	rows, err := store.Get(context.Background(), record.Key{Tenant: record.System, Kind: "signing_keys", ID: "set"})
	if err != nil || len(rows) != 1 {
		b.Fatalf("signing keys: %d, %v", len(rows), err)
	}
	sealed := storedSecret(b, rows[0], kid)
	secret, err := n.auth.Config().Secrets.Open(sealed, "signing_keys", kid)
	if err != nil {
		b.Fatal(err)
	}
	k, err := jwt.ParseSecret(kid, jwt.Alg(segment(b, token, 0)["alg"].(string)), secret)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// bench is a node on a file with a real clock and running jobs, as in production.
func bench(b *testing.B, with func(*setup)) (*node, record.Backend) {
	b.Helper()
	store, err := file.Open(filepath.Join(b.TempDir(), "bench.db"), file.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	n := start(b, func(s *setup) {
		s.store = store
		s.now = time.Now
		if with != nil {
			with(s)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.auth.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return n, store
}

// measure sends requests in turn through the whole middleware.
func measure(b *testing.B, n *node, credentials ...string) {
	b.Helper()
	var last *core.Principal
	h := n.api.Middleware().ValidateToken(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		last = core.PrincipalOf(r.Context())
	}))
	headers := make([][]string, len(credentials))
	for i, c := range credentials {
		headers[i] = []string{"Bearer " + c}
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	for _, r.Header["Authorization"] = range headers {
		h.ServeHTTP(w, r)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Header["Authorization"] = headers[i]
		h.ServeHTTP(w, r)
		if i++; i == len(headers) {
			i = 0
		}
	}
	if last == nil {
		b.Fatalf("the request was refused: %d %s", w.Code, w.Body)
	}
}

// revokeSomebody makes the revocation set non-empty, so that asking it is measured.
func (n *node) revokeSomebody() {
	n.form("/auth/revoke", "token", n.login().str("refresh_token")).want(200)
}

func BenchmarkAPIMiddleware(b *testing.B) {
	uncached := func(alg string) func(*setup) {
		return func(s *setup) { s.api.Alg, s.api.TokenCache = alg, -1 }
	}
	for name, with := range map[string]func(*setup){
		"HS256": uncached("HS256"), "EdDSA-uncached": uncached("EdDSA"), "EdDSA-hot": nil,
	} {
		b.Run(name, func(b *testing.B) {
			n, _ := bench(b, with)
			token := n.login().str("access_token")
			n.get("/me", token).want(200)
			n.revokeSomebody()
			measure(b, n, token)
		})
	}
	b.Run("EdDSA-10k", func(b *testing.B) {
		n, _ := bench(b, nil)
		in := n.signIn(b)
		tokens := make([]string, 10_000)
		for i := range tokens {
			got, err := n.api.Issue(b.Context(), in)
			if err != nil {
				b.Fatal(err)
			}
			tokens[i] = got.AccessToken
		}
		n.revokeSomebody()
		measure(b, n, tokens...)
	})
	b.Run("APIKey", func(b *testing.B) {
		n, _ := bench(b, nil)
		_, key := n.key(b.Context(), n.user(b.Context(), ann).ID, "read")
		measure(b, n, key)
	})
	b.Run("APIKey-uncached", func(b *testing.B) {
		n, _ := bench(b, func(s *setup) { s.api.KeyCacheFor = -1 })
		_, key := n.key(b.Context(), n.user(b.Context(), ann).ID, "read")
		measure(b, n, key)
	})
}

// BenchmarkReference is what BenchmarkAPIMiddleware is measured against: the library with the same token, and the bare
// signature verification.
func BenchmarkReference(b *testing.B) {
	b.Run("golang-jwt-HS256", func(b *testing.B) {
		n, store := bench(b, func(s *setup) { s.api.Alg = "HS256" })
		token := n.login().str("access_token")
		secret, err := n.signingKey(b, store, token).MarshalSecret()
		if err != nil {
			b.Fatal(err)
		}
		parser := golangjwt.NewParser(golangjwt.WithValidMethods([]string{"HS256"}), golangjwt.WithIssuer(baseURL),
			golangjwt.WithAudience(baseURL), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt())
		keyFunc := func(*golangjwt.Token) (any, error) { return secret, nil }
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parser.ParseWithClaims(token, golangjwt.MapClaims{}, keyFunc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ed25519-raw", func(b *testing.B) {
		n, store := bench(b, nil)
		token := n.login().str("access_token")
		public := n.signingKey(b, store, token).Public().(ed25519.PublicKey)
		dot := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		if err != nil {
			b.Fatal(err)
		}
		input := []byte(token[:dot])
		for b.Loop() {
			if !ed25519.Verify(public, input, signature) {
				b.Fatal("wrong signature")
			}
		}
	})
}

// signIn mints a session for ann.
func (n *node) signIn(t testing.TB) *core.SignedIn {
	t.Helper()
	u := n.user(t.Context(), ann)
	in, err := n.auth.Admit(t.Context(), core.Proof{UserID: u.ID, Method: "test", Verify: func(*core.Tx) error { return nil }},
		core.Wish{Kind: core.APISession})
	if err != nil {
		t.Fatal(err)
	}
	return in
}
