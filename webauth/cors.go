package webauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/internal/wire"
)

// CORS lets pages of Options.TrustedOrigins call the application's own routes with cookies or tokens and read every
// answer; all other origins get no header of CORS. Preflight requests are answered here, so put it outside RequireSession
// and the like. A request that changes something still passes the cross-origin check, by CSRF or where the cookie is
// looked at.
func (s *Service) CORS(next http.Handler) http.Handler { return s.cross.CORS(next) }

// CrossOrigin returns the check of where requests come from, for the router of the endpoints.
func (s *Service) CrossOrigin() *wire.CrossOrigin { return s.cross }
