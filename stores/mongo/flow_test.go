package mongo_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

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

// Of 64 that do the same thing at once, through two processes, one wins, and the others are told so.
func TestOneWinner(t *testing.T) {
	const racers = 64
	onEach(t, func(t *testing.T, uri string) {
		name := freshName(t, uri)
		apps := []*app{start(t, uri, name), start(t, uri, name)}
		apps[0].want(201, "POST", "/auth/signup", signUp(annMail))
		race := func(what string, won int, lost int, request func(a *app) *httptest.ResponseRecorder) {
			var winners atomic.Int32
			var wg sync.WaitGroup
			for i := range racers {
				wg.Go(func() {
					switch w := request(apps[i%2]); w.Code {
					case won:
						winners.Add(1)
					case lost:
					default:
						t.Errorf("%s: %d %s", what, w.Code, w.Body)
					}
				})
			}
			wg.Wait()
			if winners.Load() != 1 {
				t.Errorf("%s: %d winners, want 1", what, winners.Load())
			}
		}
		race("sign-up", 201, 409, func(a *app) *httptest.ResponseRecorder {
			return a.send("POST", "/auth/signup", signUp("bob@example.com"))
		})
		apps[0].want(202, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, annMail))
		reset := fmt.Sprintf(`{"token":%q,"password":%q}`, apps[0].mailed("/password/reset"), newPassword)
		race("reset", 204, 400, func(a *app) *httptest.ResponseRecorder {
			return a.send("POST", "/auth/password/reset", reset)
		})
		apps[0].want(200, "POST", "/auth/login", login(newPassword))
	})
}

// While the database fails nobody is signed in, and nobody is told that a credential is bad.
func TestA24FailsClosed(t *testing.T) {
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

// A32: nothing in a dump of the database signs anybody in, and no secret is in it.
func TestA32DumpSignsNobodyIn(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		name := freshName(t, uri)
		a := start(t, uri, name)
		secrets := map[string]string{"password": annPassword}
		secrets["cookie"] = a.want(201, "POST", "/auth/signup", signUp(annMail))["cookie"]
		api := a.want(200, "POST", "/auth/api/login", login(annPassword))
		secrets["access token"], secrets["refresh token"] = api["access_token"], api["refresh_token"]
		secrets["API key"] = a.want(201, "POST", "/auth/keys", `{"name":"ci","scopes":["read"]}`, bearer(api["access_token"]))["key"]
		secrets["verification link"] = a.mailed("/verify")
		a.want(202, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, annMail))
		secrets["reset link"] = a.mailed("/password/reset")
		a.want(202, "POST", "/auth/password/forgot", fmt.Sprintf(`{"identifier":%q}`, annMail)) // waits in the outbox
		_, secrets["cookie's value"], _ = strings.Cut(secrets["cookie"], "=")

		values := dump(t, connect(t, uri).Database(name))
		for what, secret := range secrets {
			raw, _ := base64.RawURLEncoding.DecodeString(secret)
			for _, v := range values {
				if strings.Contains(v, secret) || len(raw) >= 16 && strings.Contains(v, string(raw)) {
					t.Errorf("the database shows the %s", what)
				}
			}
		}
		cookieName, _, _ := strings.Cut(secrets["cookie"], "=")
		a.want(200, "GET", "/auth/session", "", cookie(secrets["cookie"])) // the replay below does what a browser does
		for _, v := range values {
			for _, try := range []string{v, base64.RawURLEncoding.EncodeToString([]byte(v))} {
				a.replay(cookieName, try)
			}
		}
		a.want(200, "GET", "/auth/session", "", cookie(secrets["cookie"]))
	})
}

// replay tries a value as each kind of credential.
func (a *app) replay(cookieName, value string) {
	a.t.Helper()
	quoted, err := json.Marshal(value)
	if err != nil {
		a.t.Fatal(err)
	}
	printable := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r) {
			return -1
		}
		return r
	}, value)
	for what, w := range map[string]*httptest.ResponseRecorder{
		"cookie":        a.send("GET", "/auth/session", "", cookie(cookieName+"="+printable)),
		"bearer token":  a.send("GET", "/auth/session", "", bearer(printable)),
		"refresh token": a.send("POST", "/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%s}`, quoted)),
		"reset link":    a.send("POST", "/auth/password/reset", fmt.Sprintf(`{"token":%s,"password":%q}`, quoted, newPassword)),
		"verification":  a.send("POST", "/auth/verify", fmt.Sprintf(`{"token":%s}`, quoted)),
	} {
		if w.Code < 400 || w.Code >= 500 {
			a.t.Errorf("%q of the database as %s: %d %s", value, what, w.Code, w.Body)
		}
	}
}

// dump returns every string and every binary value of every document.
func dump(t *testing.T, db *driver.Database) []string {
	t.Helper()
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var values []string
	add := func(v string) {
		if v != "" && !seen[v] {
			seen[v], values = true, append(values, v)
		}
	}
	var walk func(v bson.RawValue)
	walk = func(v bson.RawValue) {
		var inner []bson.RawValue
		switch v.Type {
		case bson.TypeString:
			add(v.StringValue())
			for _, part := range strings.FieldsFunc(v.StringValue(), func(r rune) bool { return strings.ContainsRune(`/"{}[]:,`, r) }) {
				add(part)
			}
		case bson.TypeBinary:
			_, b := v.Binary()
			add(string(b))
		case bson.TypeEmbeddedDocument:
			inner, err = v.Document().Values()
		case bson.TypeArray:
			inner, err = v.Array().Values()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range inner {
			walk(v)
		}
	}
	for _, name := range names {
		cursor, err := db.Collection(name).Find(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		var docs []bson.Raw
		if err := cursor.All(t.Context(), &docs); err != nil {
			t.Fatal(err)
		}
		for _, doc := range docs {
			walk(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc})
		}
	}
	if len(values) < 50 || len(names) < 8 {
		t.Fatalf("%d values in %q: the test sees too little", len(values), names)
	}
	return values
}
