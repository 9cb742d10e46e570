package verify_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// BenchmarkVerify verifies one token in use, 4,000 in turn, one that is not remembered, and one that the issuer was asked
// about.
func BenchmarkVerify(b *testing.B) {
	i := newIssuer(b)
	i.answer("introspect", text([]byte(fmt.Sprintf(`{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q}`, audience))))
	var tokens []string
	for n := range 4000 {
		tokens = append(tokens, i.token(i.keys[0], func(c *jwt.Claims) { c.ID = fmt.Sprint("tok_", n) }))
	}
	for name, c := range map[string]struct {
		verifier *verify.Verifier
		tokens   []string
	}{
		"hot":        {i.verifier(), tokens[:1]},
		"4000":       {i.verifier(func(c *verify.Config) { c.CacheSize = 16384 }), tokens},
		"uncached":   {i.verifier(func(c *verify.Config) { c.CacheSize = -1 }), tokens[:1]},
		"introspect": {i.verifier(func(c *verify.Config) { c.Introspection = &verify.Introspection{APIKey: "oak_1_2"} }), tokens[:1]},
	} {
		b.Run(name, func(b *testing.B) {
			for _, token := range c.tokens {
				accepted(b, c.verifier, token)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if _, err := c.verifier.Verify(b.Context(), c.tokens[n%len(c.tokens)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMiddleware is a request with a token in use through RequireScopes.
func BenchmarkMiddleware(b *testing.B) {
	i := newIssuer(b)
	h := i.verifier().RequireScopes("read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+i.token(i.keys[0]))
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
	if w.Code != 200 {
		b.Fatal(w.Code)
	}
}

// A remembered token costs no memory.
func TestHotVerificationAllocatesNothing(t *testing.T) {
	i := newIssuer(t)
	v, token, ctx := i.verifier(), i.token(i.keys[0]), t.Context()
	accepted(t, v, token)
	if n := testing.AllocsPerRun(100, func() { _, _ = v.Verify(ctx, token) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
