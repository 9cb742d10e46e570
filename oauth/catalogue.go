package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/oauth2"
)

// The providers here need nothing but a declaration. Each of the others has a file.

// GitLab declares gitlab.com. For an instance of one's own set Issuer to its address.
//
// Addresses are trusted: GitLab says whether one is verified. In an instance of one's own its administrators may say so of
// any address.
func GitLab(clientID, clientSecret string) Provider {
	p := OIDC("gitlab", "https://gitlab.com", clientID, clientSecret)
	p.Title = "GitLab"
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Rules.TrustEmail = true
	return p
}

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

// Twitch declares Twitch, whose ID tokens have what the claims parameter asks for (OpenID Connect Core section 5.5).
//
// Addresses are trusted: Twitch says whether one is verified.
func Twitch(clientID, clientSecret string) Provider {
	p := OIDC("twitch", "https://id.twitch.tv/oauth2", clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Scopes = []string{"openid", "user:read:email"}
	p.Params = map[string]string{
		"claims": `{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}`,
	}
	p.Profile = twitchProfile
	p.Rules.TrustEmail = true
	return p
}

// linkedInProfile reads the standard claims, of which the locale is an object.
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

func twitchProfile(ctx context.Context, a *Answer) (Profile, error) {
	who, err := StandardProfile(ctx, a)
	if err != nil {
		return Profile{}, err
	}
	var c struct {
		Name string `json:"preferred_username"`
	}
	err = json.Unmarshal(a.Claims, &c)
	who.Name = c.Name
	return who, err
}

// digits is a number that a provider writes as text, since it is too large for some. Anything else is an error.
type digits string

// UnmarshalJSON refuses what is no text, no number or zero.
func (d *digits) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return fmt.Errorf("%q is no id", text)
	}
	*d = digits(text)
	return nil
}
