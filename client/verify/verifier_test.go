package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/client/verify"
)

// A token of the application is verified with the keys that it publishes, and says who acts.
func TestVerify(t *testing.T) {
	type plan struct {
		Plan string `json:"plan"`
	}
	w := newWorld(t, oneauth.WithClaims(func(context.Context, apiauth.ClaimsInput) (plan, error) { return plan{"pro"}, nil }))
	v := w.verifier()
	token := w.Token(t, ann, "read", "write")
	for range 2 { // the second time it is remembered
		c := accepted(t, v, token)
		if c.Issuer != w.URL || c.Subject != w.User(t, ann).ID || !slices.Equal(c.Audience, []string{audience}) ||
			c.ClientID != "first-party" || c.SessionID == "" || c.TokenID == "" || c.Tenant != "default" {
			t.Errorf("claims %+v", c)
		}
		if !slices.Equal(c.AMR, []string{"pwd"}) || c.ACR == "" || !c.AuthTime.Equal(w.Now()) || !c.IssuedAt.Equal(w.Now()) ||
			!c.ExpiresAt.Equal(w.Now().Add(lifetime)) {
			t.Errorf("how and when: %+v", c)
		}
		if !c.HasScopes("read", "write") || !c.HasScopes() || c.HasScopes("read", "introspect") {
			t.Errorf("scopes %v", c.Scopes)
		}
		var own plan
		if err := c.Decode(&own); err != nil || own.Plan != "pro" || !strings.Contains(string(c.Raw()), `"plan":"pro"`) {
			t.Errorf("custom claims %s: %+v, %v", c.Raw(), own, err)
		}
	}
	if n := w.count("jwks.json"); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// It is good until it expires by the clock, and for the leeway longer; remembered or not.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	v, strict := w.verifier(), w.verifier(func(c *verify.Config) { c.Leeway, c.CacheSize = -1, -1 })
	token := w.Token(t, ann)
	accepted(t, v, token)
	w.Advance(lifetime - time.Second)
	accepted(t, v, token)
	accepted(t, strict, token)
	w.Advance(time.Second)
	accepted(t, v, token)
	refused(t, strict, token, verify.ErrInvalidToken)
	w.Advance(30 * time.Second)
	refused(t, v, token, verify.ErrInvalidToken)
}

// A token of the same issuer for another service, or of another issuer, is not for this one.
func TestForWhomAndByWhom(t *testing.T) {
	w := newWorld(t)
	token := w.Token(t, ann)
	refused(t, w.verifier(func(c *verify.Config) { c.Audiences = []string{audience + "/"} }), token, verify.ErrInvalidToken)
	accepted(t, w.verifier(func(c *verify.Config) { c.Audiences = []string{"https://other.example", audience} }), token)

	other := newWorld(t)
	refused(t, w.verifier(), other.Token(t, ann), verify.ErrInvalidToken)

	// Its metadata names it as it is: an issuer that is spelt in another way is another issuer.
	spelt := w.verifier(func(c *verify.Config) { c.Issuer = w.URL + "/" })
	refused(t, spelt, token, verify.ErrUnavailable)
}

func TestTenant(t *testing.T) {
	tenants := oneauth.WithTenants(func(r *http.Request) (string, error) {
		if name, _, ok := strings.Cut(r.Host, "."); ok && !strings.HasPrefix(name, "127") {
			return name, nil
		}
		return "acme", nil
	})
	w := newWorld(t, tenants)
	token := w.In("acme").Token(t, ann)
	of := func(tenant string) *verify.Verifier {
		return w.verifier(func(c *verify.Config) { c.Tenant = tenant })
	}
	if c := accepted(t, of("acme"), token); c.Tenant != "acme" {
		t.Errorf("tenant %q", c.Tenant)
	}
	refused(t, of("globex"), token, verify.ErrInvalidToken)
	refused(t, of("ACME"), token, verify.ErrInvalidToken)
}

func TestRequiredClaims(t *testing.T) {
	i := newIssuer(t)
	token := i.token(i.keys[0])
	for claim, want := range map[string]bool{"sid": true, "scope": true, "acr": false, "plan": false, "SID": false} {
		v := i.verifier(func(c *verify.Config) { c.Require = []string{"sub", claim} })
		if want {
			accepted(t, v, token)
		} else {
			refused(t, v, token, verify.ErrInvalidToken)
		}
	}
}

// Refresh finds out at the start whether the issuer can be reached.
func TestRefresh(t *testing.T) {
	w := newWorld(t)
	v := w.verifier()
	if w.count("jwks.json") != 0 {
		t.Error("New has fetched something")
	}
	for n := range 2 {
		if err := v.Refresh(t.Context()); err != nil || w.count("jwks.json") != n+1 {
			t.Fatalf("%v after %d fetches", err, w.count("jwks.json"))
		}
	}
	accepted(t, v, w.Token(t, ann))
	if n := w.count("jwks.json"); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

// The caller's slices are the caller's: what becomes of them later does not change which tokens are accepted.
func TestConfigIsCopied(t *testing.T) {
	i := newIssuer(t)
	i.answer("introspect", text([]byte(fmt.Sprintf(`{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q}`, audience))))
	audiences, scopes := []string{audience}, []string{"read"}
	local := i.verifier(func(c *verify.Config) { c.Audiences = audiences })
	asking := i.verifier(func(c *verify.Config) {
		c.Audiences, c.Introspection = audiences, &verify.Introspection{APIKey: "oak_1_2"}
	})
	h := local.RequireScopes(scopes...)(greet)
	audiences[0], scopes[0] = "https://evil.example", "admin"
	token := i.token(i.keys[0])
	accepted(t, local, token)
	accepted(t, asking, token)
	if w := call(h, "Bearer "+token); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

func TestBadConfig(t *testing.T) {
	for name, edit := range map[string]func(*verify.Config){
		"Issuer is empty":      func(c *verify.Config) { c.Issuer = "" },
		"Issuer: it must be":   func(c *verify.Config) { c.Issuer = "http://app.example" },
		"Issuer: it must have": func(c *verify.Config) { c.Issuer = "https://ann@app.example" },
		"Issuer: it is no":     func(c *verify.Config) { c.Issuer = "https://app.example\x00" },
		"Audiences":            func(c *verify.Config) { c.Audiences = nil },
		"Audiences is":         func(c *verify.Config) { c.Audiences = []string{""} },
		"Algorithms":           func(c *verify.Config) { c.Algorithms = []string{"HS256"} },
		"Algorithms: \"none\"": func(c *verify.Config) { c.Algorithms = []string{"EdDSA", "none"} },
		"Algorithms is":        func(c *verify.Config) { c.Algorithms = []string{} },
		"Leeway":               func(c *verify.Config) { c.Leeway = time.Hour },
		"KeysFor":              func(c *verify.Config) { c.KeysFor = -1 },
		"StaleFor":             func(c *verify.Config) { c.StaleFor = -1 },
		"StaleFor is less":     func(c *verify.Config) { c.KeysFor, c.StaleFor = time.Hour, time.Minute },
		"CacheSize":            func(c *verify.Config) { c.CacheSize = 1 << 30 },
		"Introspection":        func(c *verify.Config) { c.Introspection = &verify.Introspection{} },
		"Introspection needs":  func(c *verify.Config) { c.Introspection = &verify.Introspection{ClientID: "orders"} },
		"not both": func(c *verify.Config) {
			c.Introspection = &verify.Introspection{APIKey: "oak_1_2", ClientID: "orders", ClientSecret: "x"}
		},
		"Introspection.CacheFor": func(c *verify.Config) { c.Introspection = &verify.Introspection{APIKey: "k", CacheFor: time.Hour} },
		"Introspection.Endpoint": func(c *verify.Config) {
			c.Introspection = &verify.Introspection{APIKey: "k", Endpoint: "http://app.example/auth/introspect"}
		},
	} {
		cfg := verify.Config{Issuer: "https://app.example", Audiences: []string{audience}}
		edit(&cfg)
		_, err := verify.New(cfg)
		field, _, _ := strings.Cut(name, " ")
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(field, ":")) || strings.Count(fmt.Sprint(err), "verify:") != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
