package core_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// The passwords of these tests, both acceptable on their own.
const (
	goodPassword  = "glow-marble-otter-71-quay"
	otherPassword = "tundra.velvet.47.canoe.mint"
	wrongPassword = "not.the.password.at.all.93"
)

// mailbag is a courier that keeps what it is given.
type mailbag struct {
	mu      sync.Mutex
	notices []core.Notice
	refuse  error // what Deliver answers after it has kept the notice
}

func (m *mailbag) Deliver(_ context.Context, n core.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notices = append(m.notices, n)
	return m.refuse
}

func (m *mailbag) all() []core.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]core.Notice(nil), m.notices...)
}

func (m *mailbag) refuseWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

// world is one application over one data set.
type world struct {
	*core.Auth
	t      testing.TB
	data   *mem.Store
	store  *storetest.Faults // the instance's way to the data: counts calls, fails when told
	clock  *clock.Held
	mail   *mailbag
	cfg    core.Config
	events *eventLog
}

type eventLog struct {
	mu  sync.Mutex
	all []core.Event
}

func (l *eventLog) hear(_ context.Context, e core.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

func (l *eventLog) of(typ core.EventType) (out []core.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

func keyring(t testing.TB, seeds ...byte) *seal.Keyring {
	t.Helper()
	var secrets [][]byte
	for _, s := range seeds {
		secret := make([]byte, 32)
		for i := range secret {
			secret[i] = s + byte(i)
		}
		secrets = append(secrets, secret)
	}
	k, err := seal.New(rand.Reader, secrets[0], secrets[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newWorld makes an application with cheap hashing, a held clock, and scopes read, write and admin.
func newWorld(t testing.TB, change ...func(*core.Config)) *world {
	t.Helper()
	return worldOver(t, mem.New(), clock.Noon(), change...)
}

// worldOver makes one over given data.
func worldOver(t testing.TB, data *mem.Store, c *clock.Held, change ...func(*core.Config)) *world {
	t.Helper()
	w := &world{t: t, data: data, clock: c, mail: &mailbag{}, events: &eventLog{}}
	w.cfg = core.Config{
		Env:       core.Env{Now: c.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))},
		Secrets:   keyring(t, 1),
		BaseURL:   "https://app.example",
		Scopes:    []string{"read", "write", "admin"},
		Hashing:   password.CheapParams(),
		Courier:   w.mail,
		Listeners: []core.Listener{w.events.hear},
	}
	for _, f := range change {
		f(&w.cfg)
	}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	w.store = storetest.Faulty(w.data.Again())
	auth, err := core.New(w.t.Context(), w.store, w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Auth = auth
	w.t.Cleanup(func() { _ = auth.Close() }) // a test may have closed it
}

// again opens a second instance over the same data, as another process would have it.
func (w *world) again(change ...func(*core.Config)) *world {
	w.t.Helper()
	o := *w
	for _, f := range change {
		f(&o.cfg)
	}
	o.open()
	return &o
}

var browser = core.Wish{Kind: core.BrowserSession}
var api = core.Wish{Kind: core.APISession}

// person signs up with an address and goodPassword.
func (w *world) person(email string) *core.SignedIn {
	w.t.Helper()
	in, err := w.SignUp(w.t.Context(), core.SignUp{Email: email, Password: goodPassword, Wish: browser})
	if err != nil {
		w.t.Fatalf("sign up %s: %v", email, err)
	}
	return in
}

func (w *world) signIn(typed, pw string, wish core.Wish) (*core.SignedIn, error) {
	return w.SignIn(w.t.Context(), core.PasswordSignIn{Identifier: typed, Password: pw, Wish: wish})
}

// apiLogin signs in as an API client.
func (w *world) apiLogin(typed string) *core.SignedIn {
	w.t.Helper()
	in, err := w.signIn(typed, goodPassword, api)
	if err != nil {
		w.t.Fatalf("sign in %s: %v", typed, err)
	}
	return in
}

// verified makes an account with a proved address.
func (w *world) verified(email string) *core.User {
	w.t.Helper()
	u, _, err := w.Users().Ensure(w.t.Context(), core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}}, Password: goodPassword,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// notices delivers what is due and returns everything that was delivered.
func (w *world) notices() []core.Notice {
	w.t.Helper()
	if err := w.DeliverPending(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.mail.all()
}

// link returns the token of the newest mail of a template to an address.
func (w *world) link(template, to string) string {
	w.t.Helper()
	all := w.notices()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Template == template && all[i].To == to {
			return tokenOf(w.t, all[i])
		}
	}
	w.t.Fatalf("no %s mail to %s among %d", template, to, len(all))
	return ""
}

func tokenOf(t testing.TB, n core.Notice) string {
	t.Helper()
	u, err := url.Parse(n.Link)
	if err != nil || u.Query().Get("token") == "" {
		t.Fatalf("link %q has no token (%v)", n.Link, err)
	}
	return u.Query().Get("token")
}

// resetLink asks for a reset link for an address and returns its token.
func (w *world) resetLink(email string) string {
	w.t.Helper()
	if err := w.ForgotPassword(w.t.Context(), email); err != nil {
		w.t.Fatal(err)
	}
	return w.link(core.NoticeReset, email)
}

// calls returns which methods were called for which kinds by f, in order.
func (w *world) calls(f func()) []string {
	w.store.Clear()
	f()
	var out []string
	for _, c := range w.store.Calls() {
		out = append(out, string(c.Method)+" "+strings.Join(c.Kinds, ","))
	}
	return out
}

// methods is calls without the kinds.
func (w *world) methods(f func()) string {
	var out []string
	for _, c := range w.calls(f) {
		method, _, _ := strings.Cut(c, " ")
		out = append(out, method)
	}
	return strings.Join(out, " ")
}

func wantCode(t testing.TB, err error, want core.Code) *core.Error {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Fatalf("error is %v, want %s", err, want)
	}
	return e
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rounds is how often a race is run: n, or what ONEAUTH_TEST_ROUNDS says.
func rounds(t *testing.T, n int) int {
	t.Helper()
	if s := os.Getenv("ONEAUTH_TEST_ROUNDS"); s != "" {
		more, err := strconv.Atoi(s)
		if err != nil || more < 1 {
			t.Fatalf("ONEAUTH_TEST_ROUNDS=%q is not a positive number", s)
		}
		return more
	}
	return n
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// dump returns every record of some tenants' kinds, as it is stored.
func (w *world) dump(tenants ...string) []record.Record {
	w.t.Helper()
	var out []record.Record
	for _, tenant := range append(tenants, record.System) {
		for _, kind := range []string{
			"account", "user", "identity", "password", "session", "attempt", "one_time_token", "api_key", "client", "guess",
			"linked_account", "outbox", "lease", "root_secret", "tenant",
		} {
			rows, err := w.data.Find(w.t.Context(), record.Query{Tenant: tenant, Kind: kind, Limit: record.MaxPage})
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, rows...)
		}
	}
	return out
}

// count returns how many records of a kind the default tenant has.
func (w *world) count(kind string) (n int) {
	for _, r := range w.dump(core.DefaultTenant) {
		if r.Kind == kind && r.Tenant == core.DefaultTenant {
			n++
		}
	}
	return n
}
