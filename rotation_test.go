package oneauth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// fleet is two nodes over one store, behind a proxy that takes them in turn.
type fleet struct {
	t       *testing.T
	data    *mem.Store
	mailbox *mail.Mailbox
	turn    atomic.Int64
	nodes   [2]struct {
		sync.RWMutex // held for reading by every request
		*oneauth.Auth
		stopped <-chan error
		api     http.Handler
	}
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &f.nodes[f.turn.Add(1)%2]
	n.RLock()
	defer n.RUnlock()
	if r.URL.Path == "/api" {
		n.api.ServeHTTP(w, r)
		return
	}
	n.ServeHTTP(w, r)
}

// restart replaces node i by one with other secrets, as a rolling deployment does: the old one finishes what it serves.
func (f *fleet) restart(i int, secrets ...[]byte) {
	f.t.Helper()
	fresh, err := oneauth.New(f.data.Again(), oneauth.WithSecrets(secrets[0], secrets[1:]...),
		oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read"), oneauth.WithSender(core.Email, f.mailbox), cheap(), quiet())
	if err != nil {
		f.t.Fatalf("node %d: %v", i, err)
	}
	n := &f.nodes[i]
	n.Lock()
	old, stopped := n.Auth, n.stopped
	n.Auth, n.stopped, n.api = fresh, run(f.t, fresh), fresh.RequireScopes("read")(quick)
	n.Unlock()
	f.stop(old, stopped)
}

func (f *fleet) stop(auth *oneauth.Auth, stopped <-chan error) {
	if auth == nil {
		return
	}
	if err := auth.Close(); err != nil {
		f.t.Error(err)
	}
	if err := <-stopped; err != nil {
		f.t.Errorf("Run: %v", err)
	}
}

// visitor is a person with a browser and a program, who is never turned away.
type visitor struct {
	t       *testing.T
	url     string
	email   string
	cookie  *http.Cookie
	tokens  map[string]any
	rounds  *atomic.Int64
	failed  *atomic.Bool
	session *http.Client
}

func (v *visitor) ask(method, path, body string, want int, edit ...func(*http.Request)) map[string]any {
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.fail("%v", err)
		return nil
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	answer, err := v.session.Do(r)
	if err != nil {
		v.fail("%s: %v", path, err)
		return nil
	}
	defer answer.Body.Close()
	if cookies := answer.Cookies(); len(cookies) > 0 && v.cookie == nil {
		v.cookie = cookies[0]
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		v.fail("%s %s: %d %s (%v)", method, path, answer.StatusCode, text, err)
		return nil
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil && len(text) > 0 {
		v.fail("%s %s: %s: %v", method, path, text, err)
	}
	return out
}

func (v *visitor) fail(format string, args ...any) {
	v.failed.Store(true)
	v.t.Errorf(format, args...)
}

// round uses everything that a secret has to do with: the session, an access token, its refresh, a sign-in, a link.
func (v *visitor) round() {
	withCookie := func(r *http.Request) { r.AddCookie(v.cookie) }
	v.ask("GET", "/auth/session", "", 200, withCookie)
	v.ask("GET", "/api", "", 204, bearer(v.tokens["access_token"]))
	v.tokens = v.ask("POST", "/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, v.tokens["refresh_token"]), 200)
	v.ask("POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, v.email, annPassword), 200)
	v.rounds.Add(1)
}

// While the master secret is replaced on one node after the other, as docs/security.md says, nobody is turned away and no
// mail is lost.
func TestSecretRotationWhileTwoNodesServe(t *testing.T) {
	f := &fleet{t: t, data: mem.New(), mailbox: mail.NewMailbox(1000, nil)}
	old, fresh := secret(1), secret(2)
	f.restart(0, old)
	f.restart(1, old)
	server := httptest.NewServer(f)
	defer server.Close()

	var rounds atomic.Int64
	var failed, over atomic.Bool
	var visitors sync.WaitGroup
	for i := range 4 {
		v := &visitor{t: t, url: server.URL, email: fmt.Sprintf("user%d@example.com", i), rounds: &rounds, failed: &failed, session: server.Client()}
		v.ask("POST", "/auth/signup", signUpBody(v.email), 201)
		v.tokens = v.ask("POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, v.email, annPassword), 200)
		if failed.Load() {
			t.FailNow()
		}
		visitors.Go(func() {
			for !over.Load() && !failed.Load() {
				v.round()
			}
		})
	}
	served := func() { // between two steps everybody comes by some times
		goal := rounds.Load() + 12
		if !settled(func() bool { return rounds.Load() >= goal || failed.Load() }) {
			t.Error("nobody is served any more")
		}
	}
	for _, secrets := range [][][]byte{{old, fresh}, {fresh, old}, {fresh}} {
		for node := range f.nodes {
			served()
			f.restart(node, secrets...)
		}
		served()
		if &secrets[0][0] == &fresh[0] && len(secrets) == 2 {
			if err := f.nodes[0].Reseal(t.Context()); err != nil {
				t.Errorf("Reseal: %v", err)
			}
		}
	}
	over.Store(true)
	visitors.Wait()
	if err := f.nodes[0].Core().DeliverPending(t.Context()); err != nil {
		t.Error(err)
	}
	mails := map[string]int{}
	for _, m := range f.mailbox.Messages() {
		mails[m.To]++
	}
	if len(mails) != 4 {
		t.Errorf("mails: %v", mails)
	}
	for i := range f.nodes {
		f.stop(f.nodes[i].Auth, f.nodes[i].stopped)
	}
	if _, err := oneauth.New(f.data.Again(), oneauth.WithSecrets(old), oneauth.WithBaseURL("https://app.example"), cheap(), quiet()); err == nil {
		t.Error("the old secret still opens the store")
	}
}
