package oauth

import (
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

// Bitbucket declares Bitbucket Cloud. The OAuth consumer needs the permissions "Account: read" and "Account: email".
// People are known by their UUID: a username may change.
//
// Addresses are trusted: Bitbucket says of each whether it is confirmed, and the primary one is taken.
func Bitbucket(clientID, clientSecret string) Provider {
	p := OAuth2("bitbucket", "https://bitbucket.org/site/oauth2/authorize", "https://bitbucket.org/site/oauth2/access_token",
		"https://api.bitbucket.org/2.0/user", clientID, clientSecret, bitbucketProfile)
	p.AuthStyle = oauth2.AuthStyleInHeader
	p.Scopes = []string{"account", "email"}
	p.Rules.TrustEmail = true
	return p
}

func bitbucketProfile(ctx context.Context, a *Answer) (Profile, error) {
	var u struct {
		UUID  string `json:"uuid"` // in braces
		Name  string `json:"display_name"`
		Links struct {
			Avatar struct {
				Href string `json:"href"`
			} `json:"avatar"`
		} `json:"links"`
	}
	if err := json.Unmarshal(a.Claims, &u); err != nil {
		return Profile{}, err
	}
	var addresses struct {
		Values []struct {
			Email     string `json:"email"`
			Primary   bool   `json:"is_primary"`
			Confirmed bool   `json:"is_confirmed"`
		} `json:"values"`
	}
	if err := a.Get(ctx, "https://api.bitbucket.org/2.0/user/emails?pagelen=100", &addresses); err != nil {
		return Profile{}, err
	}
	who := Profile{Subject: u.UUID, Name: u.Name, Picture: u.Links.Avatar.Href}
	for _, e := range addresses.Values {
		if e.Primary {
			who.Email, who.EmailVerified = e.Email, e.Confirmed
		}
	}
	return who, nil
}
