package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"golang.org/x/oauth2"
)

// Zoom declares Zoom, for a user-managed app. Its scopes are those of the app's registration, which needs user:read:user
// (user:read for older apps).
//
// Addresses are not trusted, though Zoom says whether each is verified: the owners of a Zoom account, which anybody may
// be, bring its users in through a provider of their own.
func Zoom(clientID, clientSecret string) Provider {
	p := OAuth2("zoom", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token", "https://api.zoom.us/v2/users/me",
		clientID, clientSecret, zoomProfile)
	p.AuthStyle = oauth2.AuthStyleInHeader
	return p
}

func zoomProfile(_ context.Context, a *Answer) (Profile, error) {
	var u struct {
		ID       string `json:"id"`
		Display  string `json:"display_name"`
		First    string `json:"first_name"`
		Last     string `json:"last_name"`
		Email    string `json:"email"`
		Verified int    `json:"verified"` // 1: the address is
		Picture  string `json:"pic_url"`
		Language string `json:"language"`
	}
	err := json.Unmarshal(a.Claims, &u)
	return Profile{
		Subject: u.ID, Name: cmp.Or(u.Display, strings.TrimSpace(u.First+" "+u.Last)), Email: u.Email,
		EmailVerified: u.Verified == 1, Picture: u.Picture, Locale: u.Language,
	}, err
}
