package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"golang.org/x/oauth2"
)

// GitHub declares GitHub, for an OAuth app. A GitHub App works too, where it has the account permission "Email addresses:
// read-only". People are known by their numeric id: a login may be given up and taken by somebody else.
//
// Addresses are trusted: GitHub says of each whether it is verified, and the primary one is taken.
func GitHub(clientID, clientSecret string) Provider {
	p := OAuth2("github", "https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token",
		"https://api.github.com/user", clientID, clientSecret, gitHubProfile)
	p.Title = "GitHub"
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Scopes = []string{"user:email"}
	p.Rules.TrustEmail = true
	return p
}

func gitHubProfile(ctx context.Context, a *Answer) (Profile, error) {
	var u struct {
		ID     int64  `json:"id"`
		Login  string `json:"login"`
		Name   string `json:"name"`
		Avatar string `json:"avatar_url"`
	}
	if err := json.Unmarshal(a.Claims, &u); err != nil {
		return Profile{}, err
	}
	if u.ID <= 0 {
		return Profile{}, errors.New("the id is missing")
	}
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := a.Get(ctx, "https://api.github.com/user/emails?per_page=100", &addresses); err != nil {
		return Profile{}, err
	}
	who := Profile{Subject: strconv.FormatInt(u.ID, 10), Name: cmp.Or(u.Name, u.Login), Picture: u.Avatar}
	for _, e := range addresses {
		if e.Primary {
			who.Email, who.EmailVerified = e.Email, e.Verified
		}
	}
	return who, nil
}
