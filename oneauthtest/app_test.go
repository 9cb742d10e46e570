package oneauthtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// greeting is an application: a page for people, and an API for programs with the scope read.
func greeting(auth *oneauth.Auth) http.Handler {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := oneauth.From(r.Context())
		fmt.Fprintf(w, "hello %s by %s with %v in %s", p.Subject, p.Via, p.Scopes, p.Tenant)
	})
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/page", auth.RequireSession(hello))
	mux.Handle("/api", auth.RequireScopes("read")(hello))
	return mux
}

func TestSignIn(t *testing.T) {
	app := oneauthtest.New(t)
	h := greeting(app.Auth)
	if w := app.Request(t, h, "GET", "/page", ""); w.Code != 401 {
		t.Errorf("without a cookie: %d", w.Code)
	}
	cookie := app.SignIn(t, ann)
	w := app.Request(t, h, "GET", "/page", "", oneauthtest.Cookie(cookie))
	if want := "hello " + app.User(t, ann).ID + " by session"; w.Code != 200 || !strings.HasPrefix(w.Body.String(), want) {
		t.Errorf("with the cookie: %d %s", w.Code, w.Body)
	}
}

func TestTokenAndKey(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithScopes("read", "write"))
	h := greeting(app.Auth)
	for name, c := range map[string]struct{ credential, want string }{
		"all scopes":   {app.Token(t, ann), "by jwt with [read write]"},
		"some":         {app.Token(t, ann, "read"), "by jwt with [read]"},
		"of a key":     {app.Key(t, ann, "read"), "by api_key with [read]"},
		"not read":     {app.Token(t, ann, "write"), "insufficient_scope"},
		"a key's none": {app.Key(t, ann, "write"), "insufficient_scope"},
	} {
		w := app.Request(t, h, "GET", "/api", "", oneauthtest.Bearer(c.credential))
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A user is there once, with a verified address and the standard password.
func TestUser(t *testing.T) {
	app := oneauthtest.New(t)
	user := app.User(t, ann)
	if again := app.User(t, "Ann@Example.com"); again.ID != user.ID {
		t.Errorf("made twice: %s and %s", user.ID, again.ID)
	}
	_, identities, err := app.Core().User(t.Context(), user.ID)
	if err != nil || len(identities) != 1 || !identities[0].Verified {
		t.Errorf("identities %+v, %v", identities, err)
	}
	login := fmt.Sprintf(`{"identifier":%q,"password":%q}`, ann, oneauthtest.Password)
	if w := app.Request(t, app.Auth, "POST", "/auth/login", login); w.Code != 200 {
		t.Errorf("login: %d %s", w.Code, w.Body)
	}
	form := url.Values{"identifier": {ann}, "password": {oneauthtest.Password}, "return_to": {"/page"}}.Encode()
	w := app.Request(t, app.Auth, "POST", "/auth/login", form, oneauthtest.Form())
	if w.Code != 303 || w.Header().Get("Location") != "/page" {
		t.Errorf("login by form: %d %v", w.Code, w.Header())
	}
}

// The clock stands still, and a session ends when it is advanced far enough.
func TestAdvance(t *testing.T) {
	app := oneauthtest.New(t)
	h, before := greeting(app.Auth), app.Now()
	cookie := app.SignIn(t, ann)
	if app.Now() != before {
		t.Errorf("the clock went from %s to %s", before, app.Now())
	}
	app.Advance(23 * time.Hour)
	if w := app.Request(t, h, "GET", "/page", "", oneauthtest.Cookie(cookie)); w.Code != 200 {
		t.Errorf("after 23 hours: %d", w.Code)
	}
	app.Advance(25 * time.Hour)
	if w := app.Request(t, h, "GET", "/page", "", oneauthtest.Cookie(cookie)); w.Code != 401 {
		t.Errorf("idle for 25 hours: %d", w.Code)
	}
	if app.Now().Sub(before) != 48*time.Hour {
		t.Errorf("it is %s", app.Now())
	}
}

// Mails are delivered when the test asks, and the newest link is the one that counts.
func TestMail(t *testing.T) {
	app := oneauthtest.New(t)
	signUp := fmt.Sprintf(`{"email":%q,"password":%q}`, ann, oneauthtest.Password)
	if w := app.Request(t, app.Auth, "POST", "/auth/signup", signUp); w.Code != 201 {
		t.Fatalf("sign-up: %d %s", w.Code, w.Body)
	}
	if m := app.Mail(t); m.To != ann || !strings.Contains(m.Text, app.Link(t)) || m.SentAt != app.Now() {
		t.Errorf("mail %+v", m)
	}
	w := app.Request(t, app.Auth, "GET", app.Link(t), "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"valid":true`) {
		t.Errorf("the link opens %d %s", w.Code, w.Body)
	}
	_, token, _ := strings.Cut(app.Link(t), "token=")
	if w := app.Request(t, app.Auth, "POST", "/auth/verify", fmt.Sprintf(`{"token":%q}`, token)); w.Code != 200 {
		t.Errorf("verify: %d %s", w.Code, w.Body)
	}
	if len(app.Mailbox().Messages()) == 0 {
		t.Error("the mailbox is empty")
	}
}

// Each tenant has people of its own.
func TestIn(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithScopes("read"), oneauth.WithTenants(func(r *http.Request) (string, error) {
		tenant, _, _ := strings.Cut(r.Host, ".")
		return tenant, nil
	}))
	h := greeting(app.Auth)
	acme, globex := app.In("acme", oneauthtest.Host("acme.app.test")), app.In("globex", oneauthtest.Host("globex.app.test"))
	if acme.User(t, ann).ID == globex.User(t, ann).ID {
		t.Error("two tenants share a user")
	}
	cookie := oneauthtest.Cookie(acme.SignIn(t, ann))
	if w := acme.Request(t, h, "GET", "/page", "", cookie); !strings.HasSuffix(w.Body.String(), "in acme") {
		t.Errorf("at home: %d %s", w.Code, w.Body)
	}
	if w := globex.Request(t, h, "GET", "/page", "", cookie); w.Code != 401 {
		t.Errorf("elsewhere: %d", w.Code)
	}
	if w := acme.Request(t, h, "GET", "/api", "", oneauthtest.Bearer(acme.Key(t, ann, "read"))); w.Code != 200 {
		t.Errorf("key: %d %s", w.Code, w.Body)
	}
}

// What cannot be done fails the test, and says why.
func TestFailures(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithScopes("read"))
	factor := oneauthtest.New(t, oneauth.WithPolicy(core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) {
		return core.Decision{Require: []string{"otp"}}, nil
	})))
	for name, c := range map[string]struct {
		do   func(t testing.TB)
		says string
	}{
		"no mail":          {func(t testing.TB) { app.Mail(t) }, "no mail"},
		"no link":          {func(t testing.TB) { app.Link(t) }, "no mail with a link"},
		"no address":       {func(t testing.TB) { app.User(t, "nobody") }, "nobody"},
		"a scope too much": {func(t testing.TB) { app.Token(t, ann, "read", "admin") }, "WithScopes"},
		"unknown scope":    {func(t testing.TB) { app.Token(t, ann, "admin") }, "invalid_scope"},
		"a key too strong": {func(t testing.TB) { app.Key(t, ann, "admin") }, "key of " + ann},
		"a second factor":  {func(t testing.TB) { factor.SignIn(t, ann) }, "factor_required"},
		"a bad option":     {func(t testing.TB) { oneauthtest.New(t, oneauth.WithBaseURL("app")) }, "BaseURL"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := failure(t, c.do); !strings.Contains(got, c.says) {
				t.Errorf("it said %q, nothing of %q", got, c.says)
			}
		})
	}
}

// Faults of the server appear in the test's output.
func TestLog(t *testing.T) {
	p := &recorder{TB: t}
	app := oneauthtest.New(p)
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	w := app.Request(t, app.Auth, "POST", "/auth/login", `{"identifier":"ann","password":"x"}`)
	problem := struct{ Code string }{}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code < 500 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(p.out.String(), "code="+problem.Code) {
		t.Errorf("the log says %q", p.out.String())
	}
}
