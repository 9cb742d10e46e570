package oauth

import "golang.org/x/oauth2"

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
