package oneauth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// bus is a channel between the nodes of one process.
type bus struct {
	mu        sync.Mutex
	listeners map[int]func(string)
	listening chan struct{} // gets one for each that listens
}

func newBus() *bus {
	return &bus{listeners: map[int]func(string){}, listening: make(chan struct{}, 10)}
}

func (b *bus) Announce(_ context.Context, tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, heard := range b.listeners {
		heard(tenant)
	}
	return nil
}

func (b *bus) Listen(ctx context.Context, heard func(string)) error {
	b.mu.Lock()
	me := len(b.listeners)
	b.listeners[me] = heard
	b.mu.Unlock()
	heard("")
	b.listening <- struct{}{}
	<-ctx.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.listeners, me)
	return ctx.Err()
}

// What ends on one node ends on the other at once, whatever the credential, though the next poll is half a minute away and
// sessions are remembered for a minute.
func TestWithWake(t *testing.T) {
	store, wake := mem.New(), newBus()
	node := func() *oneauth.Auth {
		auth, err := oneauth.New(store.Again(), oneauth.WithSecrets(secret(1)), oneauth.WithBaseURL("https://app.example"),
			oneauth.WithScopes("read"), oneauth.WithSessionCache(time.Minute), oneauth.WithRevocationPoll(30*time.Second),
			oneauth.WithWake(wake), cheap(), quiet())
		if err != nil {
			t.Fatal(err)
		}
		done := run(t, auth)
		<-wake.listening
		t.Cleanup(func() {
			_ = auth.Close()
			<-done
		})
		return auth
	}
	a, b := node(), node()
	in := send(a, "POST", "/auth/signup", signUpBody(annMail))
	if in.Code != 201 {
		t.Fatalf("%d %s", in.Code, in.Body)
	}
	cookie := in.Result().Cookies()[0]
	login := decode(t, send(a, "POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword)))
	key := decode(t, send(a, "POST", "/auth/keys", `{"name":"ci","scopes":["read"]}`, bearer(login["access_token"])))
	var ann string
	api := b.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ann = oneauth.From(r.Context()).Subject
		w.WriteHeader(http.StatusNoContent)
	}))
	credentials := map[string]func(*http.Request){
		"cookie": func(r *http.Request) { r.AddCookie(cookie) }, "token": bearer(login["access_token"]), "key": bearer(key["key"]),
	}
	for name, credential := range credentials {
		if w := send(api, "GET", "/", "", credential); w.Code != http.StatusNoContent {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	began := time.Now()
	if err := a.Users().Disable(t.Context(), ann, "test"); err != nil {
		t.Fatal(err)
	}
	for name, credential := range credentials {
		if !settled(func() bool { return send(api, "GET", "/", "", credential).Code == http.StatusUnauthorized }) {
			t.Errorf("the %s counts on", name)
		}
	}
	t.Logf("refused on the other node after %v", time.Since(began))
}

// A signing key that somebody else may have goes, and people stay signed in.
func TestDropSigningKey(t *testing.T) {
	auth := newAuth(t)
	in := decode(t, send(auth, "POST", "/auth/api/signup", signUpBody(annMail)))
	keys := decode(t, send(auth, "GET", "/auth/jwks.json", ""))["keys"].([]any)
	if err := auth.DropSigningKey(t.Context(), keys[0].(map[string]any)["kid"].(string)); err != nil {
		t.Fatal(err)
	}
	api := auth.RequireAuth(quick)
	if w := send(api, "GET", "/", "", bearer(in["access_token"])); w.Code != http.StatusUnauthorized {
		t.Errorf("a token of the dropped key: %d", w.Code)
	}
	next := decode(t, send(auth, "POST", "/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, in["refresh_token"])))
	if w := send(api, "GET", "/", "", bearer(next["access_token"])); w.Code != http.StatusNoContent {
		t.Errorf("a token of the next key: %d %s", w.Code, w.Body)
	}
}

func TestWakeOptionsAreJudged(t *testing.T) {
	for says, o := range map[string]oneauth.Option{
		"WithWake": oneauth.WithWake(nil), "FeedEvery": oneauth.WithRevocationPoll(time.Minute),
	} {
		if _, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("New said %v, nothing of %q", err, says)
		}
	}
}
