package wire

import (
	"net/http"

	"github.com/oneauth-go/oneauth/core"
)

// oauthError is the body of RFC 6749 section 5.2 with the members of our own.
type oauthError struct {
	Error       string       `json:"error"`
	Description string       `json:"error_description,omitempty"`
	Field       string       `json:"field,omitempty"`
	Attempt     *AttemptJSON `json:"attempt,omitempty"`
}

// OAuthError answers with err in the form of RFC 6749 section 5.2. Codes that the RFC knows stay as they are; a wrong
// password and a bad token are invalid_grant; whoever must prove more gets 400 with our own code, and the attempt; a
// request that is not authenticated is 401 invalid_client; all others keep the status that [ErrorWriter.Problem] has.
func (ew ErrorWriter) OAuthError(w http.ResponseWriter, r *http.Request, err error) {
	e := ew.public(r, err)
	code, status := oauthCode(e)
	if status == http.StatusUnauthorized && e.Code != core.CodeInvalidClient {
		e = core.E(core.CodeInvalidClient, e.Public())
	}
	ew.headers(w, status, e)
	WriteJSON(w, status, oauthError{
		Error: code, Description: printable(e.Public()), Field: printable(e.Field), Attempt: attemptJSON(e.Attempt),
	})
}

// oauthCode gives the error code and status of e at an OAuth endpoint.
func oauthCode(e *core.Error) (string, int) {
	switch e.Code {
	case core.CodeInvalidCredentials, core.CodeInvalidToken:
		return "invalid_grant", http.StatusBadRequest
	case core.CodeFactorRequired, core.CodeReauthRequired, core.CodeVerificationRequired:
		return string(e.Code), http.StatusBadRequest
	case core.CodeMethodNotAllowed:
		return "invalid_request", http.StatusMethodNotAllowed
	}
	status := Status(e.Code.Class())
	switch e.Code.Class() {
	case core.Internal:
		return "server_error", status
	case core.Unavailable:
		return "temporarily_unavailable", status
	case core.Unauthenticated:
		return "invalid_client", status
	case core.TooLarge, core.UnsupportedMedia, core.NotFound:
		return "invalid_request", status
	}
	return string(e.Code), status
}
