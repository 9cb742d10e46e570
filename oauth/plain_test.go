package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oauth"
)

// edge answers nothing: for what does not get as far.
var edge = oauth.Edge{
	Principal: func(*http.Request) (*core.Principal, error) { return nil, core.ErrUnauthenticated },
	Arrive:    func(http.ResponseWriter, *http.Request, *core.SignedIn, string, error) error { return nil },
	SendOn:    func(http.ResponseWriter, *http.Request, string, string) error { return nil },
	Fail:      func(_ http.ResponseWriter, _ *http.Request, err error) error { return err },
	Tokens:    func(http.ResponseWriter, *http.Request, *core.SignedIn) error { return nil },
	Cookie:    func(name, value string, _ time.Time) *http.Cookie { return &http.Cookie{Name: name, Value: value} },
}

// oauthProfile reads the standard claims and tells what the form parameter user was.
func oauthProfile(told *string) func(context.Context, *oauth.Answer) (oauth.Profile, error) {
	return func(ctx context.Context, a *oauth.Answer) (oauth.Profile, error) {
		*told = string(a.User)
		return oauth.StandardProfile(ctx, a)
	}
}

// plainProvider declares the example provider as plain OAuth 2.0.
func plainProvider(base string) oauth.Provider {
	return oauth.OAuth2("example", base+"/authorize", base+"/token", base+"/userinfo", "our-app", "our-secret",
		func(_ context.Context, a *oauth.Answer) (oauth.Profile, error) {
			var who struct {
				Sub, Name, Email string
			}
			err := json.Unmarshal(a.Claims, &who)
			return oauth.Profile{Subject: who.Sub, Name: who.Name, Email: who.Email, EmailVerified: true}, err
		})
}

// How the client authenticates is known beforehand: a code is sent once, whatever comes of it.
func TestCodeIsSentOnce(t *testing.T) {
	methods := func(all ...string) func(*plan) {
		return func(p *plan) {
			p.idp.Discovery = func(d map[string]any) { d["token_endpoint_auth_methods_supported"] = all }
		}
	}
	for name, c := range map[string]struct {
		change func(*plan)
		basic  bool
	}{
		"nothing is told": {func(*plan) {}, true},
		"Basic is there":  {methods("client_secret_post", "client_secret_basic"), true},
		"the form alone":  {methods("private_key_jwt", "client_secret_post"), false},
		"declared":        {func(p *plan) { p.provider.AuthStyle = oauth2.AuthStyleInParams }, false},
		"plain":           {func(p *plan) { p.provider = plainProvider(p.idp.Issuer) }, true},
		"a public client": {func(p *plan) { p.provider.ClientSecret, p.idp.ClientSecret = "", "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c.change)
			var asked []bool
			fails := false
			s.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/token" {
					return false
				}
				_, _, basic := r.BasicAuth()
				if asked = append(asked, basic); fails {
					w.WriteHeader(http.StatusBadRequest)
				}
				return fails
			}
			s.browser().signIn("1001").want(303)
			fails = true
			s.browser().signIn("1001").want(503)
			if len(asked) != 2 || asked[0] != c.basic || asked[1] != c.basic {
				t.Errorf("with Basic: %v", asked)
			}
		})
	}
}

// Declaring a provider that is not on the list takes under 15 lines, as docs/providers.md shows; doctest compiles them.
func TestDeclaringAProviderIsShort(t *testing.T) {
	text, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\nfunc Example(")
	function, _, ended := strings.Cut(rest, "\n}\n")
	if lines := strings.Count(function, "\n") + 2; !found || !ended || lines >= 15 {
		t.Errorf("%v %v: %d lines", found, ended, lines)
	}
}

// Plain OAuth 2.0 asks the API who it is.
func TestPlainOAuth2(t *testing.T) {
	s := newSite(t, func(p *plan) { p.provider = plainProvider(p.idp.Issuer) })
	b := s.browser()
	at := b.begin()
	if at.Query().Get("nonce") != "" || at.Query().Get("code_challenge") == "" {
		t.Errorf("the provider is asked %s", at)
	}
	b.get(b.at(at, "1001").String()).want(303)
	linked, err := s.Core().LinkedAccounts(t.Context(), b.whoami())
	if err != nil || len(linked) != 1 || linked[0].Issuer != s.idp.Issuer || linked[0].Subject != "1001" {
		t.Errorf("linked are %+v, %v", linked, err)
	}
}
