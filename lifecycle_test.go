package oneauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/file"
)

// production is a production-like Auth over a file.
func production(t *testing.T, path string, options ...oneauth.Option) (*oneauth.Auth, *file.Store) {
	t.Helper()
	store := openFile(t, path)
	auth, err := oneauth.New(store, append([]oneauth.Option{
		oneauth.WithSecrets(secret(1)), oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read"), cheap(), quiet(),
	}, options...)...)
	if err != nil {
		_ = store.Close()
		t.Fatal(err)
	}
	return auth, store
}

// run starts Run, and returns its end.
func run(t *testing.T, auth *oneauth.Auth) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- auth.Run(t.Context()) }()
	return done
}

// settled waits until ok, without sleeping, for at most half a minute.
func settled(ok func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// goroutines lists those that run our code or the store's engine, but for the test's own.
func goroutines() (ours []string) {
	buf := make([]byte, 4<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		library := strings.Contains(g, "oneauth-go/oneauth/") || strings.Contains(g, "oneauth-go/oneauth.") || strings.Contains(g, "bbolt")
		if library && !strings.Contains(g, "oneauth_test.goroutines") {
			ours = append(ours, g)
		}
	}
	return ours
}

// After Close nothing of a started Auth is left running, whether or not Run was called, and however often.
func TestCloseLeaksNoGoroutine(t *testing.T) {
	before := len(goroutines())
	for i := range 3 {
		auth, _ := production(t, filepath.Join(t.TempDir(), "app.db"), oneauth.WithSessionCache(time.Second), oneauth.WithWake(newBus()))
		var runs []<-chan error
		for range i {
			runs = append(runs, run(t, auth))
		}
		server := httptest.NewServer(auth)
		if w := send(auth, "POST", "/auth/signup", signUpBody(annMail)); w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		server.Close()
		if err := auth.Close(); err != nil {
			t.Fatal(err)
		}
		for _, done := range runs {
			if err := <-done; err != nil && i == 1 {
				t.Errorf("Run: %v", err)
			}
		}
		if err := auth.Run(t.Context()); err == nil {
			t.Error("Run after Close")
		}
	}
	if !settled(func() bool { return len(goroutines()) <= before }) {
		t.Errorf("goroutines left:\n%s", strings.Join(goroutines(), "\n\n"))
	}
}

// inTransit is a mail server that takes its time: it accepts some mails, and holds the others until their connection goes.
type inTransit struct {
	mu       sync.Mutex
	accepted map[string]int
	holds    func(to string) bool
	held     chan string
}

func (s *inTransit) Send(ctx context.Context, m mail.Message) error {
	if s.holds != nil && s.holds(m.To) {
		s.held <- m.To
		<-ctx.Done()
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[m.To]++
	return nil
}

// Close while mails wait, and while some are being sent, loses none: each is delivered at least once, and those that were
// accepted before are not sent again.
func TestCloseLosesNoMail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	c := clock.Noon()
	env := oneauth.WithEnv(held(c))
	slow := &inTransit{accepted: map[string]int{}, held: make(chan string, 100), holds: func(to string) bool { return strings.HasPrefix(to, "slow") }}
	auth, _ := production(t, path, env, oneauth.WithSender(core.Email, slow))
	const people = 24
	to := func(i int) string { return fmt.Sprintf("%s%d@example.com", []string{"slow", "quick", "quick"}[i%3], i) }
	for i := range people {
		if w := send(auth, "POST", "/auth/signup", signUpBody(to(i))); w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	done := run(t, auth)
	<-slow.held // one is being sent, and others wait behind it
	if err := auth.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	before := len(slow.accepted)

	good := &inTransit{accepted: slow.accepted}
	again, _ := production(t, path, env, oneauth.WithSender(core.Email, good))
	defer again.Close()
	c.Advance(time.Hour)
	if err := again.Core().DeliverPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range people {
		if n := good.accepted[to(i)]; n != 1 {
			t.Errorf("%s has %d mails (%d people had theirs at Close)", to(i), n, before)
		}
	}
}

// stored counts the records of some kinds.
func stored(t *testing.T, store record.Backend, kinds ...string) (n int) {
	t.Helper()
	for _, kind := range kinds {
		rows, err := store.Find(context.WithoutCancel(t.Context()), record.Query{Tenant: core.DefaultTenant, Kind: kind, Limit: record.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		n += len(rows)
	}
	return n
}

// A server that nobody asks anything any more gets rid of what has expired.
func TestIdleServerShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	synctest.Test(t, func(t *testing.T) {
		auth, store := production(t, path, oneauth.WithSender(core.Email, &inTransit{accepted: map[string]int{}}),
			oneauth.WithSessionLimits(core.SessionLimits{Idle: 5 * time.Minute, Absolute: 10 * time.Minute}),
			oneauth.WithLifetimes(core.Lifetimes{VerifyLink: 10 * time.Minute, ResetLink: 10 * time.Minute}))
		done := run(t, auth)
		for i := range 10 {
			email := fmt.Sprintf("user%d@example.com", i)
			send(auth, "POST", "/auth/signup", signUpBody(email))
			send(auth, "POST", "/auth/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, email, annPassword))
			send(auth, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, email))
		}
		full := stored(t, store, "session", "one_time_token")
		if full != 40 {
			t.Errorf("%d sessions and links, want 40", full)
		}
		time.Sleep(30 * time.Minute) // records go some minutes after they expired
		synctest.Wait()
		if left := stored(t, store, "session", "one_time_token", "outbox", "attempt"); left != 0 {
			t.Errorf("%d expired records are left", left)
		}
		if people := stored(t, store, "user"); people != 10 {
			t.Errorf("%d people are left", people)
		}
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}

// A wrong master secret fails at start, says so, and changes nothing.
func TestWrongSecretFailsAtStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	auth, _ := production(t, path)
	if err := auth.Close(); err != nil {
		t.Fatal(err)
	}
	store := openFile(t, path)
	_, err := oneauth.New(store, oneauth.WithSecrets(secret(9), secret(8)), oneauth.WithBaseURL("https://app.example"), cheap(), quiet())
	if !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), "master secret") {
		t.Errorf("the start said %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := production(t, path)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
