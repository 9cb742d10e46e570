package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// world is an application with OneAuth over TLS, in which ann has an account.
type world struct {
	*oneauthtest.Server
	t         *testing.T
	refreshes atomic.Int64 // answers of the token endpoint with 200
	mu        sync.Mutex
	bodies    []string // that POST /api/echo has got
	browsers  sync.WaitGroup
}

func newWorld(t *testing.T, options ...oneauth.Option) *world {
	t.Helper()
	w := &world{t: t}
	w.Server = oneauthtest.Serve(t, w.routes, append([]oneauth.Option{oneauth.WithScopes("read", "write")}, options...)...)
	w.User(t, ann)
	return w
}

func (w *world) routes(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/me", auth.RequireScopes("read")(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		fmt.Fprint(out, oneauth.From(r.Context()).Subject)
	})))
	mux.Handle("/api/admin", auth.RequireScopes("admin")(http.NotFoundHandler()))
	mux.Handle("/api/echo", auth.RequireScopes("write")(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.bodies = append(w.bodies, string(body))
	})))
	auth.Mount(mux)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: out}
		mux.ServeHTTP(s, r)
		if r.URL.Path == "/auth/token" && s.status == 200 {
			w.refreshes.Add(1)
		}
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// base is a transport that trusts the server's certificate.
func (w *world) base() http.RoundTripper { return w.Browser(w.t).Transport }

// client makes a client of the application with its clock.
func (w *world) client(options ...client.Option) *client.Client {
	w.t.Helper()
	own := []client.Option{client.WithClock(w.Now), client.WithHTTPClient(&http.Client{Transport: w.base()})}
	return must(client.New(w.URL, append(own, options...)...))(w.t)
}

// login is client, signed in as ann.
func (w *world) login(options ...client.Option) *client.Client {
	w.t.Helper()
	c := w.client(options...)
	must(c.LoginWithPassword(w.t.Context(), ann, oneauthtest.Password))(w.t)
	return c
}

// http is what a program uses to call the application.
func (w *world) http(c *client.Client) *http.Client {
	return &http.Client{Transport: c.Transport(w.base())}
}

// get calls the application, and returns status and body.
func (w *world) get(c *client.Client, path string) (int, string) {
	w.t.Helper()
	return send(w.t, w.http(c), must(http.NewRequest("GET", w.URL+path, nil))(w.t))
}

// wantMe fails the test unless the client is let in.
func (w *world) wantMe(c *client.Client) {
	w.t.Helper()
	if status, body := w.get(c, "/api/me"); status != 200 || !strings.HasPrefix(body, "usr_") {
		w.t.Fatalf("GET /api/me: %d %s", status, body)
	}
}

// wantRefreshes fails the test unless the token endpoint has given so many pairs.
func (w *world) wantRefreshes(n int64) {
	w.t.Helper()
	if got := w.refreshes.Load(); got != n {
		w.t.Fatalf("%d refreshes, want %d", got, n)
	}
}

func send(t *testing.T, h *http.Client, r *http.Request) (int, string) {
	t.Helper()
	answer := must(h.Do(r.WithContext(t.Context())))(t)
	defer answer.Body.Close()
	return answer.StatusCode, string(must(io.ReadAll(answer.Body))(t))
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

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// stored is what a store has.
func stored(t *testing.T, s client.Store) *client.Credential {
	t.Helper()
	return must(s.Load(context.Background()))(t)
}

// set replaces what a store has.
func set(t testing.TB, s client.Store, c *client.Credential) {
	t.Helper()
	err := s.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
}
