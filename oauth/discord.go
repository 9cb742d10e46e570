package oauth

import (
	"cmp"
	"context"
	"encoding/json"

	"golang.org/x/oauth2"
)

// Discord declares Discord.
//
// Addresses are trusted: Discord says whether it verified the account's one.
func Discord(clientID, clientSecret string) Provider {
	p := OAuth2("discord", "https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token",
		"https://discord.com/api/v10/users/@me", clientID, clientSecret, discordProfile)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Scopes = []string{"identify", "email"}
	p.Rules.TrustEmail = true
	return p
}

func discordProfile(_ context.Context, a *Answer) (Profile, error) {
	var u struct {
		ID       digits `json:"id"`
		Username string `json:"username"`
		Name     string `json:"global_name"`
		Avatar   string `json:"avatar"` // a hash
		Email    string `json:"email"`
		Verified bool   `json:"verified"` // the address
		Locale   string `json:"locale"`
	}
	if err := json.Unmarshal(a.Claims, &u); err != nil {
		return Profile{}, err
	}
	who := Profile{
		Subject: string(u.ID), Name: cmp.Or(u.Name, u.Username), Email: u.Email, EmailVerified: u.Verified, Locale: u.Locale,
	}
	if u.Avatar != "" {
		who.Picture = "https://cdn.discordapp.com/avatars/" + string(u.ID) + "/" + u.Avatar + ".png"
	}
	return who, nil
}
