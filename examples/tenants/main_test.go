package main

import (
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// Each customer has people of its own under the same address, and no credential of one is any with the other.
func TestTenants(t *testing.T) {
	a := oneauthtest.New(t, options("app.test")...)
	h := app(a.Auth)
	acme, globex := a.In("acme", oneauthtest.Host("acme.app.test")), a.In("globex", oneauthtest.Host("GLOBEX.app.test:443"))
	if acme.User(t, ann).ID == globex.User(t, ann).ID {
		t.Error("two customers share a user")
	}
	for name, c := range map[string]struct {
		path       string
		credential oneauthtest.Edit
	}{
		"cookie": {"/", oneauthtest.Cookie(acme.SignIn(t, ann))},
		"token":  {"/api/hello", oneauthtest.Bearer(acme.Token(t, ann))},
		"key":    {"/api/hello", oneauthtest.Bearer(acme.Key(t, ann, "read"))},
	} {
		if w := acme.Request(t, h, "GET", c.path, "", c.credential); w.Code != 200 || !strings.HasSuffix(w.Body.String(), "of acme\n") {
			t.Errorf("%s at home: %d %s", name, w.Code, w.Body)
		}
		if w := globex.Request(t, h, "GET", c.path, "", c.credential); w.Code != 401 {
			t.Errorf("%s elsewhere: %d %s", name, w.Code, w.Body)
		}
	}
	if w := globex.Request(t, h, "GET", "/", "", oneauthtest.Cookie(globex.SignIn(t, ann))); !strings.HasSuffix(w.Body.String(), "of globex\n") {
		t.Errorf("globex: %d %s", w.Code, w.Body)
	}
}

// Mails lead to the customer's own host, and pages of one customer have no say with another.
func TestOrigins(t *testing.T) {
	a := oneauthtest.New(t, append(options("app.test"),
		oneauth.WithBaseURLOf(func(tenant string) string { return "https://" + tenant + ".app.test" }))...)
	h, acme := app(a.Auth), a.In("acme", oneauthtest.Host("acme.app.test"))
	if w := acme.Request(t, h, "POST", "/auth/signup", `{"email":"bob@example.com","password":"`+oneauthtest.Password+`"}`); w.Code != 201 {
		t.Fatalf("sign-up: %d %s", w.Code, w.Body)
	}
	if link := acme.Link(t); !strings.HasPrefix(link, "https://acme.app.test/auth/verify?token=") {
		t.Errorf("the mail leads to %s", link)
	}
	cookie := oneauthtest.Cookie(acme.SignIn(t, ann))
	for origin, want := range map[string]int{
		"https://globex.app.test": 403, "https://acme.app.test.evil.example": 403, "http://acme.app.test": 403, "https://acme.app.test": 204,
	} {
		if w := acme.Request(t, h, "POST", "/auth/logout", "{}", cookie, oneauthtest.Header("Origin", origin)); w.Code != want {
			t.Errorf("from %s: %d %s", origin, w.Code, w.Body)
		}
	}
}

// A host that is no customer's is not found, whatever else the request says.
func TestUnknownHosts(t *testing.T) {
	a := oneauthtest.New(t, options("app.test")...)
	for _, host := range []string{"app.test", "initech.app.test", "acme.app.test.evil.example", "evil.acme.app.test", "acmeapp.test", ""} {
		w := a.Request(t, app(a.Auth), "POST", "/auth/login", `{"identifier":"ann","password":"x"}`, oneauthtest.Host(host),
			oneauthtest.Header("X-Forwarded-Host", "acme.app.test"))
		if w.Code != 404 || !strings.Contains(w.Body.String(), "tenant_required") {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
	}
}
