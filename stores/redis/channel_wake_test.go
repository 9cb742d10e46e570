package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

const (
	annMail     = "ann@example.com"
	annPassword = "purple otters sing at dawn"
)

// app is an application over a store.
type app struct {
	t       *testing.T
	auth    *oneauth.Auth
	guarded http.Handler
}

// wakeApp starts an application that looks for revocations every so often, and whenever channel says so.
func wakeApp(t *testing.T, store record.Backend, addr string, every time.Duration) *app {
	t.Helper()
	auth, err := oneauth.New(store, oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")),
		oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read"), oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithEnv(core.Env{Log: quiet()}), oneauth.WithRevocationPoll(every), oneauth.WithSessionCache(time.Minute),
		oneauth.WithWake(newChannel(t, addr)))
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- auth.Run(context.Background()) }()
	t.Cleanup(func() {
		_ = auth.Close()
		<-done
	})
	a := &app{t: t, auth: auth}
	a.guarded = auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	return a
}

// send is one request; it must be answered with status.
func (a *app) send(status int, h http.Handler, method, path, body string, edit ...func(*http.Request)) (map[string]any, *http.Response) {
	a.t.Helper()
	r := httptest.NewRequest(method, "https://app.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		a.t.Errorf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	out := map[string]any{}
	if w.Body.Len() > 0 {
		_ = json.Unmarshal(w.Body.Bytes(), &out)
	}
	return out, w.Result()
}

func bearer(token any) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", fmt.Sprint("Bearer ", token)) }
}

func withCookie(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

// login signs Ann in on a and makes the token known to b.
func login(t *testing.T, a, b *app) (token any) {
	t.Helper()
	in, _ := a.send(200, a.auth, "POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword))
	b.send(204, b.guarded, "GET", "/", "", bearer(in["access_token"]))
	return in["access_token"]
}

// endsOn reports, as eventually wants it, whether a credential is refused on b.
func endsOn(b *app, edit func(*http.Request)) func() error {
	return func() error {
		r, w := httptest.NewRequest("GET", "https://app.example/", nil), httptest.NewRecorder()
		edit(r)
		if b.guarded.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
			return fmt.Errorf("it is good still: %d", w.Code)
		}
		return nil
	}
}

// Two applications over one Redis, which brings word as well: what one ends is over on the other in a moment, though its
// next look at the store is half a minute away.
func TestWakeBetweenApplications(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	a := wakeApp(t, open(t, dial(t, server.Addr())), server.Addr(), 30*time.Second)
	b := wakeApp(t, open(t, dial(t, server.Addr())), server.Addr(), 30*time.Second)
	_, response := a.send(201, a.auth, "POST", "/auth/signup", fmt.Sprintf(`{"email":%q,"password":%q}`, annMail, annPassword))
	cookie := withCookie(response.Cookies()[0])
	eventually(t, 10*time.Second, func() error {
		if n := dial(t, server.Addr()).PubSubNumSub(t.Context(), redis.DefaultChannel).Val()[redis.DefaultChannel]; n != 2 {
			return errors.New("they do not listen yet")
		}
		return nil
	})
	var took []time.Duration
	for range 10 {
		token := login(t, a, b)
		began := time.Now()
		a.send(200, a.auth, "POST", "/auth/revoke", fmt.Sprintf(`{"token":%q}`, token))
		eventually(t, 10*time.Second, endsOn(b, bearer(token)))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a revoked token was refused on the other node after %v (median), %v at most", took[len(took)/2], took[len(took)-1])
	b.send(204, b.guarded, "GET", "/", "", cookie) // remembered for a minute
	a.send(204, a.auth, "POST", "/auth/logout", "", cookie, func(r *http.Request) { r.Header.Set("Origin", "https://app.example") })
	eventually(t, 10*time.Second, endsOn(b, cookie))
}

// With the channel's Redis gone for good, revocations arrive with the polls, and nobody who revokes waits for it.
func TestWakeWithoutRedis(t *testing.T) {
	server, data := parts.Redis(t, parts.Fast), parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	a := wakeApp(t, open(t, dial(t, data.Addr())), server.Addr(), 200*time.Millisecond)
	b := wakeApp(t, open(t, dial(t, data.Addr())), server.Addr(), 200*time.Millisecond)
	a.send(201, a.auth, "POST", "/auth/signup", fmt.Sprintf(`{"email":%q,"password":%q}`, annMail, annPassword))
	token := login(t, a, b)
	server.Kill()
	a.send(200, a.auth, "POST", "/auth/revoke", fmt.Sprintf(`{"token":%q}`, token))
	a.send(401, a.guarded, "GET", "/", "", bearer(token))
	eventually(t, 10*time.Second, endsOn(b, bearer(token)))
}
