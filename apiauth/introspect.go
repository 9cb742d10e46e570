package apiauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// introspection is the answer of RFC 7662 section 2.2. The zero value says inactive, and nothing else.
type introspection struct {
	Active    bool     `json:"active"`
	Subject   string   `json:"sub,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"` // Bearer, refresh_token, api_key
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	Audience  any      `json:"aud,omitempty"` // a string, or several
	ID        string   `json:"jti,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	Tenant    string   `json:"tid,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	ACR       string   `json:"acr,omitempty"`
}

// inquirer is who introspects: an authenticated client, a public one, which can show no more than its name, or an API key
// with the scope introspect, which stands for the application itself.
type inquirer struct {
	client    *core.Client
	subject   string   // of the API key
	audiences []string // whose tokens it may see
}

// scopeIntrospect is what an API key needs at the introspection endpoint.
const scopeIntrospect = "introspect"

// sees reports whether a token is the inquirer's own or for an audience that it owns.
func (q inquirer) sees(clientID, subject string, audience []string) bool {
	own := q.client != nil && clientID != "" && clientID == q.client.ID || q.subject != "" && subject == q.subject
	return own || slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(q.audiences, a) })
}

// inquiringClient is the inquirer that a client is. Anybody can name a public client, so it owns no audience.
func inquiringClient(c *core.Client) inquirer {
	q := inquirer{client: c}
	if c.Type == core.Confidential {
		q.audiences = c.Audiences
	}
	return q
}

// inquiringKey is the inquirer that an API key is.
func (s *Service) inquiringKey(ctx context.Context, key string) (inquirer, error) {
	tenant, err := s.tenant(ctx)
	if err != nil {
		return inquirer{}, err
	}
	p, err := s.checkKey(ctx, tenant, key)
	if err != nil {
		return inquirer{}, err
	}
	if !p.HasScope(scopeIntrospect) {
		return inquirer{}, &core.Error{Code: core.CodeInsufficientScope, Scope: scopeIntrospect}
	}
	return inquirer{subject: p.Subject, audiences: []string{s.audience}}, nil
}

// introspect tells an inquirer about a token. Whether it was revoked is asked of the store each time; a store that does
// not answer is an error, never "inactive" and never "active".
func (s *Service) introspect(ctx context.Context, q inquirer, token string) (introspection, error) {
	tenant, err := s.tenant(ctx)
	if err != nil {
		return introspection{}, err
	}
	var out introspection
	switch {
	case core.IsRefreshToken(token):
		out, err = s.introspectRefresh(ctx, q, tenant, token)
	case strings.HasPrefix(token, apiKeyPrefix):
		out, err = s.introspectKey(ctx, q, token)
	default:
		out, err = s.introspectAccess(ctx, q, tenant, token)
	}
	if errors.Is(err, core.ErrInvalidToken) || errors.Is(err, core.ErrNotFound) {
		return introspection{}, nil
	}
	return out, err
}

func (s *Service) introspectAccess(ctx context.Context, q inquirer, tenant, token string) (introspection, error) {
	c, p, err := s.inspect(ctx, tenant, token)
	if err != nil {
		return introspection{}, err
	}
	if !q.sees(c.ClientID, c.Subject, c.Audience) {
		return introspection{}, core.ErrInvalidToken
	}
	if err := s.askStore(ctx, p); err != nil {
		return introspection{}, err
	}
	return introspection{
		Active: true, Subject: c.Subject, Scope: c.Scope, ClientID: c.ClientID, TokenType: "Bearer", Expires: c.Expires,
		IssuedAt: c.IssuedAt, AuthTime: c.AuthTime, Issuer: c.Issuer, Audience: audienceClaim(c.Audience), ID: c.ID,
		SessionID: c.SessionID, Tenant: c.Tenant, AMR: c.AMR, ACR: c.ACR,
	}, nil
}

func (s *Service) introspectRefresh(ctx context.Context, q inquirer, tenant, token string) (introspection, error) {
	session, ends, err := s.auth.InspectRefreshToken(ctx, token)
	if err != nil {
		return introspection{}, err
	}
	if !q.sees(session.ClientID, session.UserID, nil) {
		return introspection{}, core.ErrInvalidToken
	}
	return introspection{
		Active: true, Subject: session.UserID, Scope: strings.Join(session.Scopes, " "), ClientID: session.ClientID,
		TokenType: "refresh_token", Expires: ends.Unix(), IssuedAt: session.RotatedAt.Unix(), AuthTime: unixOf(session.AuthTime),
		Issuer: s.issuer, Audience: s.issuer, SessionID: session.ID, Tenant: tenant, AMR: session.AMR, ACR: session.ACR,
	}, nil
}

func (s *Service) introspectKey(ctx context.Context, q inquirer, key string) (introspection, error) {
	p, err := s.auth.CheckKey(ctx, key)
	if err != nil {
		return introspection{}, err
	}
	if !q.sees("", p.Subject, []string{s.audience}) {
		return introspection{}, core.ErrInvalidToken
	}
	return introspection{
		Active: true, Subject: p.Subject, Scope: strings.Join(p.Scopes, " "), TokenType: "api_key", Expires: unixOf(p.Expires),
		Issuer: s.issuer, Audience: s.audience, Tenant: p.Tenant,
	}, nil
}

func audienceClaim(all []string) any {
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// unixOf is t in seconds, 0 for never.
func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
