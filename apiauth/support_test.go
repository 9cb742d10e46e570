package apiauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"crypto/rand"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/stores/mem"
)

const (
	baseURL    = "https://app.example"
	ann        = "ann@example.com"
	bob        = "bob@example.com"
	goodPass   = "correct horse battery staple"
	shopSecret = "shop-secret-shop-secret-shop-secret"
	otherKey   = "other-secret-other-secret-other-secret"
)

var master = []byte("0123456789abcdef-a-master-secret-of-the-tests")

// node is one process of an application, with the API's endpoints and some routes of its own.
type node struct {
	t     testing.TB
	auth  *core.Auth
	api   *apiauth.Service
	clock *clock.Held
	h     http.Handler
}

// setup is what a test wants otherwise than usual.
type setup struct {
	store record.Backend
	clock *clock.Held
	now   func() time.Time // instead of the clock
	core  core.Config
	api   apiauth.Options
}

// start makes a node. Those that are given the same store and clock are nodes of one application.
func start(t testing.TB, with func(*setup)) *node {
	t.Helper()
	n, err := tryStart(t, with)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func tryStart(t testing.TB, with func(*setup)) (*node, error) {
	t.Helper()
	s := &setup{store: mem.New(), clock: clock.Noon()}
	keys, err := seal.New(rand.Reader, master)
	if err != nil {
		t.Fatal(err)
	}
	s.core = core.Config{
		Secrets: keys, BaseURL: baseURL, Hashing: password.CheapParams(), Scopes: []string{"read", "write", "introspect"},
		Clients: []core.ClientConfig{
			{ID: "shop", Secrets: []string{shopSecret}, Audiences: []string{"https://shop.example"}},
			{ID: "other", Secrets: []string{otherKey}},
			{ID: "phone"},
		},
	}
	s.api.Grants = map[string]apiauth.GrantHandler{testGrant: nil}
	if with != nil {
		with(s)
	}
	n := &node{t: t, clock: s.clock}
	if h, ok := s.api.Grants[testGrant]; ok && h == nil {
		s.api.Grants[testGrant] = n.trust
		for i := range s.core.Clients {
			if c := &s.core.Clients[i]; len(c.Grants) == 0 {
				c.Grants = []string{core.GrantRefresh, testGrant}
			}
		}
	}
	if s.core.Env.Now = s.now; s.now == nil {
		s.core.Env.Now = s.clock.Now
	}
	if n.api, err = apiauth.New(s.api); err != nil {
		return nil, err
	}
	s.core.Features = append(s.core.Features, n.api.Feature())
	if n.auth, err = core.New(context.Background(), s.store, s.core); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = n.auth.Close() })
	entry := s.api.Entry
	if entry == nil {
		entry = &wire.Entry{}
	}
	mux := http.NewServeMux()
	router := wire.NewRouter("/auth", entry, wire.ErrorWriter{}, n.api.Routes())
	mux.Handle("/auth/", router)
	mux.Handle("/.well-known/", router)
	m := n.api.Middleware()
	mux.Handle("/me", m.ValidateToken(whoAmI))
	mux.Handle("/optional", m.Optional(whoAmI))
	mux.Handle("/write", m.RequireScopes("write")(whoAmI))
	mux.Handle("/any", m.Accept(core.ViaSession, core.ViaJWT, core.ViaAPIKey).ValidateToken(whoAmI))
	mux.Handle("/keys-only", m.Accept(core.ViaAPIKey).ValidateToken(whoAmI))
	n.h = mux
	return n, nil
}

// whoAmI answers with the principal's subject, or "nobody".
var whoAmI = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p := core.PrincipalOf(r.Context())
	if p == nil {
		p = &core.Principal{Subject: "nobody"}
	}
	wire.WriteJSON(w, http.StatusOK, map[string]any{"sub": p.Subject, "via": p.Via, "scopes": p.Scopes, "tenant": p.Tenant})
})

// testGrant signs in, for any client, whom its user parameter names.
const testGrant = "urn:test:trust"

func (n *node) trust(ctx context.Context, g apiauth.GrantRequest) (*core.SignedIn, error) {
	return n.auth.Admit(ctx, core.Proof{UserID: g.Params("user"), Method: "test", Verify: func(*core.Tx) error { return nil }},
		core.Wish{Kind: core.APISession, ClientID: g.Client.ID, Scopes: core.ParseScope(g.Params("scope"))})
}

// user makes a user with a password.
func (n *node) user(ctx context.Context, email string) *core.User {
	n.t.Helper()
	u, _, err := n.auth.Users().Ensure(ctx, core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}}, Password: goodPass,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return u
}

// answer is what an endpoint said.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (a answer) str(name string) string {
	s, _ := a.body[name].(string)
	return s
}

// want fails the test unless the status is as given, and the error code, if one is given.
func (a answer) want(status int, code ...string) answer {
	a.t.Helper()
	got := a.str("error")
	if got == "" {
		got = a.str("code")
	}
	if a.status != status || len(code) > 0 && got != code[0] {
		a.t.Fatalf("answer is %d %s, want %d %v", a.status, a.text, status, code)
	}
	return a
}

// do sends a request; headers come in pairs.
func (n *node) do(method, path string, body io.Reader, headers ...string) answer {
	return n.doCtx(context.Background(), method, path, body, headers...)
}

func (n *node) doCtx(ctx context.Context, method, path string, body io.Reader, headers ...string) answer {
	n.t.Helper()
	r := httptest.NewRequest(method, path, body).WithContext(ctx)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	n.h.ServeHTTP(w, r)
	a := answer{t: n.t, status: w.Code, header: w.Header(), text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") && json.Unmarshal(w.Body.Bytes(), &a.body) != nil {
		n.t.Fatalf("%s %s: not JSON: %s", method, path, a.text)
	}
	return a
}

func (n *node) form(path string, pairs ...string) answer {
	n.t.Helper()
	return n.formWith(nil, path, pairs...)
}

// formWith posts a form with further headers.
func (n *node) formWith(headers []string, path string, pairs ...string) answer {
	n.t.Helper()
	return n.do("POST", path, strings.NewReader(encode(pairs)),
		append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func encode(pairs []string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func (n *node) json(path string, body any, headers ...string) answer {
	n.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.do("POST", path, bytes.NewReader(b), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

func basic(id, secret string) []string {
	pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
}

// login signs ann in and returns the token answer.
func (n *node) login() answer {
	n.t.Helper()
	n.user(context.Background(), ann)
	return n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}).want(200)
}

func (n *node) get(path, token string) answer {
	n.t.Helper()
	if token == "" {
		return n.do("GET", path, nil)
	}
	return n.do("GET", path, nil, bearer(token)...)
}

// granted signs a user in for a client by the test grant.
func (n *node) granted(userID, client, secret string, more ...string) answer {
	n.t.Helper()
	pairs := append([]string{"grant_type", testGrant, "user", userID, "client_id", client}, more...)
	if secret != "" {
		pairs = append(pairs, "client_secret", secret)
	}
	return n.form("/auth/token", pairs...).want(200)
}

func (n *node) refresh(token string, more ...string) answer {
	n.t.Helper()
	return n.form("/auth/token", append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// key makes an API key of a subject.
func (n *node) key(ctx context.Context, subject string, scopes ...string) (id, text string) {
	n.t.Helper()
	k, text, err := n.auth.CreateKey(ctx, subject, core.NewKey{Name: "k", Scopes: scopes})
	if err != nil {
		n.t.Fatal(err)
	}
	return k.ID, text
}

// segment decodes one part of a token.
func segment(t testing.TB, token string, i int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// poll runs the background jobs once.
func (n *node) poll() {
	n.t.Helper()
	n.must(n.auth.RunJobs(context.Background()))
}
