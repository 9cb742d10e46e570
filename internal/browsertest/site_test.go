package browsertest_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// Where things are. The browser's way to all of .example leads to the test's own server; the site of the first three is
// shop.example.
const (
	appHost     = "id.shop.example"
	strictHost  = "strict.shop.example" // the same application, which verifies before it signs up
	siblingHost = "blog.shop.example"   // same site, another origin, and not to be trusted
	evilHost    = "evil.example"

	baseURL = "https://" + appHost
	secret  = "purple otters sing at dawn" // everybody's password
)

// site is an application that runs behind TLS, and what a test needs to know about it.
type site struct {
	t       *testing.T
	auth    *oneauth.Auth
	strict  *oneauth.Auth // at strictHost, if openStrict was called
	tls     *httptest.Server
	cert    certificate
	proxy   string // URL of the way from the browser to here
	control string // URL of what the driver of the browser asks for beside the browser
	clock   clock
	record  recorder
	hosts   map[string]http.Handler // other than the application's own, which answers for every name that is not here
}

// open starts an application at baseURL, over a file.
func open(t *testing.T, options ...oneauth.Option) *site {
	t.Helper()
	s := &site{t: t, cert: certified(), clock: clock{}, hosts: map[string]http.Handler{
		siblingHost: http.HandlerFunc(elsewhere), evilHost: http.HandlerFunc(elsewhere),
	}}
	store, err := file.Open(filepath.Join(t.TempDir(), "app.db"), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.auth = s.start(store, append([]oneauth.Option{oneauth.WithBaseURL(baseURL)}, options...)...)
	app := application(s.auth)
	s.tls = httptest.NewUnstartedServer(s.record.all(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if other := s.hosts[host]; other != nil {
			other.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})))
	s.tls.TLS = s.cert.config()
	s.tls.EnableHTTP2 = true
	s.tls.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that the browser opened in vain
	s.tls.StartTLS()
	t.Cleanup(s.tls.Close)
	proxy := httptest.NewServer(http.HandlerFunc(s.tunnel))
	t.Cleanup(proxy.Close)
	s.proxy = proxy.URL
	control := httptest.NewServer(s.controls())
	t.Cleanup(control.Close)
	s.control = control.URL
	return s
}

// start makes an Auth as an application does while it is written, with its background work, until the test ends.
func (s *site) start(store oneauth.Store, options ...oneauth.Option) *oneauth.Auth {
	s.t.Helper()
	auth, err := oneauth.New(store, append([]oneauth.Option{
		oneauth.WithDevelopment(), oneauth.WithAppName("Shop"), oneauth.WithScopes("read", "write"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithFields(core.Field{Name: "city", Type: core.TextField}, core.Field{Name: "age", Type: core.NumberField, Validate: adult}),
		oneauth.WithEnv(core.Env{Now: s.clock.now, Log: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}),
	}, options...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- auth.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, auth.Close()); err != nil && !errors.Is(err, context.Canceled) {
			s.t.Error(err)
		}
	})
	return auth
}

// openStrict adds the application that verifies addresses before it signs anybody up.
func (s *site) openStrict() {
	s.t.Helper()
	auth := s.start(mem.New(), oneauth.WithBaseURL("https://"+strictHost), oneauth.WithSignUp(core.VerifyFirst))
	s.hosts[strictHost], s.strict = application(auth), auth
}

func adult(value any) string {
	if n, ok := value.(float64); !ok || n < 18 || n > 130 {
		return "Between 18 and 130."
	}
	return ""
}

// application is what OneAuth is mounted in: a start page, a page for people, a form of its own, and an API.
func application(auth *oneauth.Auth) http.Handler {
	page := func(heading string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := "nobody"
			if p := oneauth.From(r.Context()); p != nil {
				if u, ids, err := auth.Core().User(r.Context(), p.Subject); err == nil {
					who = fmt.Sprintf("%s %s", u.Name, ids[0].Value)
				}
			}
			h := w.Header()
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
			h.Set("Cache-Control", "no-store")
			fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>%s</title><meta name="viewport" content="width=device-width"></head>`+
				`<body><main><h1>%[1]s</h1><p id="who">%s</p><a href="/auth/account">Account</a></main></body></html>`,
				heading, html.EscapeString(who))
		})
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.Optional(page("Start")))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /app", auth.RequireSession(page("Inside")))
	mux.Handle("POST /note", auth.CSRF(auth.RequireSession(page("Noted"))))
	mux.Handle("GET /api/hello", auth.RequireScopes("read")(page("Hello")))
	return mux
}

// elsewhere is a host whose pages an attacker writes: it serves what the query says.
func elsewhere(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Referrer-Policy", "unsafe-url")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Elsewhere</title><body>%s</body></html>`, r.FormValue("html"))
}

// controls is what only the test may do: read mails, move the clock, disable an account, and see what was asked for.
func (s *site) controls() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /mail", s.auth.MailboxHandler())
	mux.HandleFunc("GET /strict/mail", func(w http.ResponseWriter, r *http.Request) { s.strict.MailboxHandler().ServeHTTP(w, r) })
	mux.HandleFunc("POST /advance", func(w http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			s.t.Error(err)
		}
		s.clock.advance(by)
	})
	mux.HandleFunc("GET /seen", func(w http.ResponseWriter, r *http.Request) { writeJSON(s.t, w, s.record.drain()) })
	return mux
}

// user makes an account with a verified address.
func (s *site) user(ctx context.Context, address string) *core.User {
	s.t.Helper()
	u, _, err := s.auth.Users().Ensure(ctx, core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: address, Verified: true}}, Password: secret,
		Data: map[string]any{"age": 30.0},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// client returns a client that reaches every host of the site, and has whatever it is told to.
func (s *site) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: s.cert.clientConfig(), ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, s.tls.Listener.Addr().String())
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *site) port() string {
	u, err := url.Parse(s.tls.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Port()
}

// clock is the real one, moved on as far as the test says.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
}
