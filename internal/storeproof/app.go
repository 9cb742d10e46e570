package storeproof

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/oauth"
)

const (
	origin       = "https://app.example"
	goodPassword = "purple otters sing at dawn"
	newPassword  = "seven quiet lanterns by the sea"
	masterSecret = "a secret of thirty-two bytes, or more"
)

// app is an application over a store, with the identity provider "example" where there is one.
type app struct {
	*oneauth.Auth
	t       testing.TB
	letters *letters
	guarded http.Handler // a route of the application itself, for whoever is signed in
}

// Configured is a store over which an application needs options of its own.
type Configured interface{ Options() []oneauth.Option }

// newAuth is one process of the application. issuer is the identity provider's, or "" for none.
func newAuth(b record.Backend, issuer string, courier core.Courier) (*oneauth.Auth, error) {
	options := []oneauth.Option{
		oneauth.WithSecrets([]byte(masterSecret)), oneauth.WithBaseURL(origin), oneauth.WithScopes("read", "write"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}), oneauth.WithRefreshGrace(-1), oneauth.WithStrictTokens(), oneauth.WithoutPages(),
		oneauth.WithCourier(courier), oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}),
		oneauth.WithGuessLimit(1 << 20), // a thief tries every word of a dump as a password
		oneauth.WithClients(core.ClientConfig{ID: appClient, RedirectURIs: []string{appRedirect}}),
	}
	if issuer != "" {
		p := oauth.OIDC("example", issuer, idpClient, idpSecret)
		p.Rules.TrustEmail, p.KeepTokens, p.KeepClaims = true, true, true
		options = append(options, oneauth.WithProviders(p), oneauth.WithProviderClient(&http.Client{Transport: network}))
	}
	if c, ok := b.(Configured); ok {
		options = append(options, c.Options()...)
	}
	return oneauth.New(b, options...)
}

func start(t testing.TB, b record.Backend, issuer string) *app {
	t.Helper()
	a := &app{t: t, letters: &letters{}}
	auth, err := newAuth(b, issuer, a.letters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	a.Auth = auth
	a.guarded = auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	return a
}

// letters keeps the notices that are sent.
type letters struct {
	mu  sync.Mutex
	all []core.Notice
}

// Deliver keeps a notice.
func (l *letters) Deliver(_ context.Context, n core.Notice) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, n)
	return nil
}

// mailed delivers the notices that wait, and returns the token in the newest link of a kind that an address got.
func (a *app) mailed(to, template string) string {
	a.t.Helper()
	a.must(a.Core().DeliverPending(a.t.Context()))
	a.letters.mu.Lock()
	defer a.letters.mu.Unlock()
	for _, n := range slices.Backward(a.letters.all) {
		if n.To != to || n.Template != template {
			continue
		}
		_, token, _ := strings.Cut(n.Link, "=")
		return token
	}
	a.t.Fatalf("no %s notice to %s", template, to)
	return ""
}

func (a *app) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// answer is what an endpoint said.
type answer struct {
	code   int
	text   string
	header http.Header
	cookie string // "name=value" of the session's, or the sign-in's under way
}

// str returns a string member of a JSON answer.
func (a answer) str(name string) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(a.text), &body) // not JSON: no members
	text, _ := body[name].(string)
	return text
}

type edit = func(*http.Request)

func bearer(token string) edit {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func withCookie(c string) edit { return func(r *http.Request) { r.Header.Set("Cookie", c) } }

func within(ctx context.Context) edit { return func(r *http.Request) { *r = *r.WithContext(ctx) } }

// send makes a request to a handler, with body as JSON, or as a form when it is url.Values.
func send(h http.Handler, method, path string, body any, edits ...edit) answer {
	text, kind := "", "application/json"
	switch b := body.(type) {
	case nil:
	case url.Values:
		text, kind = b.Encode(), "application/x-www-form-urlencoded"
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			panic(err) // the tests send maps of strings
		}
		text = string(encoded)
	}
	r := httptest.NewRequest(method, origin+path, strings.NewReader(text))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	for _, e := range edits {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := answer{code: w.Code, text: w.Body.String(), header: w.Result().Header}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			out.cookie = cmp.Or(out.cookie, c.Name+"="+c.Value)
		}
	}
	return out
}

func (a *app) post(path string, body any, edits ...edit) answer {
	return send(a.Auth, "POST", "/auth"+path, body, edits...)
}

// opens reports how the application's own route answers to a credential.
func (a *app) opens(with edit) int { return send(a.guarded, "GET", "/", nil, with).code }

// want fails the test when the answer has another status.
func (a *app) want(code int, got answer) answer {
	a.t.Helper()
	if got.code != code {
		a.t.Fatalf("answer is %d %s, want %d", got.code, got.text, code)
	}
	return got
}

type object = map[string]string

func signUpOf(email string) object { return object{"email": email, "password": goodPassword} }
func signInOf(email string) object { return object{"identifier": email, "password": goodPassword} }
func refreshOf(token string) object {
	return object{"grant_type": "refresh_token", "refresh_token": token}
}

// person signs somebody up, and returns the id and the cookie.
func (a *app) person(email string) (userID, cookie string) {
	a.t.Helper()
	cookie = a.want(201, a.post("/signup", signUpOf(email))).cookie
	u, err := a.Users().Find(a.t.Context(), email)
	a.must(err)
	return u.ID, cookie
}

// resetLink asks for a link to reset the password, and returns its token.
func (a *app) resetLink(email string) string {
	a.t.Helper()
	a.want(202, a.post("/password/forgot", object{"identifier": email}))
	return a.mailed(email, core.NoticeReset)
}

// numbered returns an address that no other call returns.
func numbered(kind string, n int) string {
	return fmt.Sprintf("%s%d@example.com", strings.ReplaceAll(kind, " ", ""), n)
}
