package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

const (
	goodPassword = "purple otters sing at dawn"
	appRedirect  = "com.example.app:/signed-in"
)

// site is an application with the provider "example", whose people are those of idp.New, both served for real.
type site struct {
	*oneauth.Auth
	t     testing.TB
	idp   *idp.Provider
	url   string
	clock *clock.Held

	handler http.Handler
	mu      sync.Mutex
	events  []core.Event
}

// plan is what a test wants otherwise than usual.
type plan struct {
	store    record.Backend
	provider oauth.Provider
	idp      *idp.Provider // an own one; nil makes one
	clock    *clock.Held
	options  []oneauth.Option
	late     func(site string) // the last changes, with the site's address
}

func newSite(t testing.TB, change ...func(*plan)) *site {
	t.Helper()
	s := &site{t: t}
	p := &plan{store: mem.New(), clock: clock.Noon()}
	p.idp = newProvider(t, p.clock)
	p.provider = oauth.OIDC("example", p.idp.Issuer, p.idp.ClientID, p.idp.ClientSecret)
	p.provider.Title = "Example ID"
	p.provider.Rules.TrustEmail = true
	for _, f := range change {
		f(p)
	}
	s.idp, s.clock = p.idp, p.clock
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	if p.late != nil {
		p.late(s.url)
	}
	auth, err := oneauth.New(p.store, append([]oneauth.Option{
		oneauth.WithSecrets([]byte("0123456789abcdef-a-master-secret-of-the-tests")),
		oneauth.WithBaseURL(s.url),
		oneauth.WithScopes("read", "write"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithProviders(p.provider),
		oneauth.WithClients(
			core.ClientConfig{ID: "app", RedirectURIs: []string{appRedirect, "http://127.0.0.1/callback", "https://spa.example/cb?from=oneauth"}},
			core.ClientConfig{ID: "other", RedirectURIs: []string{appRedirect}},
			core.ClientConfig{ID: "plain"},
		),
		oneauth.WithListener(func(_ context.Context, e core.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		}),
		oneauth.WithEnv(core.Env{Now: p.clock.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}),
	}, p.options...)...)
	if err != nil {
		t.Fatal(err)
	}
	s.Auth = auth
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/me", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, oneauth.From(r.Context()).Subject)
	})))
	s.handler = mux
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) })
	server.Start()
	t.Cleanup(func() {
		server.Close()
		_ = auth.Close()
	})
	return s
}

// newProvider serves an identity provider.
func newProvider(t testing.TB, c *clock.Held) *idp.Provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	p, err := idp.New("http://"+server.Listener.Addr().String(), "our-app", "our-secret")
	if err != nil {
		t.Fatal(err)
	}
	p.Now = c.Now
	server.Config.Handler = p.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// reasons returns why sign-ins failed so far.
func (s *site) reasons() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Outcome == core.Failure {
			all = append(all, e.Reason)
		}
	}
	return all
}

func (s *site) saw(typ core.EventType) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Type == typ {
			return true
		}
	}
	return false
}

// httptest.Server.Close closes what is idle in http.DefaultTransport, and so breaks a request of another test that takes such
// a connection just then. It leaves a transport alone that cannot be told to.
func init() { http.DefaultTransport = struct{ http.RoundTripper }{http.DefaultTransport} }

// browser is a person's browser. It follows no redirect by itself.
type browser struct {
	t    testing.TB
	s    *site
	http *http.Client
	ctx  context.Context // of its requests
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s.t, s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, s.t.Context()}
}

// page is what a server answered.
type page struct {
	t      testing.TB
	status int
	header http.Header
	text   string
}

func (p page) location() *url.URL {
	p.t.Helper()
	u, err := url.Parse(p.header.Get("Location"))
	if err != nil || p.header.Get("Location") == "" {
		p.t.Fatalf("answer is %d without a Location: %s", p.status, p.text)
	}
	return u
}

func (p page) want(status int, parts ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("answer is %d %s %s, want %d", p.status, p.header.Get("Location"), p.text, status)
	}
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			p.t.Fatalf("answer %s does not have %q", p.text, part)
		}
	}
	return p
}

func (p page) json() map[string]any {
	p.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(p.text), &out); err != nil {
		p.t.Fatalf("not JSON: %s", p.text)
	}
	return out
}

func (p page) str(name string) string {
	p.t.Helper()
	text, _ := p.json()[name].(string)
	return text
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{b.t, resp.StatusCode, resp.Header, string(body)}
}

func (b *browser) request(method, address string, body io.Reader) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.s.url + address
	}
	r, err := http.NewRequestWithContext(b.ctx, method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	return r
}

// get opens an address: of the site, when it is a path.
func (b *browser) get(address string) page {
	b.t.Helper()
	return b.do(b.request("GET", address, nil))
}

// submit posts a form of one of the site's own pages.
func (b *browser) submit(path string, pairs ...string) page {
	b.t.Helper()
	r := b.request("POST", path, strings.NewReader(form(pairs).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// call posts JSON as a program does.
func (b *browser) call(path string, body any, headers ...string) page {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r := b.request("POST", path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Del("Accept")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

func form(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// at lets a person choose who to be at the provider, to whose page a sign-in has led, and returns where the browser is
// sent back to.
func (b *browser) at(provider *url.URL, person string) *url.URL {
	b.t.Helper()
	q := provider.Query()
	q.Set("person", person)
	provider.RawQuery = q.Encode()
	return b.get(provider.String()).want(303).location()
}

// begin starts a sign-in and returns the address of the provider's page.
func (b *browser) begin(pairs ...string) *url.URL {
	b.t.Helper()
	return b.get("/auth/oauth/example?" + form(pairs).Encode()).want(303).location()
}

// signIn signs a person of the provider in, and returns the answer to the callback.
func (b *browser) signIn(person string, pairs ...string) page {
	b.t.Helper()
	return b.get(b.at(b.begin(pairs...), person).String())
}

// whoami returns who is signed in here, or "".
func (b *browser) whoami() string {
	b.t.Helper()
	p := b.get("/me")
	if p.status != 200 {
		return ""
	}
	return p.text
}

// member signs up with a password and returns the user's id.
func (b *browser) member(email string) string {
	b.t.Helper()
	b.submit("/auth/signup", "email", email, "password", goodPassword).want(303)
	return b.whoami()
}
