package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/internal/jwt"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const (
	ann      = "ann@example.com"
	audience = "https://api.example"
	lifetime = 10 * time.Minute // of access tokens, by default
)

// network is the way from a verifier to the issuer: it counts requests, and can be cut.
type network struct {
	base    http.RoundTripper
	cut     atomic.Bool
	mu      sync.Mutex
	asked   map[string]int // by the last element of the path
	replace map[string]http.HandlerFunc
}

func newNetwork(base http.RoundTripper) *network {
	return &network{base: base, asked: map[string]int{}, replace: map[string]http.HandlerFunc{}}
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	n.mu.Lock()
	n.asked[name]++
	other := n.replace[name]
	n.mu.Unlock()
	if n.cut.Load() {
		return nil, errors.New("no route to host")
	}
	if other != nil {
		w := httptest.NewRecorder()
		other(w, r)
		return w.Result(), r.Context().Err()
	}
	return n.base.RoundTrip(r)
}

// count is how often a document or endpoint was asked for.
func (n *network) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name]
}

// answer replaces what the issuer answers; nil brings the issuer back.
func (n *network) answer(name string, h http.HandlerFunc) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.replace[name] = h
}

// world is an application with OneAuth over TLS, and the network between it and a service.
type world struct {
	*oneauthtest.Server
	*network
	t testing.TB
}

func newWorld(t testing.TB, options ...oneauth.Option) *world {
	t.Helper()
	defaults := []oneauth.Option{oneauth.WithScopes("read", "write", "introspect"), oneauth.WithAudience(audience)}
	s := oneauthtest.Serve(t, func(a *oneauth.Auth) http.Handler { return a }, append(defaults, options...)...)
	return &world{Server: s, network: newNetwork(s.Browser(t).Transport), t: t}
}

// verifier makes a verifier of the application's tokens, with its clock.
func (w *world) verifier(edits ...func(*verify.Config)) *verify.Verifier {
	w.t.Helper()
	cfg := verify.Config{
		Issuer: w.URL, Audiences: []string{audience}, HTTPClient: &http.Client{Transport: w.network}, Now: w.Now,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	return must(verify.New(cfg))(w.t)
}

// rotate makes the server sign with a new key, which takes ten minutes.
func (w *world) rotate() {
	w.t.Helper()
	if err := w.RotateSigningKeys(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.Advance(10 * time.Minute)
}

// issuer is an issuer of our own, whose private keys a test has.
type issuer struct {
	*httptest.Server
	*network
	t    testing.TB
	now  atomic.Int64 // Unix seconds
	mu   sync.Mutex
	keys []*jwt.Key
	set  []byte // what is published of them
}

// newIssuer listens with one Ed25519 key named k1.
func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.publish(newKey(t, "k1", jwt.EdDSA))
	i.now.Store(1_900_000_000)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + i.URL + `","jwks_uri":"` + i.URL + `/jwks.json","introspection_endpoint":"` + i.URL + `/introspect"}`))
	})
	mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(i.jwks()) })
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.network = newNetwork(http.DefaultTransport)
	return i
}

func newKey(t testing.TB, id string, alg jwt.Alg) *jwt.Key {
	t.Helper()
	return must(jwt.GenerateKey(rand.Reader, id, alg))(t)
}

func (i *issuer) publish(keys ...*jwt.Key) {
	i.t.Helper()
	set := must(must(jwt.NewKeySet(keys...))(i.t).JWKS())(i.t)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys, i.set = keys, set
}

func (i *issuer) jwks() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return bytes.Clone(i.set)
}

func (i *issuer) clock() time.Time { return time.Unix(i.now.Load(), 0) }

func (i *issuer) advance(d time.Duration) { i.now.Add(int64(d / time.Second)) }

func (i *issuer) verifier(edits ...func(*verify.Config)) *verify.Verifier {
	i.t.Helper()
	cfg := verify.Config{
		Issuer: i.URL, Audiences: []string{audience}, HTTPClient: &http.Client{Transport: i.network}, Now: i.clock,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	return must(verify.New(cfg))(i.t)
}

// claims are those of a good token that lives for a day.
func (i *issuer) claims() jwt.Claims {
	return jwt.Claims{
		Issuer: i.URL, Subject: "usr_1", Audience: []string{audience}, ID: "tok_1", ClientID: "first-party", SessionID: "ses_1",
		Scope: "read", IssuedAt: i.now.Load(), Expires: i.now.Load() + 24*3600,
	}
}

// token signs the claims with a key, after the edits.
func (i *issuer) token(key *jwt.Key, edits ...func(*jwt.Claims)) string {
	i.t.Helper()
	c := i.claims()
	for _, edit := range edits {
		edit(&c)
	}
	return must(jwt.Sign(key, c, nil))(i.t)
}

// accepted fails the test unless the token is.
func accepted(t testing.TB, v *verify.Verifier, token string) *verify.Claims {
	t.Helper()
	return must(v.Verify(t.Context(), token))(t)
}

// refused fails the test unless the error is what is wanted, and not the other one too.
func refused(t testing.TB, v *verify.Verifier, token string, want error) {
	t.Helper()
	c, err := v.Verify(t.Context(), token)
	if c != nil || !errors.Is(err, want) || errors.Is(err, verify.ErrInvalidToken) && errors.Is(err, verify.ErrUnavailable) {
		t.Fatalf("Verify = %v, %v; want the error %v", c, err, want)
	}
	if text := err.Error(); len(token) > 20 && strings.Contains(text, token[len(token)-20:]) {
		t.Errorf("the error contains the token: %s", text)
	}
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("not in ten seconds: %s", what)
		}
	}
}

// must returns a function that fails the test when there is an error, and else gives the value.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// withCancel is context.WithCancel of the test's.
func withCancel(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// newIssuerToken is a token of some issuer.
func newIssuerToken(t testing.TB) string {
	i := newIssuer(t)
	return i.token(i.keys[0])
}
