package apiauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// TokenAnswer is a successful token response (RFC 6749 section 5.1), with the session's id.
type TokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"` // Bearer
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	SessionID    string `json:"session_id"`
}

// Issue signs an access token (RFC 9068) for a session that was just minted or refreshed. The token lives for
// Lifetimes.AccessToken, and never longer than its session. When the custom claims cannot be signed the error is
// core.CodeInternal, and there is no token.
func (s *Service) Issue(ctx context.Context, in *core.SignedIn) (*TokenAnswer, error) {
	tenant, err := s.tenant(ctx)
	if err != nil {
		return nil, err
	}
	if in == nil || in.Session == nil || in.Session.Kind != core.APISession {
		return nil, core.E(core.CodeInternal, "").Wrap(errors.New("apiauth: only API sessions have access tokens"))
	}
	client, err := s.auth.Clients().Get(ctx, in.Session.ClientID)
	if err != nil {
		return nil, err
	}
	custom, err := s.customClaims(ctx, in, client)
	if err != nil {
		return nil, err
	}
	state, err := s.recentKeys(ctx, s.now())
	if err != nil {
		return nil, err
	}
	now := s.now()
	key, ok := state.signer(now)
	if !ok {
		return nil, core.ErrUnavailable.Wrap(errors.New("apiauth: no key may sign now"))
	}
	claims, err := s.claims(tenant, in, now)
	if err != nil {
		return nil, err
	}
	token, err := jwt.Sign(key, claims, custom)
	if err != nil {
		return nil, core.E(core.CodeInternal, "").Wrap(err)
	}
	answer := &TokenAnswer{
		AccessToken: token, TokenType: "Bearer", ExpiresIn: claims.Expires - claims.IssuedAt,
		Scope: claims.Scope, SessionID: in.Session.ID,
	}
	if client.MayUse(core.GrantRefresh) {
		answer.RefreshToken = in.RefreshToken
	}
	return answer, nil
}

// claims fills in the registered claims (RFC 9068 section 2.2).
func (s *Service) claims(tenant string, in *core.SignedIn, now time.Time) (jwt.Claims, error) {
	id, err := s.auth.NewID("tok")
	if err != nil {
		return jwt.Claims{}, err
	}
	session, audience := in.Session, in.Session.Audience
	if len(audience) == 0 {
		audience = []string{s.audience}
	}
	expires := now.Add(s.lifetime)
	if session.Expires.Before(expires) {
		expires = session.Expires
	}
	return jwt.Claims{
		Issuer: s.issuer, Subject: session.UserID, Audience: slices.Clone(audience), Expires: expires.Unix(), IssuedAt: now.Unix(),
		ID: id, SessionID: session.ID, ClientID: session.ClientID, Scope: strings.Join(in.Scopes, " "), Tenant: tenant,
		AuthTime: session.AuthTime.Unix(), AMR: session.AMR, ACR: session.ACR,
	}, nil
}

// customClaims asks the application's hook.
func (s *Service) customClaims(ctx context.Context, in *core.SignedIn, client *core.Client) (any, error) {
	if s.opt.Claims == nil {
		return nil, nil
	}
	user := in.User
	if user == nil && kindOf(in.Session.UserID) == core.UserAccount {
		var err error
		if user, _, err = s.auth.User(ctx, in.Session.UserID); err != nil {
			return nil, err
		}
	}
	return s.opt.Claims(ctx, ClaimsInput{User: user, Session: in.Session, Client: client, Scopes: in.Scopes})
}

// kindOf tells a service's id from a user's.
func kindOf(subject string) core.AccountKind {
	if strings.HasPrefix(subject, "svc_") {
		return core.ServiceAccount
	}
	return core.UserAccount
}

// ClaimsOf decodes the claims of the access token that authenticated the request, registered ones included, into a T,
// as encoding/json does. Without a principal the error is core.ErrUnauthenticated; for a credential that has no claims
// (a cookie, an API key) it is of core.CodeInvalidToken.
func ClaimsOf[T any](ctx context.Context) (T, error) {
	var out T
	p := core.PrincipalOf(ctx)
	switch {
	case p == nil:
		return out, core.ErrUnauthenticated
	case p.Via != core.ViaJWT || len(p.Claims) == 0:
		return out, core.E(core.CodeInvalidToken, "The credential carries no claims.")
	}
	if err := json.Unmarshal(p.Claims, &out); err != nil {
		var zero T
		return zero, core.E(core.CodeInvalidToken, "The token's claims are not of the expected form.").Wrap(err)
	}
	return out, nil
}
