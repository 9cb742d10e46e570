package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// consumersTenant is the tenant of personal Microsoft accounts.
const consumersTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

var (
	tenantRE   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{1,254}$`)
	tenantIDRE = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// Microsoft declares the accounts of Microsoft Entra ID and Microsoft's personal accounts. tenant says whose: the id or a
// domain of one tenant, "organizations" for every tenant, "consumers" for personal accounts, or "common" for all of them.
// Each tenant is an issuer of its own, which an ID token must name together with its tid. Subjects are made for one app
// registration: with another client id everybody is a stranger.
//
// Addresses are not trusted: in a tenant of one's own anybody may write any address into an account. What Microsoft does
// say of them is passed on: an address counts as verified in a personal account, and where the optional claim xms_edov
// says that the tenant owns its domain. Add that claim to the app registration before you set Rules.TrustEmail.
func Microsoft(tenant, clientID, clientSecret string) Provider {
	p := OIDC("microsoft", "https://login.microsoftonline.com/"+tenant+"/v2.0", clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Profile = microsoftProfile
	p.ValidIssuer = func(issuer, discovered string, claims json.RawMessage) bool {
		return microsoftIssuer(tenant, issuer, discovered, claims)
	}
	if !tenantRE.MatchString(tenant) {
		p.fault = errors.New("the tenant is no id, no domain, nor one of common, organizations and consumers")
	}
	return p
}

// microsoftIssuer compares the issuer with the discovered one, which has {tenantid} where the token's own tenant belongs
// if there are several.
func microsoftIssuer(tenant, issuer, discovered string, claims json.RawMessage) bool {
	var c struct {
		TenantID string `json:"tid"`
	}
	if json.Unmarshal(claims, &c) != nil || !tenantIDRE.MatchString(c.TenantID) {
		return false
	}
	if tenant == "organizations" && c.TenantID == consumersTenant {
		return false
	}
	named := strings.Replace(discovered, "{tenantid}", c.TenantID, 1)
	return issuer == named && strings.HasSuffix(issuer, "/"+c.TenantID+"/v2.0")
}

// microsoftProfile leaves the picture out, for which one needs an access token, and never takes preferred_username for an
// address.
func microsoftProfile(ctx context.Context, a *Answer) (Profile, error) {
	who, err := StandardProfile(ctx, a)
	if err != nil {
		return Profile{}, err
	}
	var c struct {
		TenantID    string          `json:"tid"`
		DomainOwner json.RawMessage `json:"xms_edov"` // true, "true", 1 or "1"
	}
	if err := json.Unmarshal(a.Claims, &c); err != nil {
		return Profile{}, err
	}
	owner := slices.Contains([]string{`true`, `"true"`, `1`, `"1"`}, string(c.DomainOwner))
	who.EmailVerified = owner || c.TenantID == consumersTenant
	who.Picture = ""
	return who, nil
}
