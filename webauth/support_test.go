package webauth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/webauth"
)

const (
	baseURL  = "https://app.example"
	cookie   = "__Host-oneauth"
	goodPass = "correct horse battery staple"
	newPass  = "seventeen purple elephants dancing"
	ann      = "ann@example.com"
)

// inbox is a courier that keeps what it is given.
type inbox struct {
	mu      sync.Mutex
	notices []core.Notice
}

func (b *inbox) Deliver(_ context.Context, n core.Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notices = append(b.notices, n)
	return nil
}

// app is an application with the endpoints mounted under /auth.
type app struct {
	t     testing.TB
	auth  *core.Auth
	web   *webauth.Service
	clock *clock.Held
	inbox *inbox
	h     http.Handler
}

// settings are what a test wants otherwise than usual.
type settings struct {
	core core.Config
	web  webauth.Options
}

func newApp(t testing.TB, change ...func(*settings)) *app { return newAppOn(t, mem.New(), change...) }

func newAppOn(t testing.TB, store record.Backend, change ...func(*settings)) *app {
	t.Helper()
	a := &app{t: t, inbox: &inbox{}, clock: clock.At(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))}
	secrets, err := seal.New(rand.Reader, []byte("an example of thirty-two bytes!!"))
	if err != nil {
		t.Fatal(err)
	}
	s := settings{
		core: core.Config{
			Env: core.Env{Now: a.clock.Now}, Secrets: secrets, BaseURL: baseURL, Courier: a.inbox,
			Scopes: []string{"read", "write", "profile"}, Hashing: password.CheapParams(),
			Fields: []core.Field{
				{Name: "city", Type: core.TextField}, {Name: "age", Type: core.NumberField},
				{Name: "news", Type: core.BoolField}, {Name: "plan", Type: core.TextField, ReadOnly: true},
			},
		},
		web: webauth.Options{Entry: &wire.Entry{}},
	}
	for _, f := range change {
		f(&s)
	}
	if s.web.Bearer == nil {
		s.web.Bearer = a.bearer
	}
	if a.auth, err = core.New(t.Context(), store, s.core); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.auth.Close() })
	if a.web, err = webauth.New(a.auth, s.web); err != nil {
		t.Fatal(err)
	}
	router := wire.NewRouter("/auth", s.web.Entry, s.web.Errors, a.web.Routes())
	router.ErrorPages(a.web.ErrorPage)
	a.h = router
	return a
}

// newCore returns an Auth for a base URL, without endpoints.
func newCore(t testing.TB, base string) *core.Auth {
	t.Helper()
	secrets, err := seal.New(rand.Reader, []byte("an example of thirty-two bytes!!"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(t.Context(), mem.New(), core.Config{Secrets: secrets, BaseURL: base, Hashing: password.CheapParams()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

// bearer stands for the API edge: "session.<id>" is an access token of that session, oak_... an API key.
func (a *app) bearer(ctx context.Context, r *http.Request) (*core.Principal, bool, error) {
	token, present, err := wire.BearerToken(r)
	if !present || err != nil {
		return nil, present, err
	}
	if core.IsAPIKey(token) {
		p, err := a.auth.CheckKey(ctx, token)
		return p, true, err
	}
	id, narrow, _ := strings.Cut(strings.TrimPrefix(token, "session."), "~")
	s, err := a.auth.Session(context.WithoutCancel(ctx), id)
	if err != nil {
		if ended, ok := endedTokens.Load(id); ok { // the token outlives its session
			return ended.(*core.Principal), true, nil
		}
		return nil, true, core.ErrInvalidToken
	}
	p := &core.Principal{
		Subject: s.UserID, Kind: core.UserAccount, Via: core.ViaJWT, SessionID: s.ID, ClientID: s.ClientID, Scopes: s.Scopes,
	}
	if narrow != "" {
		p.Scopes = []string{narrow}
	}
	endedTokens.Store(id, p)
	return p, true, nil
}

var endedTokens sync.Map

// call is one request and who makes it.
type call struct {
	method, path string
	json         any        // body as JSON, unless it is a string, which goes as it is
	form         url.Values // body as a form
	cookies      map[string]string
	header       http.Header
	remote, host string
}

// reply is what came back.
type reply struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// do makes a request. Options such as sameOrigin change it first.
func (a *app) do(c call, options ...func(*call)) reply {
	a.t.Helper()
	for _, o := range options {
		o(&c)
	}
	return a.doCtx(a.t.Context(), c)
}

// sameOrigin makes a request one of our own pages.
func sameOrigin(c *call) {
	c.header = plus(c.header, "Origin", baseURL, "Sec-Fetch-Site", "same-origin")
}

func plus(h http.Header, pairs ...string) http.Header {
	out := header(pairs...)
	maps.Copy(out, h)
	return out
}

func (a *app) doCtx(ctx context.Context, c call) reply {
	a.t.Helper()
	var body io.Reader
	media := ""
	switch in := c.json.(type) {
	case nil:
		if c.form != nil {
			body, media = strings.NewReader(c.form.Encode()), "application/x-www-form-urlencoded"
		}
	case string:
		body, media = strings.NewReader(in), "application/json"
	default:
		text, err := json.Marshal(in)
		if err != nil {
			a.t.Fatal(err)
		}
		body, media = bytes.NewReader(text), "application/json"
	}
	r := httptest.NewRequestWithContext(ctx, c.method, baseURL+"/auth"+c.path, body)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	if c.host != "" {
		r.Host = c.host
	}
	maps.Copy(r.Header, c.header)
	for _, name := range slices.Sorted(maps.Keys(c.cookies)) {
		r.Header.Add("Cookie", name+"="+c.cookies[name]) // as it is: http.Cookie would mend it
	}
	w := httptest.NewRecorder()
	a.h.ServeHTTP(w, r)
	return reply{w, a.t}
}

// want fails the test unless the answer has the status.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("got %d, want %d: %s", r.Code, status, r.Body)
	}
	return r
}

// json decodes the body.
func (r reply) json() map[string]any {
	r.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.Body.Bytes(), &v); err != nil {
		r.t.Fatalf("body is no JSON object: %v: %s", err, r.Body)
	}
	return v
}

// problem checks the form of RFC 9457 and returns code and field.
func (r reply) problem(status int) (code, field string) {
	r.t.Helper()
	r.want(status)
	if got := r.Header().Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("Content-Type %q", got)
	}
	if got := r.Header().Get("WWW-Authenticate"); (got != "") != (status == 401) && status != 403 && status != 400 {
		r.t.Errorf("WWW-Authenticate %q with %d", got, status)
	}
	v := r.json()
	code, _ = v["code"].(string)
	field, _ = v["field"].(string)
	if v["type"] != "urn:oneauth:error:"+code || v["status"] != float64(status) || v["title"] == "" {
		r.t.Errorf("not a problem: %s", r.Body)
	}
	return code, field
}

func (r reply) wantProblem(status int, code, field string) reply {
	r.t.Helper()
	if gotCode, gotField := r.problem(status); gotCode != code || gotField != field {
		r.t.Fatalf("got %s (%s), want %s (%s)", gotCode, gotField, code, field)
	}
	return r
}

// cookie returns the cookie that the answer sets, or nil.
func (r reply) cookie(name string) *http.Cookie {
	r.t.Helper()
	var found *http.Cookie
	for _, c := range r.Result().Cookies() {
		if c.Name == name {
			if found != nil {
				r.t.Fatalf("cookie %s is set twice", name)
			}
			found = c
		}
	}
	return found
}

// signedIn returns the value of the session cookie that the answer sets.
func (r reply) signedIn() string {
	r.t.Helper()
	c := r.cookie(cookie)
	if c == nil || c.Value == "" {
		r.t.Fatal("no session cookie is set")
	}
	return c.Value
}

// at follows names and indices into decoded JSON.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

type obj = map[string]any

func with(value string) map[string]string { return map[string]string{cookie: value} }

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// signUp makes an account and returns the session's cookie and the user's id.
func (a *app) signUp(email string) (value, userID string) {
	a.t.Helper()
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": email, "password": goodPass}}).want(201)
	return r.signedIn(), at(r.json(), "user", "id").(string)
}

func (a *app) login(identifier, pw string) reply {
	a.t.Helper()
	return a.do(call{method: "POST", path: "/login", json: obj{"identifier": identifier, "password": pw}})
}

// alive reports whether a cookie's value is a live session.
func (a *app) alive(value string) bool {
	a.t.Helper()
	switch r := a.do(call{method: "GET", path: "/session", cookies: with(value)}); r.Code {
	case 200:
		return true
	case 401:
		return false
	default:
		a.t.Fatalf("GET /session: %d", r.Code)
		return false
	}
}

// apiSession signs in as an API client does and returns the session's id.
func (a *app) apiSession(identifier string) string {
	a.t.Helper()
	in, err := a.auth.SignIn(a.t.Context(), core.PasswordSignIn{
		Identifier: identifier, Password: goodPass, Wish: core.Wish{Kind: core.APISession, DeviceName: "Phone"},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return in.Session.ID
}

func token(sessionID string) http.Header { return header("Authorization", "Bearer session."+sessionID) }

// mails delivers what is due and returns what was sent with a template, the oldest first.
func (a *app) mails(template string) []core.Notice {
	a.t.Helper()
	if err := a.auth.DeliverPending(context.WithoutCancel(a.t.Context())); err != nil {
		a.t.Fatal(err)
	}
	a.inbox.mu.Lock()
	defer a.inbox.mu.Unlock()
	var found []core.Notice
	for _, n := range a.inbox.notices {
		if n.Template == template {
			found = append(found, n)
		}
	}
	return found
}

var linkRE = regexp.MustCompile(`^https://app\.example/auth(/verify|/password/reset)\?token=([A-Za-z0-9_-]{43})$`)

// link returns the token of the newest mail with a template.
func (a *app) link(template string) string {
	a.t.Helper()
	all := a.mails(template)
	if len(all) == 0 {
		a.t.Fatalf("no mail %s was sent", template)
	}
	m := linkRE.FindStringSubmatch(all[len(all)-1].Link)
	if m == nil {
		a.t.Fatalf("the link is %q", all[len(all)-1].Link)
	}
	return m[2]
}

// forgot asks for a reset link and returns its token.
func (a *app) forgot(identifier string) string {
	a.t.Helper()
	a.do(call{method: "POST", path: "/password/forgot", json: obj{"identifier": identifier}}).want(202)
	return a.link(core.NoticeReset)
}

func newRecorder(t testing.TB) reply { return reply{httptest.NewRecorder(), t} }

// same fails the test unless two answers cannot be told apart.
func same(t *testing.T, what string, x, y reply) {
	t.Helper()
	if x.Code != y.Code || !bytes.Equal(x.Body.Bytes(), y.Body.Bytes()) {
		t.Errorf("%s: %d %s and %d %s", what, x.Code, x.Body, y.Code, y.Body)
	}
	if !maps.EqualFunc(x.Header(), y.Header(), slices.Equal) {
		t.Errorf("%s: headers %v and %v", what, x.Header(), y.Header())
	}
}

// raw makes a request of our own page with a body as it is.
func (a *app) raw(method, path, body, value string, h http.Header) reply {
	a.t.Helper()
	r := httptest.NewRequest(method, baseURL+"/auth"+path, strings.NewReader(body))
	maps.Copy(r.Header, h)
	r.Header.Set("Origin", baseURL)
	r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	w := httptest.NewRecorder()
	a.h.ServeHTTP(w, r)
	return reply{w, a.t}
}

func jsonLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }
