package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

// An answer of more than a megabyte is refused, though all of it is as it should be.
func TestLargeAnswers(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	pad := func(answer map[string]any) { answer["padding"] = large }
	for name, change := range map[string]func(*plan){
		"discovery": func(p *plan) { p.idp.Discovery = pad },
		"tokens":    func(p *plan) { p.idp.Answer = pad },
		"UserInfo":  func(p *plan) { p.idp.ThinIDTokens, p.idp.UserInfo = true, pad },
		"keys": func(p *plan) {
			p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/jwks" {
					w.Header().Set("Content-Type", "application/json")
					answer := struct {
						Keys    []jose.JSONWebKey `json:"keys"`
						Padding string            `json:"padding"`
					}{p.idp.Keys(), large}
					_ = json.NewEncoder(w).Encode(answer) // cut off
				}
				return r.URL.Path == "/jwks"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			b := s.browser()
			p := b.get("/auth/oauth/example")
			if p.status == 303 {
				p = b.get(b.at(p.location(), "1001").String())
			}
			s.refused(t, b, p, 503)
		})
	}
}

// A redirect is not followed, though what is there would be right: what is sent to a provider is for nobody else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"} {
		for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
			followed := false
			s := newSite(t, func(p *plan) {
				p.idp.ThinIDTokens = true
				p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != path {
						return false
					}
					if r.URL.RawQuery == "there" {
						followed = true
						return false
					}
					http.Redirect(w, r, path+"?there", status)
					return true
				}
			})
			b := s.browser()
			p := b.get("/auth/oauth/example")
			if p.status == 303 {
				p = b.get(b.at(p.location(), "1001").String())
			}
			s.refused(t, b, p, 503)
			if followed {
				t.Errorf("%s: a %d is followed", path, status)
			}
		}
	}
}

// A client whose grants are others than codes gets none, whatever redirect URIs it has.
func TestClientWithoutTheGrant(t *testing.T) {
	s := newSite(t, func(p *plan) {
		p.options = append(p.options, oneauth.WithClients(
			core.ClientConfig{ID: "refresher", RedirectURIs: []string{appRedirect}, Grants: []string{core.GrantRefresh}}))
	})
	b := s.browser()
	if p := b.get("/auth/oauth/example?" + form(appStart("client_id", "refresher")).Encode()); p.status != 400 || p.header.Get("Location") != "" {
		t.Errorf("begins with %d %s", p.status, p.header.Get("Location"))
	}
	b.redeem(b.appCode("1001"), "client_id", "refresher").want(400, "unauthorized_client")
	b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce, "client_id": "refresher"}).
		want(400, "unauthorized_client")
}

// Only an answer of 200 in JSON says who somebody is, whatever an error's body has.
func TestOnlyJSONOf200Counts(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		media  string
		want   int
	}{
		"as it should be": {200, "application/json; charset=utf-8", 303}, "an error": {403, "application/json", 503},
		"accepted": {202, "application/json", 503}, "HTML": {200, "text/html", 503}, "no type": {200, ";", 503},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(p *plan) {
				p.provider = plainProvider(p.idp.Issuer)
				p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/userinfo" {
						w.Header().Set("Content-Type", c.media)
						w.WriteHeader(c.status)
						_, _ = w.Write([]byte(`{"sub":"1001","name":"Ada"}`))
					}
					return r.URL.Path == "/userinfo"
				}
			})
			s.browser().signIn("1001").want(c.want)
		})
	}
}
