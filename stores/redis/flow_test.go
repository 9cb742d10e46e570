package redis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/redis"
)

const (
	annMail     = "ann@example.com"
	annPassword = "purple otters sing at dawn"
)

// letters keeps the mail that is sent.
type letters struct {
	mu   sync.Mutex
	text string
}

func (l *letters) Send(_ context.Context, m mail.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += m.Text
	return nil
}

func (l *letters) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

// app is an application over a store.
type app struct {
	t       *testing.T
	auth    *oneauth.Auth
	guarded http.Handler
	letters *letters
}

func newApp(t *testing.T, store record.Backend) *app {
	t.Helper()
	secret := []byte("a secret of thirty-two bytes, or more")
	a := &app{t: t, letters: &letters{}}
	var err error
	a.auth, err = oneauth.New(store, oneauth.WithSecrets(secret), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithScopes("read"), oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithSender(core.Email, a.letters), oneauth.WithEnv(core.Env{Log: quiet()}))
	must(t, err)
	t.Cleanup(func() { _ = a.auth.Close() })
	a.guarded = a.auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
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

// live goes through the life of an account, and returns every secret that the way gave out, and the name of the cookie.
func (a *app) live() (secrets []string, cookieName string) {
	a.t.Helper()
	credentials := fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword)
	_, response := a.send(201, a.auth, "POST", "/auth/signup", fmt.Sprintf(`{"email":%q,"password":%q}`, annMail, annPassword))
	cookie := response.Cookies()[0]
	a.send(204, a.guarded, "GET", "/", "", withCookie(cookie))
	login, _ := a.send(200, a.auth, "POST", "/auth/api/login", credentials)
	a.send(204, a.guarded, "GET", "/", "", bearer(login["access_token"]))
	refresh := func(token any) string { return fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token) }
	next, _ := a.send(200, a.auth, "POST", "/auth/token", refresh(login["refresh_token"]))
	key, _ := a.send(201, a.auth, "POST", "/auth/keys", `{"name":"ci","scopes":["read"]}`, bearer(next["access_token"]))
	a.send(204, a.guarded, "GET", "/", "", bearer(key["key"]))
	a.send(202, a.auth, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, annMail))
	links := regexp.MustCompile(`token=([A-Za-z0-9_.~-]+)`)
	ctx, stop := context.WithCancel(a.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.auth.Run(ctx) }()
	eventually(a.t, 20*time.Second, func() error {
		if n := len(links.FindAllString(a.letters.all(), -1)); n < 2 {
			return fmt.Errorf("%d mails with links were sent, want one to verify and one to reset", n)
		}
		return nil
	})
	stop()
	<-done
	secrets = []string{annPassword, cookie.Value}
	for _, s := range []any{login["access_token"], login["refresh_token"], next["access_token"], next["refresh_token"], key["key"]} {
		secrets = append(secrets, s.(string))
	}
	for _, m := range links.FindAllStringSubmatch(a.letters.all(), -1) {
		secrets = append(secrets, m[1])
	}
	return secrets, cookie.Name
}

// dump returns every key and every value in Redis.
func dump(t *testing.T, raw *goredis.Client) (out []string) {
	t.Helper()
	ctx := t.Context()
	for _, k := range raw.Keys(ctx, "*").Val() {
		out = append(out, k)
		switch kind := raw.Type(ctx, k).Val(); kind {
		case "string":
			out = append(out, raw.Get(ctx, k).Val())
		case "hash":
			for f, v := range raw.HGetAll(ctx, k).Val() {
				out = append(out, f, v)
			}
		case "zset":
			out = append(out, raw.ZRange(ctx, k, 0, -1).Val()...)
		case "set":
			out = append(out, raw.SMembers(ctx, k).Val()...)
		default:
			t.Fatalf("%s is a %s", k, kind)
		}
	}
	return out
}

// signsNobodyIn checks that nothing in Redis is a secret that was given out, or is taken for one.
func (a *app) signsNobodyIn(raw *goredis.Client, secrets []string, cookieName string) {
	a.t.Helper()
	all := dump(a.t, raw)
	if len(all) == 0 {
		a.t.Fatal("there is nothing in Redis")
	}
	for _, v := range all {
		for _, s := range secrets {
			if strings.Contains(v, s) {
				a.t.Errorf("%.100q has the secret %.20q", v, s)
			}
		}
		if strings.ContainsAny(v, "\r\n\x00;\", \\") || len(v) > 4000 {
			continue // cannot be in a header
		}
		for _, present := range []func(*http.Request){bearer(v), withCookie(&http.Cookie{Name: cookieName, Value: v})} {
			r := httptest.NewRequest("GET", "https://app.example/", nil)
			present(r)
			w := httptest.NewRecorder()
			if a.guarded.ServeHTTP(w, r); w.Code != 401 && w.Code != 400 {
				a.t.Errorf("with %.100q from the dump: %d", v, w.Code)
			}
		}
	}
}

// The life of an account over a store in Redis. A dump of it signs nobody in.
func TestA32Store(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	a := newApp(t, open(t, raw))
	secrets, cookieName := a.live()
	a.signsNobodyIn(raw, secrets, cookieName)
}

// The same with Redis as a cache. A session that ends is not served any more.
func TestA32Cache(t *testing.T) {
	raw := single(t)
	if raw == nil {
		return
	}
	cached, err := redis.Cache(mem.New(), raw, redis.CacheOptions{Kinds: []string{"session", "account", "user"}, TTL: time.Hour, Timeout: 10 * time.Second})
	must(t, err)
	a := newApp(t, cached)
	secrets, cookieName := a.live()
	a.send(204, a.guarded, "GET", "/", "", withCookie(&http.Cookie{Name: cookieName, Value: secrets[1]}))
	a.signsNobodyIn(raw, secrets, cookieName)
	_, response := a.send(200, a.auth, "POST", "/auth/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword))
	cookie := response.Cookies()[0]
	a.send(204, a.guarded, "GET", "/", "", withCookie(cookie))
	a.send(204, a.auth, "POST", "/auth/logout", "", withCookie(cookie), func(r *http.Request) {
		r.Header.Set("Origin", "https://app.example")
	})
	a.send(401, a.guarded, "GET", "/", "", withCookie(cookie))
}
