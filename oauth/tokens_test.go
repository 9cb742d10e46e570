package oauth_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func keepTokens(p *plan) { p.provider.KeepTokens = true }

// The application calls the provider as the user, with tokens that were kept at the sign-in and are refreshed when due.
func TestTokenSource(t *testing.T) {
	s := newSite(t, keepTokens)
	b := s.browser()
	b.signIn("1001").want(303)
	source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
	if err != nil {
		t.Fatal(err)
	}
	first, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	again, err := source.Token()
	if err != nil || again.AccessToken != first.AccessToken {
		t.Errorf("a good token is not used again: %v", err)
	}
	s.clock.Advance(s.idp.Lifetime)
	next, err := source.Token()
	if err != nil || next.AccessToken == first.AccessToken {
		t.Fatalf("an old token is used again: %v", err)
	}
	r := b.request("GET", s.idp.Issuer+"/userinfo", nil)
	next.SetAuthHeader(r)
	b.do(r).want(200, "Ada Lovelace")
}

// Many at once, in two processes over one store, refresh once: the provider's refresh tokens are good once.
func TestTokenSourceRefreshesOnce(t *testing.T) {
	store := mem.New()
	var asked atomic.Int64
	count := func(p *plan) {
		p.idp.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				asked.Add(1)
			}
			return false
		}
	}
	s := newSite(t, keepTokens, count, func(p *plan) { p.store = store })
	other := newSite(t, func(p *plan) {
		p.store, p.clock, p.idp = store.Again(), s.clock, s.idp
		p.provider.Issuer = s.idp.Issuer
	}, keepTokens)
	b := s.browser()
	b.signIn("1001").want(303)
	ada := b.whoami()
	s.clock.Advance(s.idp.Lifetime)
	asked.Store(0)
	var wg sync.WaitGroup
	var tokens sync.Map
	for i := range 32 {
		wg.Go(func() {
			auth := []*site{s, other}[i%2]
			source, err := auth.ProviderTokens(t.Context(), ada, "example")
			if err != nil {
				t.Error(err)
				return
			}
			token, err := source.Token()
			if err != nil {
				t.Error(err)
				return
			}
			tokens.Store(token.AccessToken, true)
		})
	}
	wg.Wait()
	n := 0
	tokens.Range(func(any, any) bool { n++; return true })
	if n != 1 || asked.Load() != 1 {
		t.Errorf("%d tokens after %d requests", n, asked.Load())
	}
}

// A provider that does not honour its tokens any more is told of once, and they are forgotten.
func TestTokenSourceRevoked(t *testing.T) {
	s := newSite(t, keepTokens)
	b := s.browser()
	b.signIn("1001").want(303)
	source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
	if err != nil {
		t.Fatal(err)
	}
	s.idp.Revoke()
	s.clock.Advance(s.idp.Lifetime)
	if _, err := source.Token(); core.AsError(err).Code != core.CodeProviderRefused {
		t.Errorf("error is %v", err)
	}
	if !s.saw(core.EventProviderRevoked) {
		t.Error("nobody was told")
	}
	if _, err := source.Token(); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
}

// A provider that is down takes nothing away.
func TestTokenSourceDown(t *testing.T) {
	s := newSite(t, keepTokens)
	b := s.browser()
	b.signIn("1001").want(303)
	source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(s.idp.Lifetime)
	s.idp.Intercept = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(502); return true }
	if _, err := source.Token(); core.AsError(err).Code != core.CodeProviderFailed {
		t.Errorf("error is %v", err)
	}
	s.idp.Intercept = nil
	if _, err := source.Token(); err != nil {
		t.Errorf("error is %v", err)
	}
}

// Nothing is kept unless that is asked for, and nothing is there for others.
func TestTokenSourceNotKept(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("1001").want(303)
	source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
	if err == nil {
		_, err = source.Token()
	}
	if !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	for _, c := range [][2]string{{"usr_nobody", "example"}, {b.whoami(), "nobody"}} {
		if _, err := s.ProviderTokens(t.Context(), c[0], c[1]); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("%v: error is %v", c, err)
		}
	}
}
