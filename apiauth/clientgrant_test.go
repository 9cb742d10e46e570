package apiauth_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// services is an application with a program that acts as itself, one that may not, and a public client that says it may.
func services(s *setup) {
	s.api.Grants = nil
	s.core.Clients = []core.ClientConfig{
		{
			ID: "billing", Name: "Billing", Secrets: []string{shopSecret}, Grants: []string{core.GrantClient},
			Scopes: []string{"read", "write"}, DefaultScopes: []string{"read"},
		},
		{ID: "other", Secrets: []string{otherKey}},
		{ID: "phone", Grants: []string{core.GrantClient}},
	}
}

func (n *node) asService(pairs ...string) answer {
	n.t.Helper()
	return n.formWith(basic("billing", shopSecret), "/auth/token", append([]string{"grant_type", "client_credentials"}, pairs...)...)
}

// The client credentials grant (RFC 6749 section 4.4): a program acts as itself, within the scopes of its registration, for
// as long as its access token is good. There is no refresh token.
func TestClientCredentials(t *testing.T) {
	n := start(t, services)
	a := n.asService().want(200)
	if a.str("refresh_token") != "" || a.str("scope") != "read" {
		t.Errorf("the answer is %s", a.text)
	}
	claims := segment(t, a.str("access_token"), 1)
	if claims["sub"] != core.ServiceOf("billing") || claims["client_id"] != "billing" || claims["sid"] == nil {
		t.Errorf("the claims are %v", claims)
	}
	n.get("/me", a.str("access_token")).want(200)
	n.get("/write", a.str("access_token")).want(403)
	n.get("/write", n.asService("scope", "write").want(200).str("access_token")).want(200)
	n.clock.Advance(n.auth.Config().Lifetimes.AccessToken + time.Second)
	n.get("/me", a.str("access_token")).want(401)
	if all, err := n.auth.ListSessions(t.Context(), core.ServiceOf("billing")); err != nil || len(all) != 0 {
		t.Errorf("%d sessions outlive their tokens, %v", len(all), err)
	}
}

func TestClientCredentialsRefused(t *testing.T) {
	n := start(t, services)
	n.asService("scope", "admin").want(400, "invalid_scope")
	n.asService("scope", `"`).want(400, "invalid_scope")
	n.formWith(basic("billing", "wrong"+shopSecret), "/auth/token", "grant_type", "client_credentials").want(401, "invalid_client")
	n.formWith(basic("other", otherKey), "/auth/token", "grant_type", "client_credentials").want(400, "unauthorized_client")
	n.form("/auth/token", "grant_type", "client_credentials", "client_id", "phone").want(400, "unauthorized_client")
	n.form("/auth/token", "grant_type", "client_credentials").want(400, "unauthorized_client")
}

// Disabling the account that a program acts as ends its tokens and gives no more.
func TestClientCredentialsDisabled(t *testing.T) {
	n := start(t, services)
	token := n.asService().want(200).str("access_token")
	n.must(n.auth.Users().Disable(t.Context(), core.ServiceOf("billing"), "leaked"))
	n.get("/me", token).want(401)
	n.asService().want(400, "invalid_grant")
	n.must(n.auth.Users().Enable(t.Context(), core.ServiceOf("billing")))
	n.asService().want(200)
}

// A registration that is taken away, or whose scopes are, is heard at the next token.
func TestClientCredentialsFollowTheRegistration(t *testing.T) {
	store, held := mem.New(), clock.Noon()
	n := start(t, func(s *setup) { services(s); s.store, s.clock = store, held })
	n.asService("scope", "write").want(200)
	next := start(t, func(s *setup) {
		services(s)
		s.store, s.clock = store.Again(), held
		s.core.Clients[0].Scopes = []string{"read"}
	})
	next.asService("scope", "write").want(400, "invalid_scope")
	next.asService("scope", "read").want(200)
}

// Many at once get a token each, from one account.
func TestClientCredentialsAtOnce(t *testing.T) {
	n := start(t, services)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/auth/token", strings.NewReader("grant_type=client_credentials"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("billing", shopSecret)
			w := httptest.NewRecorder()
			if n.h.ServeHTTP(w, r); w.Code != 200 {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if all, err := n.auth.ListSessions(t.Context(), core.ServiceOf("billing")); err != nil || len(all) != 32 {
		t.Errorf("%d sessions, %v", len(all), err)
	}
}

// golang.org/x/oauth2 is a client of it.
func TestClientCredentialsByXOAuth2(t *testing.T) {
	n := start(t, services)
	server := httptest.NewServer(n.h)
	defer server.Close()
	cfg := clientcredentials.Config{
		ClientID: "billing", ClientSecret: shopSecret, TokenURL: server.URL + "/auth/token", Scopes: []string{"write"},
	}
	token, err := cfg.Token(t.Context())
	n.must(err)
	n.get("/write", token.AccessToken).want(200)
}
