package oauth

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
)

// The providers here are run by the application's owner or for them: each issuer has people of its own. Whether an address
// is verified is up to how it is set up, so none is trusted; set Rules.TrustEmail where nobody but you can change that.

// Okta declares the org authorization server of an Okta domain, such as "dev-1.okta.com". For a custom one set Issuer to
// https://<domain>/oauth2/<id>.
//
// Addresses are not trusted: administrators, and people where their profile may be edited, write them.
func Okta(domain, clientID, clientSecret string) Provider {
	p := OIDC("okta", origin(domain), clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInHeader
	return p
}

// Auth0 declares an Auth0 tenant by its domain, such as "example.eu.auth0.com" or one of your own.
//
// Addresses are not trusted: email_verified is passed on from whatever connection somebody came through.
func Auth0(domain, clientID, clientSecret string) Provider {
	p := OIDC("auth0", origin(domain)+"/", clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInParams
	return p
}

// Keycloak declares a realm of the Keycloak at an address, such as "https://sso.example.com"; before version 17 that ends
// in /auth.
//
// Addresses are not trusted: administrators and brokered providers may say of any that it is verified.
func Keycloak(baseURL, realm, clientID, clientSecret string) Provider {
	p := OIDC("keycloak", origin(baseURL)+"/realms/"+url.PathEscape(realm), clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInHeader
	if realm == "" {
		p.fault = errors.New("the realm is missing")
	}
	return p
}

// Authentik declares an application of the authentik at an address, by its slug.
//
// Addresses are not trusted: authentik verifies none, and said of all that they are verified before version 2025.10.
func Authentik(baseURL, slug, clientID, clientSecret string) Provider {
	p := OIDC("authentik", origin(baseURL)+"/application/o/"+url.PathEscape(slug)+"/", clientID, clientSecret)
	p.Title = "authentik"
	p.AuthStyle = oauth2.AuthStyleInHeader
	if slug == "" {
		p.fault = errors.New("the slug is missing")
	}
	return p
}

var userPoolRE = regexp.MustCompile(`^([a-z0-9-]+)_[A-Za-z0-9]+$`)

// Cognito declares a user pool of Amazon Cognito by its id, such as "eu-central-1_Example".
//
// Addresses are not trusted: what a federated provider or an application with an access token writes may count as
// verified.
func Cognito(userPoolID, clientID, clientSecret string) Provider {
	p := Provider{Name: "cognito", Title: "Amazon Cognito", ClientID: clientID, ClientSecret: clientSecret}
	p.AuthStyle = oauth2.AuthStyleInHeader
	m := userPoolRE.FindStringSubmatch(userPoolID)
	if m == nil {
		p.fault = errors.New("the id of the user pool is not a region, an underscore, and letters and digits")
		return p
	}
	p.Issuer = "https://cognito-idp." + m[1] + ".amazonaws.com/" + userPoolID
	return p
}

// origin takes a domain or an address.
func origin(s string) string {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	return strings.TrimRight(s, "/")
}
