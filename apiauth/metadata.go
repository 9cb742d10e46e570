package apiauth

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// handleJWKS publishes the public keys, those that do not sign yet or any more included (RFC 7517 section 5). Symmetric
// keys are never in it.
func (s *Service) handleJWKS(w http.ResponseWriter, r *http.Request) error {
	state, err := s.recentKeys(r.Context(), s.now())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(state.jwks)))
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(jwksMaxAge/time.Second)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(state.jwks) // a client that has gone cannot be told
	return nil
}

// metadata describes the authorisation server (RFC 8414 section 2): what exists, and nothing else.
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	JWKSURI               string   `json:"jwks_uri,omitempty"` // absent where tokens are signed with a shared secret
	Scopes                []string `json:"scopes_supported,omitempty"`
	ResponseTypes         []string `json:"response_types_supported"`                                 // required; none, unless there are codes
	ChallengeMethods      []string `json:"code_challenge_methods_supported,omitempty"`               // RFC 7636
	AnswersNameIssuer     bool     `json:"authorization_response_iss_parameter_supported,omitempty"` // RFC 9207
	GrantTypes            []string `json:"grant_types_supported"`
	TokenAuth             []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
}

func (s *Service) handleMetadata(w http.ResponseWriter, _ *http.Request) error {
	cfg := s.auth.Config()
	at := func(path string) string { return cfg.BaseURL + cfg.Prefix + path }
	confidential := []string{"client_secret_basic", "client_secret_post"}
	all := append(slices.Clone(confidential), "none")
	m := metadata{
		Issuer: s.issuer, TokenEndpoint: at("/token"), RevocationEndpoint: at("/revoke"),
		IntrospectionEndpoint: at("/introspect"), Scopes: cfg.Scopes, ResponseTypes: []string{},
		GrantTypes: slices.Sorted(maps.Keys(s.grants)), TokenAuth: all, RevocationAuth: all, IntrospectionAuth: confidential,
	}
	if s.grants[core.GrantCode] != nil { // from /oauth/{provider}: there is no one authorization endpoint to name
		m.ResponseTypes, m.ChallengeMethods, m.AnswersNameIssuer = []string{"code"}, []string{"S256"}, true
	}
	if jwt.Alg(s.opt.Alg) != jwt.HS256 {
		m.JWKSURI = at("/jwks.json")
	}
	wire.WriteJSON(w, http.StatusOK, m)
	return nil
}
