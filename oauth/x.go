package oauth

import (
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

// X declares X, formerly Twitter, for a confidential client ("Web App").
//
// X tells no address by default. Where the app may ask for it, add the scope users.email, and confirmed_email to the
// user.fields of UserInfoURL; what X then tells is confirmed. Set Rules.TrustEmail with it if that is good enough for you.
func X(clientID, clientSecret string) Provider {
	p := OAuth2("x", "https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token",
		"https://api.x.com/2/users/me?user.fields=profile_image_url", clientID, clientSecret, xProfile)
	p.AuthStyle = oauth2.AuthStyleInHeader
	p.Scopes = []string{"users.read", "tweet.read"} // users/me asks for both
	return p
}

func xProfile(_ context.Context, a *Answer) (Profile, error) {
	var answer struct {
		Data struct {
			ID      digits `json:"id"`
			Name    string `json:"name"`
			Picture string `json:"profile_image_url"`
			Email   string `json:"confirmed_email"`
		} `json:"data"`
	}
	err := json.Unmarshal(a.Claims, &answer)
	u := answer.Data
	return Profile{
		Subject: string(u.ID), Name: u.Name, Picture: u.Picture, Email: u.Email, EmailVerified: u.Email != "",
	}, err
}
