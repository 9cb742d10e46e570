package apiauth

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// Credential is what a program proves itself with: one of the two.
type Credential struct {
	Bearer string // an access token, or an API key
	APIKey string // an API key
}

const apiKeyPrefix = "oak_"

// via says what kind of credential a bearer token is, by its form.
func via(bearer string) core.Via {
	if strings.HasPrefix(bearer, apiKeyPrefix) {
		return core.ViaAPIKey
	}
	return core.ViaJWT
}

// Authenticate returns who acts with a credential, in the tenant of ctx. The principal is shared between callers: treat
// it as read-only.
//
// Errors: core.ErrUnauthenticated without a credential, core.CodeInvalidRequest with two, core.ErrInvalidToken for a bad
// one; core.ErrUnavailable when the store was needed and did not answer; core.ErrTenantRequired.
func (s *Service) Authenticate(ctx context.Context, c Credential) (*core.Principal, error) {
	switch {
	case c.Bearer == "" && c.APIKey == "":
		return nil, core.ErrUnauthenticated
	case c.Bearer != "" && c.APIKey != "":
		return nil, core.E(core.CodeInvalidRequest, "Send one credential only.")
	}
	tenant, err := s.tenant(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case c.APIKey != "":
		return s.checkKey(ctx, tenant, c.APIKey)
	case via(c.Bearer) == core.ViaAPIKey:
		return s.checkKey(ctx, tenant, c.Bearer)
	}
	return s.checkToken(ctx, tenant, c.Bearer)
}

// checkToken verifies an access token, or recognises one that was verified before, and asks whether it was revoked.
func (s *Service) checkToken(ctx context.Context, tenant, token string) (*core.Principal, error) {
	now := s.now()
	keys, err := s.recentKeys(ctx, now)
	if err != nil {
		return nil, err
	}
	p, ok := s.tokens.get(tenant, token, now, keys)
	if !ok {
		claims, err := s.verify(ctx, s.verifier, token)
		if err != nil {
			return nil, err
		}
		if p, err = principal(claims, tenant, now); err != nil {
			return nil, err
		}
		s.tokens.put(tenant, token, claims.KeyID, p, s.keys.state.Load())
	}
	if err := s.unrevoked(ctx, tenant, p, now); err != nil {
		return nil, err
	}
	return p, nil
}

// verify checks signature, form, issuer, audience and times. A token of a key that is not known here makes the node
// look whether there are new keys.
func (s *Service) verify(ctx context.Context, v *jwt.Verifier, token string) (*jwt.Claims, error) {
	claims, err := v.Verify(token)
	if errors.Is(err, jwt.ErrUnknownKey) {
		looked, failure := s.lookAgain(ctx)
		if failure != nil {
			return nil, core.ErrUnavailable.Wrap(failure)
		}
		if looked {
			claims, err = v.Verify(token)
		}
	}
	if err != nil {
		return nil, core.ErrInvalidToken.Wrap(err)
	}
	return claims, nil
}

var (
	errTenant  = errors.New("apiauth: the token is of another tenant")
	errSession = errors.New("apiauth: the token names no session")
	errExpired = errors.New("apiauth: the token has expired")
)

// principal holds verified claims against what is not the verifier's to know, and says who they are.
func principal(c *jwt.Claims, tenant string, now time.Time) (*core.Principal, error) {
	switch {
	case c.Tenant != tenant:
		return nil, core.ErrInvalidToken.Wrap(errTenant)
	case c.SessionID == "":
		return nil, core.ErrInvalidToken.Wrap(errSession)
	case now.Unix() >= c.Expires:
		return nil, core.ErrInvalidToken.Wrap(errExpired)
	}
	p := &core.Principal{
		Subject: c.Subject, Kind: kindOf(c.Subject), Tenant: tenant, Via: core.ViaJWT, SessionID: c.SessionID, TokenID: c.ID,
		ClientID: c.ClientID, AMR: c.AMR, ACR: c.ACR, Expires: time.Unix(c.Expires, 0).UTC(), Claims: []byte(c.Payload()),
	}
	if c.Scope != "" {
		p.Scopes = strings.Fields(c.Scope)
	}
	if c.AuthTime != 0 {
		p.AuthTime = time.Unix(c.AuthTime, 0).UTC()
	}
	return p, nil
}

// inspect verifies an access token of whatever audience, for endpoints that only tell about it or revoke it. What is no
// valid token of this tenant is core.ErrInvalidToken; whether it was revoked is not looked at.
func (s *Service) inspect(ctx context.Context, tenant, token string) (*jwt.Claims, *core.Principal, error) {
	if len(token) > jwt.DefaultMaxBytes {
		return nil, nil, core.ErrInvalidToken
	}
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return nil, nil, core.ErrInvalidToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, nil, core.ErrInvalidToken.Wrap(err)
	}
	unverified, err := jwt.ScanClaims(string(payload))
	if err != nil {
		return nil, nil, core.ErrInvalidToken.Wrap(err)
	}
	if _, err := s.recentKeys(ctx, s.now()); err != nil {
		return nil, nil, err
	}
	rules := s.rules()
	rules.Audiences, rules.AudienceArrays = unverified.Audience, true
	v, err := jwt.NewVerifier(rules)
	if err != nil {
		return nil, nil, core.ErrInvalidToken.Wrap(err)
	}
	claims, err := s.verify(ctx, v, token)
	if err != nil {
		return nil, nil, err
	}
	p, err := principal(claims, tenant, s.now())
	return claims, p, err
}
