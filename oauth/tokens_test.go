package oauth_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
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

// Only what says that the tokens are over forgets them: not a wrong secret of ours, nor a provider that has too much to do.
func TestTokenSourceErrors(t *testing.T) {
	for code, c := range map[string]struct {
		status int
		want   core.Code
	}{
		"invalid_grant":           {400, core.CodeProviderRefused},
		"bad_refresh_token":       {200, core.CodeProviderRefused}, // GitHub, with an answer of 200
		"invalid_client":          {401, core.CodeProviderFailed},
		"temporarily_unavailable": {503, core.CodeProviderFailed},
		"slow_down":               {429, core.CodeProviderFailed},
	} {
		t.Run(code, func(t *testing.T) {
			s := newSite(t, keepTokens)
			b := s.browser()
			b.signIn("1001").want(303)
			source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
			if err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(s.idp.Lifetime)
			s.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(`{"error":"` + code + `"}`))
				return true
			}
			if _, err := source.Token(); core.AsError(err).Code != c.want {
				t.Errorf("error is %v", err)
			}
			if s.saw(core.EventProviderRevoked) != (c.want == core.CodeProviderRefused) {
				t.Errorf("revoked: %v", s.saw(core.EventProviderRevoked))
			}
			s.idp.Intercept = nil
			if _, err := source.Token(); errors.Is(err, core.ErrNotFound) != (c.want == core.CodeProviderRefused) {
				t.Errorf("then the error is %v", err)
			}
		})
	}
}

// What is kept is sealed: whoever reads the store cannot call the provider, and what is moved to another row opens nothing.
func TestKeptTokensAreSealed(t *testing.T) {
	s := newSite(t, keepTokens)
	var given string
	s.idp.Answer = func(a map[string]any) { given, _ = a["refresh_token"].(string) }
	b, other := s.browser(), s.browser()
	b.signIn("1001").want(303)
	other.signIn("1002").want(303)
	rows := func(b *browser) (l *core.LinkedAccount) {
		err := s.Core().View(t.Context(), func(tx *core.Tx) error {
			all, err := tx.LinkedAccounts().PeekFind("user_id", b.whoami(), record.Page{})
			l = all[0]
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	mine, theirs := rows(b), rows(other)
	if given == "" || len(theirs.Tokens) == 0 || bytes.Contains(theirs.Tokens, []byte(given)) || bytes.Contains(theirs.Tokens, []byte("token")) {
		t.Errorf("the store has %q", theirs.Tokens)
	}
	err := s.Core().Update(t.Context(), func(tx *core.Tx) error {
		mine.Tokens = theirs.Tokens
		return tx.LinkedAccounts().Put(mine)
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.ProviderTokens(t.Context(), b.whoami(), "example")
	if err == nil {
		_, err = source.Token()
	}
	if err == nil || core.AsError(err).Code != core.CodeInternal {
		t.Errorf("somebody else's tokens: %v", err)
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
