package oneauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// Links lead to the tenant's own origin, whose pages alone may change something there; a tenant without one has the base
// URL. Tokens keep one issuer.
func TestBaseURLOfTenants(t *testing.T) {
	app := oneauthtest.New(t,
		oneauth.WithTenants(func(r *http.Request) (string, error) { return r.Header.Get("X-Tenant"), nil }),
		oneauth.WithBaseURLOf(func(tenant string) string {
			return map[string]string{"acme": "https://acme.test/", "globex": "https://globex.test"}[tenant]
		}))
	for tenant, origin := range map[string]string{"acme": "https://acme.test", "globex": "https://globex.test", "initech": oneauthtest.BaseURL} {
		in := app.In(tenant, oneauthtest.Header("X-Tenant", tenant))
		if w := in.Request(t, app, "POST", "/auth/signup", signUpBody(annMail)); w.Code != 201 {
			t.Fatalf("%s: %d %s", tenant, w.Code, w.Body)
		}
		if link := in.Link(t); !strings.HasPrefix(link, origin+"/auth/verify?token=") {
			t.Errorf("%s: the link is %s", tenant, link)
		}
		for _, from := range []string{"https://acme.test", "https://globex.test"} {
			w := in.Request(t, app, "POST", "/auth/login", "{}", oneauthtest.Header("Origin", from))
			if refused := w.Code == 403; refused != (from != origin) {
				t.Errorf("%s: from %s: %d %s", tenant, from, w.Code, w.Body)
			}
		}
		if claims := in.Request(t, app, "GET", "/.well-known/oauth-authorization-server", ""); !strings.Contains(claims.Body.String(), `"issuer":"`+oneauthtest.BaseURL+`"`) {
			t.Errorf("%s: %s", tenant, claims.Body)
		}
	}
}

// An application with pages of its own hears of forms that failed, and can read them; programs are answered as ever, and
// people are sent to its login page.
func TestOwnPages(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithOwnPages(oneauth.OwnPages{
		Login: "/sign-in",
		Failed: func(w http.ResponseWriter, r *http.Request, status int, err *core.Error) {
			w.WriteHeader(status)
			fmt.Fprint(w, r.URL.Path, " ", err.Code, " ", r.PostFormValue("identifier"))
		},
	}))
	form := url.Values{"identifier": {annMail}, "password": {"wrong"}}.Encode()
	w := app.Request(t, app, "POST", "/auth/login", form, oneauthtest.Form())
	if w.Code != 401 || w.Body.String() != "/login invalid_credentials "+annMail || w.Header().Get("WWW-Authenticate") == "" ||
		w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a form: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := app.Request(t, app, "POST", "/auth/login", `{"identifier":"ann","password":"wrong"}`); w.Code != 401 || decode(t, w)["code"] != "invalid_credentials" {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
	guarded := app.RequireSession(http.NotFoundHandler())
	w = app.Request(t, guarded, "GET", "/notes", "", oneauthtest.Header("Accept", "text/html"))
	if w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in?") || !strings.Contains(w.Header().Get("Location"), "return_to=%2Fnotes") {
		t.Errorf("a person: %d %v", w.Code, w.Header())
	}
	if w := app.Request(t, guarded, "GET", "/notes", ""); w.Code != 401 {
		t.Errorf("a machine: %d", w.Code)
	}
	if w := app.Request(t, app, "GET", "/auth/login", "", oneauthtest.Header("Accept", "text/html")); w.Code != 405 {
		t.Errorf("our own login page: %d", w.Code)
	}
}

// Who did not change the password finds the page that resets it in the mail about it, wherever the application has it; and
// the application's people get errors as pages where there are pages.
func TestMailsLeadToThePageThatResets(t *testing.T) {
	html := oneauthtest.Header("Accept", "text/html")
	for name, c := range map[string]struct {
		option oneauth.Option
		want   string // path of the page, "" for none
		media  string // of an error
	}{
		"pages":     {oneauth.WithPrefix("/id"), "/id/password/forgot", "text/html; charset=utf-8"},
		"own pages": {oneauth.WithOwnPages(oneauth.OwnPages{Forgot: "/lost-key"}), "/lost-key", "application/problem+json"},
		"no pages":  {oneauth.WithoutPages(), "", "application/problem+json"},
	} {
		t.Run(name, func(t *testing.T) {
			app := oneauthtest.New(t, c.option)
			cookie := oneauthtest.Cookie(app.SignIn(t, annMail))
			prefix := app.Core().Config().Prefix
			body := `{"current":"` + oneauthtest.Password + `","password":"seventeen purple elephants dancing"}`
			if w := app.Request(t, app, "POST", prefix+"/password/change", body, cookie); w.Code != 204 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			m := app.Mail(t)
			if link := app.Core().Config().BaseURL + c.want; !strings.Contains(m.Subject, "password was changed") || strings.Contains(m.Text, link) != (c.want != "") ||
				strings.Contains(m.Text, "://") != (c.want != "") {
				t.Errorf("%s\n%s", m.Subject, m.Text)
			}
			if w := app.Request(t, app, "GET", prefix+"/nope", "", html); w.Code != 404 || w.Header().Get("Content-Type") != c.media {
				t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
			}
		})
	}
}
