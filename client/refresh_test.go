package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/core"
)

const lifetime = 10 * time.Minute // of access tokens, by default

// The token is renewed shortly before it ends, not earlier.
func TestRefreshBeforeExpiry(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	w.wantMe(c)
	w.Advance(lifetime - 31*time.Second)
	w.wantMe(c)
	w.wantRefreshes(0)
	w.Advance(2 * time.Second)
	w.wantMe(c)
	w.wantMe(c)
	w.wantRefreshes(1)
}

// Of a short-lived token the margin is the last quarter.
func TestMarginOfShortLives(t *testing.T) {
	w := newWorld(t)
	c := w.login(client.WithRefreshMargin(time.Hour))
	w.Advance(lifetime*3/4 - time.Second)
	w.wantMe(c)
	w.wantRefreshes(0)
	w.Advance(time.Second)
	w.wantMe(c)
	w.wantRefreshes(1)
}

func TestOneRefreshForAllGoroutines(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	for round := range int64(3) {
		w.Advance(lifetime)
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 64 {
			all.Go(func() {
				<-start
				if status, body := w.get(c, "/api/me"); status != 200 {
					t.Errorf("%d %s", status, body)
				}
			})
		}
		close(start)
		all.Wait()
		w.wantRefreshes(round + 1)
	}
}

// Who gives up waiting does not take the refresh from the others.
func TestCallerGivesUp(t *testing.T) {
	w := newWorld(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	base := w.base()
	c := w.login(client.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/auth/token" {
			close(asked)
			<-goOn
		}
		return base.RoundTrip(r)
	})}))
	w.Advance(lifetime)
	ctx, giveUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := c.TokenSource(ctx).Token()
		first <- err
	}()
	<-asked
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	close(goOn)
	w.wantMe(c)
	w.wantRefreshes(1)
}

// lossy lets requests to the token endpoint reach the server, and loses the answers while lose is set.
type lossy struct {
	base http.RoundTripper
	lose atomic.Bool
	sent atomic.Int64
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.base.RoundTrip(r)
	if err != nil || r.URL.Path != "/auth/token" {
		return answer, err
	}
	l.sent.Add(1)
	if l.lose.Load() {
		answer.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return answer, nil
}

// An answer that is lost on the way is asked for again at once.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t)
	base := &lossy{base: w.base()}
	once := roundTrip(func(r *http.Request) (*http.Response, error) {
		base.lose.Store(base.sent.Load() == 0)
		return base.RoundTrip(r)
	})
	c := w.login(client.WithHTTPClient(&http.Client{Transport: once}))
	w.Advance(lifetime)
	w.wantMe(c)
	if sent := base.sent.Load(); sent != 2 {
		t.Errorf("%d tries, want 2", sent)
	}
	w.Advance(lifetime)
	w.wantMe(c)
}

// A process that dies between the server's commit and its own save leaves the old refresh token in the store. The next one
// presents it again: within the grace window the session goes on, after it the session is over and the store empty.
func TestCrashBetweenCommitAndSave(t *testing.T) {
	for name, c := range map[string]struct {
		later time.Duration
		want  error
	}{"within the grace window": {9 * time.Second, nil}, "after it": {11 * time.Second, client.ErrSignedOut}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			store := must(client.NewFileStore(filepath.Join(t.TempDir(), "credential.json")))(t)
			base := &lossy{base: w.base()}
			dies := w.login(client.WithStore(store), client.WithHTTPClient(&http.Client{Transport: base}))
			session := must(dies.Session(t.Context()))(t).ID
			w.Advance(lifetime)
			base.lose.Store(true)
			before := stored(t, store)
			if _, err := dies.TokenSource(t.Context()).Token(); !errors.Is(err, client.ErrUnavailable) {
				t.Fatalf("with lost answers: %v", err)
			}
			if now := stored(t, store); now.RefreshToken != before.RefreshToken {
				t.Fatal("the store has another refresh token")
			}
			w.Advance(c.later)
			next := w.client(client.WithStore(store))
			_, err := next.TokenSource(t.Context()).Token()
			if !errors.Is(err, c.want) {
				t.Fatalf("the next process: %v, want %v", err, c.want)
			}
			s, lives := w.Core().Session(t.Context(), session)
			if c.want != nil {
				if stored(t, store) != nil || !errors.Is(lives, core.ErrNotFound) {
					t.Errorf("a session that is over: %v", lives)
				}
				return
			}
			if s.Generation != 2 {
				t.Errorf("the session has generation %d, want 2", s.Generation)
			}
			w.wantMe(next)
		})
	}
}

// failing is a store that cannot save.
type failing struct {
	client.Store
	broken atomic.Bool
}

func (f *failing) Update(ctx context.Context, change func(context.Context, *client.Credential) (*client.Credential, error)) error {
	return f.Store.Update(ctx, func(ctx context.Context, current *client.Credential) (*client.Credential, error) {
		next, err := change(ctx, current)
		if err == nil && next != current && f.broken.Load() {
			return nil, errors.New("no space left on device")
		}
		return next, err
	})
}

// A successor that could not be saved is not lost while the process lives, however long that takes.
func TestStoreThatCannotSave(t *testing.T) {
	w := newWorld(t)
	store := &failing{Store: client.NewMemoryStore()}
	c := w.login(client.WithStore(store))
	w.Advance(lifetime)
	store.broken.Store(true)
	for range 2 {
		if _, err := c.TokenSource(t.Context()).Token(); !errors.Is(err, client.ErrStore) || !strings.Contains(err.Error(), "no space") {
			t.Fatalf("with a full disk: %v", err)
		}
	}
	w.wantRefreshes(1)
	w.Advance(time.Minute)
	store.broken.Store(false)
	w.wantMe(c)
	w.wantRefreshes(1)
	w.Advance(lifetime)
	w.wantMe(c)
	w.wantRefreshes(2)
}

// A session that was ended elsewhere: the next refresh removes the credential, and says so.
func TestSignedOutElsewhere(t *testing.T) {
	w := newWorld(t)
	store := client.NewMemoryStore()
	c := w.login(client.WithStore(store))
	if err := w.Users().RevokeAll(t.Context(), w.User(t, ann).ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.http(c).Get(w.URL + "/api/me"); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("a request: %v", err)
	}
	if stored(t, store) != nil {
		t.Error("the credential is still there")
	}
	if _, err := c.Session(t.Context()); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("the session: %v", err)
	}
}

// While the server is away the token is used to its end, and the server is not asked with every request.
func TestServerAway(t *testing.T) {
	w := newWorld(t)
	var away atomic.Bool
	var asked atomic.Int64
	base := w.base()
	c := w.login(client.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if away.Load() {
			asked.Add(1)
			return nil, errors.New("connection refused")
		}
		return base.RoundTrip(r)
	})}))
	w.Advance(lifetime - 20*time.Second)
	away.Store(true)
	for range 5 {
		w.wantMe(c)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want one refresh of two tries", n)
	}
	w.Advance(20 * time.Second)
	if _, err := w.http(c).Get(w.URL + "/api/me"); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("after its end: %v", err)
	}
	away.Store(false)
	w.wantMe(c)
	w.wantRefreshes(1)
}

// A server that asks for patience gets it.
func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	asked := 0
	base, busy := w.base(), true
	c := w.login(client.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/auth/token" || !busy {
			return base.RoundTrip(r)
		}
		asked++
		return &http.Response{
			StatusCode: 429, Header: http.Header{"Retry-After": {"20"}}, Body: io.NopCloser(strings.NewReader(`{"error":"throttled"}`)),
		}, nil
	})}))
	w.Advance(lifetime)
	for range 3 {
		_, err := c.TokenSource(t.Context()).Token()
		refused := (*client.Error)(nil)
		if !errors.Is(err, client.ErrThrottled) || !errors.As(err, &refused) || refused.RetryAfter != 20*time.Second {
			t.Fatalf("throttled: %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	busy = false
	w.Advance(21 * time.Second)
	w.wantMe(c)
}
