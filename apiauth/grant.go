package apiauth

import (
	"context"
	"errors"
	"strings"

	"github.com/oneauth-go/oneauth/core"
)

// GrantHandler exchanges a grant for a session (RFC 6749 section 4.5). The client is authenticated and may use the grant
// type. The session comes from the gate (core.Auth.Admit) and belongs to the client.
type GrantHandler func(ctx context.Context, g GrantRequest) (*core.SignedIn, error)

// GrantRequest is a request at the token endpoint.
type GrantRequest struct {
	Client *core.Client
	Params func(name string) string // a parameter's value, or "" when it is absent
}

// grant returns the handler of a grant type, if the client may use it.
func (s *Service) grant(grantType string, client *core.Client) (GrantHandler, error) {
	handle := s.grants[grantType]
	switch {
	case grantType == "":
		return nil, core.FieldE(core.CodeInvalidRequest, "grant_type", "The grant_type is missing.")
	case handle == nil:
		return nil, core.E(core.CodeUnsupportedGrantType, "")
	case !client.MayUse(grantType):
		return nil, core.E(core.CodeUnauthorizedClient, "")
	}
	return handle, nil
}

// exchange runs a grant for an authenticated client.
func (s *Service) exchange(ctx context.Context, handle GrantHandler, g GrantRequest) (*TokenAnswer, error) {
	in, err := handle(ctx, g)
	if err != nil {
		return nil, err
	}
	if in == nil || in.Session == nil || in.Session.ClientID != g.Client.ID {
		return nil, core.E(core.CodeInternal, "").Wrap(errors.New("apiauth: the grant gave no session of the client"))
	}
	return s.Issue(ctx, in)
}

// refreshGrant is RFC 6749 section 6.
func (s *Service) refreshGrant(ctx context.Context, g GrantRequest) (*core.SignedIn, error) {
	token := g.Params("refresh_token")
	if token == "" {
		return nil, core.FieldE(core.CodeInvalidRequest, "refresh_token", "The refresh_token is missing.")
	}
	scopes, err := askedScopes(g.Params("scope"))
	if err != nil {
		return nil, err
	}
	return s.auth.Refresh(ctx, token, g.Client.ID, scopes)
}

// clientGrant is RFC 6749 section 4.4.
func (s *Service) clientGrant(ctx context.Context, g GrantRequest) (*core.SignedIn, error) {
	scopes, err := askedScopes(g.Params("scope"))
	if err != nil {
		return nil, err
	}
	return s.auth.SignInClient(ctx, g.Client, scopes, g.Params("device_name"))
}

// askedScopes parses a scope parameter. One that asks only for what cannot be a scope is no request for the default.
func askedScopes(param string) ([]string, error) {
	scopes := core.ParseScope(param)
	if len(scopes) == 0 && strings.TrimSpace(param) != "" {
		return nil, core.ErrInvalidScope
	}
	return scopes, nil
}

// revoke ends what a token stands for, for an authenticated client (RFC 7009): a refresh token's session, or an access
// token alone. Tokens of others and what is no token are left alone, without an error.
func (s *Service) revoke(ctx context.Context, client *core.Client, token string) error {
	tenant, err := s.tenant(ctx)
	if err != nil {
		return err
	}
	if core.IsRefreshToken(token) {
		return s.auth.EndByRefreshToken(ctx, token, client.ID)
	}
	_, p, err := s.inspect(ctx, tenant, token)
	switch {
	case errors.Is(err, core.ErrInvalidToken):
		return nil
	case err != nil:
		return err
	case p.ClientID != client.ID:
		return nil
	}
	return s.revokeToken(ctx, p)
}
