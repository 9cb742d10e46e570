package oauth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

// Each part of a profile follows the provider when its own rule says so: at first, always, or never.
func TestProfileFollows(t *testing.T) {
	for name, c := range map[string]struct {
		rules         core.ProfileSync
		first, second [3]any // name, picture, locale
	}{
		"by default": {core.ProfileSync{}, [3]any{"Ada Lovelace", "https://id.example/1.png", "en"}, [3]any{"Ada Lovelace", "https://id.example/1.png", "en"}},
		"always": {
			core.ProfileSync{Name: core.SyncAlways, Picture: core.SyncAlways, Locale: core.SyncAlways},
			[3]any{"Ada Lovelace", "https://id.example/1.png", "en"}, [3]any{"Ada King", "https://id.example/2.png", "de"},
		},
		"never": {core.ProfileSync{Name: core.SyncNever, Picture: core.SyncNever, Locale: core.SyncNever}, [3]any{"", nil, nil}, [3]any{"", nil, nil}},
		"each for itself": {
			core.ProfileSync{Name: core.SyncNever, Picture: core.SyncFirst, Locale: core.SyncAlways},
			[3]any{"", "https://id.example/1.png", "en"}, [3]any{"", "https://id.example/1.png", "de"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(p *plan) {
				p.provider.Rules.Sync = c.rules
				p.idp.People[0].Picture = "https://id.example/1.png"
				p.options = append(p.options, oneauth.WithFields(
					core.Field{Name: "picture", Type: core.TextField}, core.Field{Name: "locale", Type: core.TextField}))
			})
			look := func(want [3]any) {
				t.Helper()
				b := s.browser()
				b.signIn("1001").want(303)
				u, _, err := s.Core().User(t.Context(), b.whoami())
				if err != nil {
					t.Fatal(err)
				}
				if got := [3]any{u.Name, u.Data["picture"], u.Data["locale"]}; got != want {
					t.Errorf("the profile is %v, want %v", got, want)
				}
			}
			look(c.first)
			ada := &s.idp.People[0]
			ada.Name, ada.Picture, ada.Locale = "Ada King", "https://id.example/2.png", "de"
			look(c.second)
		})
	}
}

// An address that has changed at the provider is a proposal: the connected account shows it, and the person may add it. It
// neither replaces nor verifies anything here.
func TestAddressIsAProposal(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("1001").want(303)
	s.idp.People[0].Email = "ada@new.example"
	b.signIn("1001").want(303)
	_, identities, err := s.Core().User(t.Context(), b.whoami())
	if err != nil || len(identities) != 1 || identities[0].Value != "ada@id.example" {
		t.Errorf("the addresses are %+v, %v", identities, err)
	}
	if email := b.linked()[0].(object)["email"]; email != "ada@new.example" {
		t.Errorf("the connected account shows %v", email)
	}
	b.get("/auth/account").want(200, "ada@new.example", "ada@id.example")
	b.submit("/auth/identities", "identifier", "ada@new.example").want(303)
	_, identities, err = s.Core().User(t.Context(), b.whoami())
	if err != nil || len(identities) != 2 {
		t.Errorf("the addresses are %+v, %v", identities, err)
	}
	for _, i := range identities {
		if i.Verified != (i.Value == "ada@id.example") {
			t.Errorf("%s is verified: %v", i.Value, i.Verified)
		}
	}
}

// What a provider says is kept as it said it where the declaration asks for it, and goes to nobody else.
func TestRawClaims(t *testing.T) {
	for _, keep := range []bool{true, false} {
		s := newSite(t, func(p *plan) {
			p.provider.KeepClaims = keep
			p.idp.Claims = func(c map[string]any) { c["https://id.example/department"] = "engines" }
		})
		b := s.browser()
		b.signIn("1001").want(303)
		all, err := s.Core().LinkedAccounts(t.Context(), b.whoami())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		var claims map[string]any
		if keep {
			if err := json.Unmarshal(all[0].Claims, &claims); err != nil || claims["https://id.example/department"] != "engines" || claims["sub"] != "1001" {
				t.Errorf("the claims are %s, %v", all[0].Claims, err)
			}
		} else if all[0].Claims != nil {
			t.Errorf("claims are kept: %s", all[0].Claims)
		}
		if text := b.get("/auth/linked").text; strings.Contains(text, "engines") {
			t.Errorf("the claims are told: %s", text)
		}
	}
}
