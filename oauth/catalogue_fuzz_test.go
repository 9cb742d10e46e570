package oauth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/oauth"
)

// Whatever a provider says, its profile is read without a panic, has an id of digits where that is what ids are, and no
// verified address of a provider that verifies none.
func FuzzCatalogueProfiles(f *testing.F) {
	all := catalogue(f)
	for _, p := range all {
		a := recorded(f, p.Name)
		for _, answer := range a.Answers {
			add(f, answer)
		}
		add(f, a.IDToken)
	}
	add(f, map[string]any{"email": "a@gmail.com", "email_verified": true, "id": "0", "sub": "", "verified": 1})
	numeric := map[string]bool{"github": true, "facebook": true, "x": true, "discord": true}
	never := map[string]bool{"facebook": true, "spotify": true, "notion": true}
	f.Fuzz(func(t *testing.T, claims []byte) {
		var extra map[string]any
		_ = json.Unmarshal(claims, &extra) // what is no object has no members
		a := &oauth.Answer{Claims: claims, User: claims, Token: (&oauth2.Token{}).WithExtra(extra)}
		for _, p := range all {
			if p.Profile == nil {
				continue
			}
			who, err := p.Profile(t.Context(), a)
			if err != nil {
				continue
			}
			if numeric[p.Name] && strings.Trim(who.Subject, "0123456789") != "" {
				t.Errorf("%s: subject %q", p.Name, who.Subject)
			}
			if who.EmailVerified && never[p.Name] {
				t.Errorf("%s: %s is verified", p.Name, who.Email)
			}
		}
	})
}

func add(f *testing.F, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
}

// A declaration may be changed before it is passed on.
func ExampleMicrosoft() {
	p := oauth.Microsoft("organizations", "client-id", "client-secret")
	p.Name, p.Title = "work", "Your employer"
	p.KeepTokens = true
	fmt.Println(p.Title, p.Issuer, p.Rules.TrustEmail)
	// Output: Your employer https://login.microsoftonline.com/organizations/v2.0 false
}
