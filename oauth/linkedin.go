package oauth

import (
	"context"
	"encoding/json"
	"strings"

	"golang.org/x/oauth2"
)

// LinkedIn declares Sign In with LinkedIn using OpenID Connect. Its ID tokens carry no nonce, so that one proves nothing
// about this sign-in; the UserInfo endpoint is asked instead. Its token endpoint refuses code verifiers, so there is no
// PKCE. What is left against an injected code is the state, and that LinkedIn's codes are short-lived and good once.
//
// Addresses are trusted: LinkedIn says whether the primary one is verified.
func LinkedIn(clientID, clientSecret string) Provider {
	p := OAuth2("linkedin", "https://www.linkedin.com/oauth/v2/authorization", "https://www.linkedin.com/oauth/v2/accessToken",
		"https://api.linkedin.com/v2/userinfo", clientID, clientSecret, linkedInProfile)
	p.Title = "LinkedIn"
	p.Namespace = "https://www.linkedin.com/oauth" // the issuer
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Scopes = []string{"openid", "profile", "email"}
	p.NoPKCE = true
	p.Rules.TrustEmail = true
	return p
}

// linkedInProfile reads the standard claims, of which the locale may be an object of language and country.
func linkedInProfile(ctx context.Context, a *Answer) (Profile, error) {
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(a.Claims, &claims); err != nil {
		return Profile{}, err
	}
	var locale struct{ Language, Country string }
	if json.Unmarshal(claims["locale"], &locale) == nil {
		delete(claims, "locale")
	}
	standard, err := json.Marshal(claims)
	if err != nil {
		return Profile{}, err
	}
	who, err := StandardProfile(ctx, &Answer{Claims: standard})
	if locale.Language != "" {
		who.Locale = strings.TrimSuffix(locale.Language+"-"+locale.Country, "-")
	}
	return who, err
}
