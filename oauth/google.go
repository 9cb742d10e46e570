package oauth

import (
	"context"
	"encoding/json"
	"strings"

	"golang.org/x/oauth2"
)

// Google declares Google accounts. Put the client ids of Android and iOS apps into NativeClientIDs: an ID token from
// Android is for the web client, with the Android client as authorized party.
//
// Addresses are trusted where Google speaks for them: those of gmail.com, and those of Workspace accounts, which have the
// claim hd. Of any other address Google knows only that its owner had it once, so it counts as unverified, whatever
// email_verified says.
func Google(clientID, clientSecret string) Provider {
	p := OIDC("google", "https://accounts.google.com", clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Namespace = p.Issuer // older ID tokens name it without https://
	p.Profile = googleProfile
	p.Rules.TrustEmail = true
	return p
}

func googleProfile(ctx context.Context, a *Answer) (Profile, error) {
	who, err := StandardProfile(ctx, a)
	if err != nil {
		return Profile{}, err
	}
	var c struct {
		Domain string `json:"hd"`
	}
	if err := json.Unmarshal(a.Claims, &c); err != nil {
		return Profile{}, err
	}
	gmail := strings.HasSuffix(strings.ToLower(who.Email), "@gmail.com")
	who.EmailVerified = who.EmailVerified && (gmail || c.Domain != "")
	return who, nil
}
