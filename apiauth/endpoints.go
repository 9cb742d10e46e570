package apiauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// Routes are the endpoints of the API table of the wire contract, for a wire.Router.
func (s *Service) Routes() []wire.Route {
	return []wire.Route{
		{Method: http.MethodPost, Path: "/api/signup", Handle: s.started(s.handleSignUp)},
		{Method: http.MethodPost, Path: "/api/login", OAuth: true, Handle: s.started(s.handleLogin)},
		{Method: http.MethodPost, Path: "/token", OAuth: true, Handle: s.started(s.handleToken)},
		{Method: http.MethodPost, Path: "/revoke", OAuth: true, Handle: s.started(s.handleRevoke)},
		{Method: http.MethodPost, Path: "/introspect", OAuth: true, Handle: s.started(s.handleIntrospect)},
		{Method: http.MethodGet, Path: "/jwks.json", Public: true, Handle: s.started(s.handleJWKS)},
		{Method: http.MethodGet, Path: "/.well-known/jwks.json", Root: true, Public: true, Handle: s.started(s.handleJWKS)},
		{
			Method: http.MethodGet, Path: "/.well-known/oauth-authorization-server", Root: true, Public: true,
			Handle: s.started(s.handleMetadata),
		},
	}
}

type handler = func(w http.ResponseWriter, r *http.Request) error

func (s *Service) started(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.auth == nil {
			return core.ErrUnavailable.Wrap(errNotStarted)
		}
		return h(w, r)
	}
}

// handleToken is the token endpoint (RFC 6749 section 3.2). Requests that reach no grant are told of here; what a grant
// refuses is for its handler to tell.
func (s *Service) handleToken(w http.ResponseWriter, r *http.Request) error {
	handle, g, err := s.tokenRequest(w, r)
	if err != nil {
		return s.refusedRequest(r.Context(), err)
	}
	answer, err := s.exchange(r.Context(), handle, g)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// refusedRequest records that a token request was refused because of cause, and returns cause.
func (s *Service) refusedRequest(ctx context.Context, cause error) error {
	e := core.Event{
		Type: core.EventSignInFailed, Outcome: core.Failure, Reason: string(core.AsError(cause).Code), Detail: "token request",
	}
	if err := s.auth.Update(ctx, func(tx *core.Tx) error { return tx.Emit(e) }); err != nil {
		return errors.Join(err, cause)
	}
	return cause
}

// tokenRequest reads a token request and returns who is to answer it.
func (s *Service) tokenRequest(w http.ResponseWriter, r *http.Request) (GrantHandler, GrantRequest, error) {
	var in struct {
		clientParams
		GrantType    string `json:"grant_type"`
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return nil, GrantRequest{}, err
	}
	client, err := s.client(r.Context(), r, in.clientParams)
	if err != nil {
		return nil, GrantRequest{}, err
	}
	get, err := params(r)
	if err != nil {
		return nil, GrantRequest{}, err
	}
	g := GrantRequest{Client: client, Params: get}
	handle, err := s.grant(in.GrantType, client)
	return handle, g, err
}

// handleRevoke is the revocation endpoint (RFC 7009).
func (s *Service) handleRevoke(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		clientParams
		Token string `json:"token"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	client, err := s.client(r.Context(), r, in.clientParams)
	if err != nil {
		return err
	}
	if in.Token == "" {
		return core.FieldE(core.CodeInvalidRequest, "token", "The token is missing.")
	}
	if err := s.revoke(r.Context(), client, in.Token); err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, struct{}{})
	return nil
}

// handleIntrospect is the introspection endpoint (RFC 7662).
func (s *Service) handleIntrospect(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		clientParams
		Token string `json:"token"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	q, err := s.inquirer(w, r, in.clientParams)
	if err != nil {
		return err
	}
	if in.Token == "" {
		return core.FieldE(core.CodeInvalidRequest, "token", "The token is missing.")
	}
	out, err := s.introspect(r.Context(), q, in.Token)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, out)
	return nil
}

// inquirer authenticates who asks at the introspection endpoint: an API key in a header, or a client. Nobody is not
// anybody here: a request that names no client is refused.
func (s *Service) inquirer(w http.ResponseWriter, r *http.Request, in clientParams) (inquirer, error) {
	_, _, basic, err := wire.BasicAuth(r)
	if err != nil {
		return inquirer{}, err
	}
	named := in.ClientID != "" || in.ClientSecret != ""
	if !basic && hasHeader(r) {
		key, _, err := wire.BearerToken(r)
		switch {
		case err != nil:
			return inquirer{}, err
		case named:
			return inquirer{}, core.E(core.CodeInvalidRequest, "Send one credential only.")
		}
		q, err := s.inquiringKey(r.Context(), key)
		if errors.Is(err, core.ErrInvalidToken) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="oneauth", error="invalid_token"`)
			err = core.E(core.CodeInvalidClient, "The API key is not valid.")
		}
		return q, err
	}
	if basic && len(r.Header["X-Api-Key"]) > 0 {
		return inquirer{}, core.E(core.CodeInvalidRequest, "Send one credential only.")
	}
	if !basic && !named {
		return inquirer{}, core.ErrInvalidClient
	}
	c, err := s.client(r.Context(), r, in)
	if err != nil {
		return inquirer{}, err
	}
	return inquiringClient(c), nil
}
