package oauth

import (
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

// facebookVersion is of the Graph API. Meta keeps each for two years at least.
const facebookVersion = "v25.0"

// Facebook declares Facebook Login. Subjects are made for one app: with another client id everybody is a stranger.
//
// Addresses are not trusted: Facebook does not say whether it verified them, and leaves them out where it did not or the
// person has none.
func Facebook(clientID, clientSecret string) Provider {
	graph := "https://graph.facebook.com/" + facebookVersion
	p := OAuth2("facebook", "https://www.facebook.com/"+facebookVersion+"/dialog/oauth", graph+"/oauth/access_token",
		graph+"/me?fields=id,name,email,picture", clientID, clientSecret, facebookProfile)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Scopes = []string{"email", "public_profile"}
	return p
}

func facebookProfile(_ context.Context, a *Answer) (Profile, error) {
	var u struct {
		ID      digits `json:"id"`
		Name    string `json:"name"`
		Email   string `json:"email"`
		Picture struct {
			Data struct {
				URL string `json:"url"`
			} `json:"data"`
		} `json:"picture"`
	}
	err := json.Unmarshal(a.Claims, &u)
	return Profile{Subject: string(u.ID), Name: u.Name, Email: u.Email, Picture: u.Picture.Data.URL}, err
}
