package mongo_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

const (
	annMail     = "ann@example.com"
	annPassword = "purple otters sing at dawn"
	newPassword = "seven quiet lanterns by the sea"
)

// app is one process of an application.
type app struct {
	*oneauth.Auth
	t   *testing.T
	box *mail.Mailbox
}

// start starts a process over a database.
func start(t *testing.T, uri, name string) *app {
	t.Helper()
	store, err := open(t, uri, name)
	if err != nil {
		t.Fatal(err)
	}
	box := mail.NewMailbox(100, time.Now)
	auth, err := oneauth.New(store,
		oneauth.WithSecrets([]byte("thirty-two bytes, known to a test")), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithScopes("read", "write"), oneauth.WithSender(core.Email, box),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return &app{Auth: auth, t: t, box: box}
}

// send makes a request, and returns the answer.
func (a *app) send(method, path, body string, edits ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://app.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// want makes a request that must be answered with the status, and returns the strings at the top of the answer.
func (a *app) want(status int, method, path, body string, edits ...func(*http.Request)) map[string]string {
	a.t.Helper()
	w := a.send(method, path, body, edits...)
	if w.Code != status {
		a.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	var members map[string]json.RawMessage
	out := map[string]string{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
			a.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	for name, raw := range members {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out[name] = s
		}
	}
	for _, c := range w.Result().Cookies() {
		out["cookie"] = c.Name + "=" + c.Value
	}
	return out
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func cookie(c string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Cookie", c); r.Header.Set("Sec-Fetch-Site", "same-origin") }
}

func signUp(email string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, annPassword)
}

func login(pass string) string {
	return fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, pass)
}

func refreshBody(token string) string {
	return fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token)
}

var tokenRE = regexp.MustCompile(`[?&]token=([^\s&]+)`)

// mailed returns the token in the newest mail with a link of the kind, such as "password/reset".
func (a *app) mailed(kind string) string {
	a.t.Helper()
	if err := a.Core().DeliverPending(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	for _, m := range a.box.Messages() {
		if found := tokenRE.FindStringSubmatch(m.Text); found != nil && strings.Contains(m.Text, kind) {
			return found[1]
		}
	}
	a.t.Fatalf("no mail about %s was sent", kind)
	return ""
}

// The whole of an account's life, in two processes over one database.
func TestFlow(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		name := freshName(t, uri)
		one, two := start(t, uri, name), start(t, uri, name)
		browser := one.want(201, "POST", "/auth/signup", signUp(annMail))["cookie"]
		two.want(409, "POST", "/auth/signup", signUp("ANN@example.com"))
		two.want(200, "GET", "/auth/session", "", cookie(browser))
		two.want(200, "POST", "/auth/verify", fmt.Sprintf(`{"token":%q}`, one.mailed("/verify")))
		one.want(401, "POST", "/auth/login", login(newPassword))

		api := two.want(200, "POST", "/auth/api/login", login(annPassword))
		next := one.want(200, "POST", "/auth/token", refreshBody(api["refresh_token"]))
		last := two.want(200, "POST", "/auth/token", refreshBody(next["refresh_token"]))
		apiKey := one.want(201, "POST", "/auth/keys", `{"name":"ci","scopes":["read"]}`, bearer(last["access_token"]))
		guarded := two.RequireScopes("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
		for _, credential := range []string{last["access_token"], apiKey["key"]} {
			r := httptest.NewRequest("GET", "https://app.example/api", nil)
			bearer(credential)(r)
			w := httptest.NewRecorder()
			if guarded.ServeHTTP(w, r); w.Code != 204 {
				t.Errorf("the API answers %d %s", w.Code, w.Body)
			}
		}
		one.want(400, "POST", "/auth/token", refreshBody(api["refresh_token"])) // stolen: two generations old
		two.want(400, "POST", "/auth/token", refreshBody(last["refresh_token"]))

		one.want(202, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, annMail))
		reset := fmt.Sprintf(`{"token":%q,"password":%q}`, one.mailed("/password/reset"), newPassword)
		two.want(204, "POST", "/auth/password/reset", reset)
		one.want(401, "GET", "/auth/session", "", cookie(browser))
		one.want(401, "POST", "/auth/login", login(annPassword))
		browser = one.want(200, "POST", "/auth/login", login(newPassword))["cookie"]
		two.want(204, "POST", "/auth/logout", "{}", cookie(browser))
		one.want(401, "GET", "/auth/session", "", cookie(browser))
	})
}

// While the database fails nobody is signed in, and nobody is told that a credential is bad.
func TestA24ServerRefuses(t *testing.T) {
	for name, f := range map[string]mongofake.Fault{
		"reads are refused":   {Command: "find", Action: mongofake.Refuse, Code: mongofake.Unauthorized, Times: 1000},
		"updates are refused": {Command: "update", Action: mongofake.Refuse, Code: mongofake.Unauthorized, Times: 1000},
		"commits are refused": {Command: "commitTransaction", Action: mongofake.Refuse, Code: mongofake.Unauthorized, Times: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake(t)
			a := start(t, server.URI(), "db")
			a.want(201, "POST", "/auth/signup", signUp(annMail))
			browser := a.want(200, "POST", "/auth/login", login(annPassword))["cookie"]
			server.Inject(f)
			for what, w := range map[string]*httptest.ResponseRecorder{
				"login":   a.send("POST", "/auth/login", login(annPassword)),
				"session": a.send("GET", "/auth/session", "", cookie(browser)),
				"logout":  a.send("POST", "/auth/logout", "{}", cookie(browser)),
			} {
				reads := f.Command == "find"
				if granted := w.Code < 300 && (what == "login" || reads); granted || w.Code == 401 || w.Code == 404 {
					t.Errorf("%s: %d %s", what, w.Code, w.Body)
				}
			}
		})
	}
}
