package core_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

var (
	secretOne = strings.Repeat("s1", 16)
	secretTwo = strings.Repeat("s2", 16)
)

func TestClientAuthentication(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Clients = []core.ClientConfig{
			{ID: "spa", RedirectURIs: []string{"https://spa.example/cb"}},
			{ID: "backend", Secrets: []string{secretOne, secretTwo}}, // two, while one is being replaced
		}
	})
	for _, tt := range []struct {
		id, secret string
		ok         bool
	}{
		{core.FirstParty, "", true}, {core.FirstParty, "x", false}, {"spa", "", true}, {"spa", secretOne, false},
		{"backend", secretOne, true}, {"backend", secretTwo, true}, {"backend", "", false}, {"backend", secretOne + "x", false},
		{"Backend", secretOne, false}, {"unknown", "", false}, {"", "", false}, {"a b", "", false}, {"spa\x00", "", false},
	} {
		c, err := w.Clients().Authenticate(t.Context(), tt.id, tt.secret)
		if tt.ok {
			if err != nil || c.ID != tt.id {
				t.Errorf("%q with %q: %v", tt.id, tt.secret, err)
			}
			continue
		}
		if core.AsError(err).Code != core.CodeInvalidClient {
			t.Errorf("%q with %q: %v", tt.id, tt.secret, err)
		}
	}
}

// Only the built-in client may send passwords.
func TestWhichGrantsAClientMayUse(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Clients = []core.ClientConfig{{ID: "spa"}, {ID: "none", Grants: []string{"custom"}}, {ID: core.FirstParty, Audiences: []string{"api"}}}
	})
	for id, want := range map[string][]string{
		core.FirstParty: {core.GrantPassword, core.GrantRefresh}, "spa": {core.GrantRefresh}, "none": {"custom"},
	} {
		c := must(w.Clients().Get(t.Context(), id))(t)
		for _, g := range []string{core.GrantPassword, core.GrantRefresh, "custom"} {
			if c.MayUse(g) != slices.Contains(want, g) {
				t.Errorf("%s may use %s: %v", id, g, c.MayUse(g))
			}
		}
	}
}

func TestRegisteredClients(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.Clients().Register(t.Context(), core.ClientConfig{ID: "partner", Name: "Partner"}, core.Confidential)
	noError(t, err)
	if c.Type != core.Confidential || len(secret) < 43 {
		t.Errorf("%+v with secret of %d", c, len(secret))
	}
	other := w.again()
	must(other.Clients().Authenticate(t.Context(), "partner", secret))(t)
	for _, id := range []string{"partner", core.FirstParty} {
		_, _, err = w.Clients().Register(t.Context(), core.ClientConfig{ID: id}, core.Public)
		wantCode(t, err, core.CodeConflict)
	}
	if all := must(w.Clients().List(t.Context(), record.Page{}))(t); len(all) != 1 || all[0].ID != "partner" {
		t.Errorf("list %+v", all)
	}

	w.verified("ann@example.com")
	in := must(w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.APISession, ClientID: "partner"}))(t)
	noError(t, w.Clients().Remove(t.Context(), "partner"))
	_, err = other.Clients().Authenticate(t.Context(), "partner", secret)
	wantCode(t, err, core.CodeInvalidClient)
	_, err = other.Refresh(t.Context(), in.RefreshToken, "partner", nil)
	wantCode(t, err, core.CodeInvalidClient)
	wantCode(t, w.Clients().Remove(t.Context(), "partner"), core.CodeNotFound)
}

func TestBadClients(t *testing.T) {
	for name, c := range map[string]core.ClientConfig{
		"id":             {ID: "two words"},
		"no id":          {},
		"short secret":   {ID: "a", Secrets: []string{"short"}},
		"relative URI":   {ID: "a", RedirectURIs: []string{"/cb"}},
		"URI with user":  {ID: "a", RedirectURIs: []string{"https://user@a.example/cb"}},
		"URI fragment":   {ID: "a", RedirectURIs: []string{"https://a.example/cb#x"}},
		"scope":          {ID: "a", Scopes: []string{"two words"}},
		"default scope":  {ID: "a", DefaultScopes: []string{`quo"te`}},
		"secret for 1st": {ID: core.FirstParty, Secrets: []string{secretOne}},
	} {
		if err := newError(t, func(cfg *core.Config) { cfg.Clients = []core.ClientConfig{c} }); err == nil {
			t.Errorf("%s: accepted in the configuration", name)
		}
		if c.ID == core.FirstParty {
			continue
		}
		w := newWorld(t)
		kind := core.Public
		if len(c.Secrets) > 0 {
			kind = core.Confidential
		}
		_, _, err := w.Clients().Register(t.Context(), c, kind)
		wantCode(t, err, core.CodeInvalidField)
	}
	if err := newError(t, func(cfg *core.Config) { cfg.Clients = []core.ClientConfig{{ID: "a"}, {ID: "a"}} }); err == nil {
		t.Error("one id twice: accepted")
	}
	w := newWorld(t)
	_, _, err := w.Clients().Register(t.Context(), core.ClientConfig{ID: "a", Secrets: []string{secretOne}}, core.Public)
	wantCode(t, err, core.CodeInvalidField)
}

func TestParseScope(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "read": {"read"}, " read  write read ": {"read", "write"}, "a\"b ok": {"ok"}, "ünder ok": {"ok"},
		strings.Repeat("x", 101): nil, "a\\b": nil,
	} {
		if got := core.ParseScope(in); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
