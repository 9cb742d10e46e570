package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

func TestLoginWithPassword(t *testing.T) {
	w := newWorld(t)
	c := w.client(client.WithScopes("read"), client.WithDeviceName("a terminal"))
	if _, err := c.Session(t.Context()); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("before: %v", err)
	}
	session := must(c.LoginWithPassword(t.Context(), ann, oneauthtest.Password))(t)
	if len(session.Scopes) != 1 || session.Scopes[0] != "read" || session.ID == "" || !session.ExpiresAt.After(w.Now()) {
		t.Errorf("the session is %+v", session)
	}
	w.wantMe(c)
	if s := must(w.Core().Session(t.Context(), session.ID))(t); s.DeviceName != "a terminal" {
		t.Errorf("the device is %+v", s.DeviceName)
	}
	if again := must(c.Session(t.Context()))(t); again.ID != session.ID {
		t.Errorf("the session is %+v", again)
	}
}

// Refusals are typed, and change nothing.
func TestRefusedLogins(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	_, err := c.LoginWithPassword(t.Context(), ann, "wrong password")
	refused := (*client.Error)(nil)
	if !errors.Is(err, client.ErrInvalidCredentials) || !errors.As(err, &refused) || refused.Status != 400 || refused.Code != "invalid_grant" {
		t.Errorf("wrong password: %v", err)
	}
	if _, err = c.LoginWithPassword(t.Context(), "", "x"); !errors.As(err, &refused) || refused.Field != "identifier" {
		t.Errorf("no identifier: %v", err)
	}
	stranger := w.client(client.WithClient("nobody", ""))
	if _, err = stranger.LoginWithPassword(t.Context(), ann, oneauthtest.Password); !errors.Is(err, client.ErrInvalidClient) {
		t.Errorf("unknown client: %v", err)
	}
	w.wantMe(c)
}

func TestFactorRequired(t *testing.T) {
	w := newWorld(t, oneauth.WithPolicy(core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
		return core.Decision{Require: []string{"otp"}}, nil
	})))
	_, err := w.client().LoginWithPassword(t.Context(), ann, oneauthtest.Password)
	refused := (*client.Error)(nil)
	if !errors.Is(err, client.ErrFactorRequired) || !errors.As(err, &refused) || refused.Attempt == nil {
		t.Fatalf("a second factor: %v", err)
	}
	if a := refused.Attempt; a.ID == "" || len(a.Factors) != 1 || a.Factors[0] != "otp" || !a.ExpiresAt.After(w.Now()) {
		t.Errorf("the attempt is %+v", a)
	}
}

// An API key is sent as it is, never renewed, and not thrown away because one request was refused.
func TestLoginWithAPIKey(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	must(c.LoginWithAPIKey(t.Context(), w.Key(t, ann, "read")+"\n"))(t)
	w.wantMe(c)
	if status, _ := w.get(c, "/api/echo"); status != 403 {
		t.Errorf("without the scope: %d", status)
	}
	wrong := w.client()
	must(wrong.LoginWithAPIKey(t.Context(), "oak_1111_2222"))(t)
	for range 2 {
		if status, _ := w.get(wrong, "/api/me"); status != 401 {
			t.Errorf("a wrong key: %d", status)
		}
	}
	if _, err := c.LoginWithAPIKey(t.Context(), "sk_live"); err == nil || strings.Contains(err.Error(), "sk_live") {
		t.Errorf("no API key: %v", err)
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.http(c).Get(w.URL + "/api/me"); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("after Logout: %v", err)
	}
}

// A service authenticates by HTTP Basic, and gets a token whenever it needs one.
func TestClientCredentials(t *testing.T) {
	secret, now := "s3cret:/with %& odd characters, 32 and more", time.Unix(1e9, 0)
	issued := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, got, _ := r.BasicAuth()
		if got, _ = url.QueryUnescape(got); r.URL.Path != "/auth/token" || id != "billing" || got != secret ||
			r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "read" || r.Form.Has("client_id") {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		issued++
		fmt.Fprintf(w, `{"access_token":"at%d","token_type":"Bearer","expires_in":300,"scope":"read"}`, issued)
	}))
	defer server.Close()
	options := []client.Option{
		client.WithClient("billing", secret), client.WithClientCredentials(), client.WithScopes("read"),
		client.WithClock(func() time.Time { return now }),
	}
	source := must(client.New(server.URL, options...))(t).TokenSource(t.Context())
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, "at1"}, {269 * time.Second, "at1"}, {2 * time.Second, "at2"}, {time.Hour, "at3"}} {
		now = now.Add(step.wait)
		if token := must(source.Token())(t); token.AccessToken != step.want {
			t.Errorf("after %v: %s, want %s", step.wait, token.AccessToken, step.want)
		}
	}
	secret = "changed: 32 characters and some more"
	now = now.Add(time.Hour)
	if _, err := source.Token(); !errors.Is(err, client.ErrInvalidClient) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong secret: %v", err)
	}
	if _, err := client.New(server.URL, client.WithClientCredentials()); err == nil {
		t.Error("a service without a secret was accepted")
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	store := client.NewMemoryStore()
	c := w.login(client.WithStore(store))
	session := must(c.Session(t.Context()))(t)
	if err := c.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Core().Session(t.Context(), session.ID); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the session on the server: %v", err)
	}
	if stored(t, store) != nil {
		t.Error("the credential is still there")
	}
	if _, err := w.http(c).Get(w.URL + "/api/me"); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("a request after Logout: %v", err)
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

// A server that cannot be reached has not ended the session: the credential stays for another try, or goes by Forget.
func TestLogoutWithoutServer(t *testing.T) {
	w := newWorld(t)
	store, down := client.NewMemoryStore(), true
	c := w.login(client.WithStore(store))
	broken := must(client.New(w.URL, client.WithStore(store), client.WithClock(w.Now), client.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if down {
				return nil, errors.New("no route to host")
			}
			return w.base().RoundTrip(r)
		}),
	})))(t)
	if err := broken.Logout(t.Context()); !errors.Is(err, client.ErrUnavailable) || stored(t, store) == nil {
		t.Errorf("Logout: %v", err)
	}
	w.wantMe(c)
	down = false
	if err := broken.Logout(t.Context()); err != nil || stored(t, store) != nil {
		t.Errorf("Logout when it is back: %v", err)
	}
	c, down = w.login(client.WithStore(store)), true
	if err := broken.Forget(t.Context()); err != nil || stored(t, store) != nil {
		t.Errorf("Forget: %v", err)
	}
	_ = c
}

func TestTokenSourceForXOAuth2(t *testing.T) {
	w := newWorld(t)
	c := w.login()
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: w.base()})
	answer := must(oauth2.NewClient(ctx, c.TokenSource(t.Context())).Get(w.URL + "/api/me"))(t)
	answer.Body.Close()
	token := must(c.TokenSource(t.Context()).Token())(t)
	if answer.StatusCode != 200 || token.RefreshToken != "" || token.Type() != "Bearer" || token.Expiry.IsZero() {
		t.Errorf("%d, expiry %v", answer.StatusCode, token.Expiry)
	}
}

// A credential of one server or client is not shown to another.
func TestForeignCredential(t *testing.T) {
	w := newWorld(t)
	store := client.NewMemoryStore()
	w.login(client.WithStore(store))
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	late := client.WithClock(func() time.Time { return w.Now().Add(time.Hour) })
	for name, c := range map[string]*client.Client{
		"server": must(client.New(elsewhere.URL, client.WithStore(store), late))(t),
		"client": w.client(client.WithStore(store), client.WithClient("spa", ""), late),
	} {
		_, err := c.TokenSource(t.Context()).Token()
		if !errors.Is(err, client.ErrStore) || !strings.Contains(err.Error(), "another "+name) {
			t.Errorf("another %s: %v", name, err)
		}
		if err := c.Logout(t.Context()); !errors.Is(err, client.ErrStore) {
			t.Errorf("Logout with another %s: %v", name, err)
		}
	}
	if asked != 0 || stored(t, store) == nil {
		t.Errorf("%d requests elsewhere", asked)
	}
	w.wantRefreshes(0)
}

func TestBadOptions(t *testing.T) {
	for name, err := range map[string]error{
		"plain http":    second(client.New("http://app.example")),
		"a path":        second(client.New("https://app.example/auth")),
		"a user":        second(client.New("https://ann@app.example")),
		"no scheme":     second(client.New("app.example")),
		"no host":       second(client.New("https://")),
		"a query":       second(client.New("https://app.example?x")),
		"store":         second(client.New("https://app.example", client.WithStore(nil))),
		"client":        second(client.New("https://app.example", client.WithClient("", "x"))),
		"origin":        second(client.New("https://app.example", client.WithOrigins("http://api.example"))),
		"scope":         second(client.New("https://app.example", client.WithScopes("a b"))),
		"prefix":        second(client.New("https://app.example", client.WithPrefix("auth/"))),
		"timeout":       second(client.New("https://app.example", client.WithTimeout(0))),
		"margin":        second(client.New("https://app.example", client.WithRefreshMargin(-1))),
		"clock":         second(client.New("https://app.example", client.WithClock(nil))),
		"rand":          second(client.New("https://app.example", client.WithRand(nil))),
		"http":          second(client.New("https://app.example", client.WithHTTPClient(nil))),
		"look-alike ip": second(client.New("http://127.0.0.1.example")),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, good := range []string{"https://app.example/", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:8080"} {
		if err := second(client.New(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
