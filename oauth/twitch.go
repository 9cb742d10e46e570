package oauth

import (
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

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
