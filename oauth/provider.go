package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
)

// Provider declares one identity provider. With an Issuer it is OpenID Connect, and the addresses come from discovery;
// else it is plain OAuth 2.0 with the addresses given here.
type Provider struct {
	Name  string // in paths and records: a-z 0-9 -; never change it once people use it
	Title string // on buttons; default Name

	ClientID     string
	ClientSecret string
	// SecretOf makes the secret for each exchange, where it is not a fixed one (Apple's is a signed token). Instead of
	// ClientSecret.
	SecretOf func(ctx context.Context, now time.Time) (string, error)
	// NativeClientIDs are further audiences of ID tokens that POST /oauth/{provider}/token takes: the client ids of the
	// application's mobile apps at this provider.
	NativeClientIDs []string

	// Issuer is the OpenID Connect issuer, whose discovery document is at Issuer/.well-known/openid-configuration. The ID
	// tokens must name exactly it, unless ValidIssuer says otherwise.
	Issuer string
	// ValidIssuer judges the issuer of an ID token, for providers with one issuer per tenant (Microsoft). discovered is
	// what the discovery document names.
	ValidIssuer func(issuer, discovered string, claims json.RawMessage) bool

	// The addresses of a plain OAuth 2.0 provider.
	AuthURL, TokenURL, UserInfoURL string
	// Namespace is what the subjects belong to. Default the issuer that an ID token names, and for plain OAuth 2.0 the
	// origin of AuthURL. Set it for a provider whose tokens name one of several issuers that share their subjects. Never
	// change it once people use it, nor let two providers have one that do not share users.
	Namespace string
	// AuthStyle is how the client authenticates at the token endpoint. Default what discovery tells, else HTTP Basic, which
	// RFC 6749 section 2.3.1 asks of every provider; a client without a secret names itself in the form.
	AuthStyle oauth2.AuthStyle

	Scopes []string          // default openid, email and profile for OpenID Connect
	Params map[string]string // further parameters of the authorization request, such as access_type
	// FormPost asks the provider to answer with a form (OAuth 2.0 Form Post Response Mode), as Apple demands for more than
	// the openid scope.
	FormPost bool
	// NoPKCE leaves RFC 7636 out, for a provider that refuses requests with it (LinkedIn does). Others ignore what they do
	// not know, so they need no exception.
	NoPKCE bool

	// Profile reads who somebody is out of what the provider said. Default: the standard claims (OpenID Connect Core
	// section 5.1). A plain OAuth 2.0 provider needs one. One that returns no subject leaves that of the ID token.
	Profile func(ctx context.Context, a *Answer) (Profile, error)

	Rules      core.LinkRules // what a sign-in through this provider may do
	KeepTokens bool           // keep the provider's tokens, sealed: Service.TokenSource uses them
	KeepClaims bool           // keep the raw claims: core.LinkedAccount.Claims

	fault error // of the arguments that a constructor got
}

// Profile is who somebody is at a provider. Subject never changes and is never given to anybody else.
type Profile struct {
	Subject       string
	Email         string
	EmailVerified bool // by the provider
	Name          string
	Picture       string
	Locale        string
}

// Answer is what a provider said in one sign-in.
type Answer struct {
	Claims json.RawMessage // of the ID token; of UserInfoURL for a plain OAuth 2.0 provider
	Token  *oauth2.Token   // nil when a native app brought an ID token
	// User is the form parameter of that name, which Apple sends at the first sign-in alone: JSON with the person's name.
	User json.RawMessage
	get  func(ctx context.Context, url string, into any) error
}

// Get asks the provider's API as the person, and decodes the JSON that it answers, at most 1 MiB.
func (a *Answer) Get(ctx context.Context, url string, into any) error {
	if a.get == nil {
		return errors.New("oauth: there is no access token to ask with")
	}
	return a.get(ctx, url, into)
}

// OIDC declares an OpenID Connect provider. The default rules do not trust its addresses.
func OIDC(name, issuer, clientID, clientSecret string) Provider {
	return Provider{Name: name, Issuer: issuer, ClientID: clientID, ClientSecret: clientSecret}
}

// OAuth2 declares a plain OAuth 2.0 provider, whose userInfoURL tells in JSON who somebody is, for profile to read.
func OAuth2(
	name, authURL, tokenURL, userInfoURL, clientID, clientSecret string,
	profile func(ctx context.Context, a *Answer) (Profile, error),
) Provider {
	return Provider{
		Name: name, AuthURL: authURL, TokenURL: tokenURL, UserInfoURL: userInfoURL, ClientID: clientID,
		ClientSecret: clientSecret, Profile: profile,
	}
}

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// complete fills in the defaults and says what is missing or cannot work.
func (p *Provider) complete() error {
	if !nameRE.MatchString(p.Name) {
		return fmt.Errorf("oauth: provider name %q is not 1 to 32 of a-z 0-9 -", p.Name)
	}
	if p.Title == "" {
		p.Title = strings.ToUpper(p.Name[:1]) + p.Name[1:]
	}
	fault := func(format string, args ...any) error {
		return fmt.Errorf("oauth: provider "+p.Name+": "+format, args...)
	}
	switch {
	case p.fault != nil:
		return fault("%w", p.fault)
	case p.ClientID == "":
		return fault("ClientID is missing")
	case p.ClientSecret != "" && p.SecretOf != nil:
		return fault("give ClientSecret or SecretOf, not both")
	case p.Issuer == "" && (p.AuthURL == "" || p.TokenURL == ""):
		return fault("Issuer is missing, or AuthURL and TokenURL")
	case p.Issuer == "" && p.Profile == nil:
		return fault("Profile is missing: a plain OAuth 2.0 provider has no standard claims")
	case p.Issuer == "" && len(p.NativeClientIDs) > 0:
		return fault("NativeClientIDs need ID tokens, and so an Issuer")
	}
	for _, u := range []struct{ field, value string }{
		{"Issuer", p.Issuer}, {"AuthURL", p.AuthURL}, {"TokenURL", p.TokenURL}, {"UserInfoURL", p.UserInfoURL},
	} {
		if u.value == "" {
			continue
		}
		if err := checkURL(u.value); err != nil {
			return fault("%s: %w", u.field, err)
		}
	}
	switch {
	case p.Issuer == "" && p.Namespace == "":
		u, err := url.Parse(p.AuthURL)
		if err != nil {
			return fault("AuthURL: %w", err)
		}
		p.Namespace = u.Scheme + "://" + u.Host
	case p.Issuer != "" && len(p.Scopes) == 0:
		p.Scopes = []string{"openid", "email", "profile"}
	case p.Issuer != "" && !slices.Contains(p.Scopes, "openid"):
		return fault("Scopes: openid is missing")
	}
	return nil
}

// checkURL takes https, and plain http for a provider on this machine.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return err
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is not an absolute address without user and fragment", s)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fmt.Errorf("%q must be https", s)
	}
	return nil
}
