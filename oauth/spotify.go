package oauth

import (
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

// Spotify declares Spotify.
//
// Addresses are not trusted: Spotify's documentation says that there is no proof that one belongs to the user. Newer apps
// may be told none at all.
func Spotify(clientID, clientSecret string) Provider {
	p := OAuth2("spotify", "https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token",
		"https://api.spotify.com/v1/me", clientID, clientSecret, spotifyProfile)
	p.AuthStyle = oauth2.AuthStyleInHeader
	p.Scopes = []string{"user-read-email"}
	return p
}

func spotifyProfile(_ context.Context, a *Answer) (Profile, error) {
	var u struct {
		ID     string `json:"id"`
		Name   string `json:"display_name"`
		Email  string `json:"email"`
		Images []struct {
			URL string `json:"url"`
		} `json:"images"`
	}
	err := json.Unmarshal(a.Claims, &u)
	who := Profile{Subject: u.ID, Name: u.Name, Email: u.Email}
	if len(u.Images) > 0 {
		who.Picture = u.Images[0].URL
	}
	return who, err
}
