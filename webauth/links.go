package webauth

import (
	"errors"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// accepted is what every request for a mail gets, whether one is sent or not.
var accepted = status{"accepted"}

// requestVerify mails a verification link to the person who is signed in, or to the address that is named. Being signed
// in is not needed, but a bad credential in a header is refused.
func (s *Service) requestVerify(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r)
	_, present, _ := wire.BearerToken(r)
	if err != nil && (present || !errors.Is(err, core.ErrUnauthenticated)) {
		return err
	}
	var in struct {
		Identifier string `json:"identifier"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	subject := ""
	if c.Principal != nil {
		subject = c.Subject
	}
	if subject == "" && in.Identifier == "" {
		return missing("identifier")
	}
	if err := s.auth.RequestVerify(r.Context(), subject, in.Identifier); err != nil {
		return err
	}
	return s.done(w, r, http.StatusAccepted, accepted)
}

func (s *Service) verify(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Token string `json:"token"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if in.Token == "" {
		return missing("token")
	}
	var userID string
	if p, err := s.Authenticate(r.Context(), r); err == nil {
		userID = p.Subject
	}
	u, err := s.auth.VerifyAs(r.Context(), userID, in.Token)
	if err != nil {
		return deadLink(err)
	}
	user, err := s.viewUser(r.Context(), u)
	if err != nil {
		return err
	}
	return s.done(w, r, http.StatusOK, struct {
		User wire.User `json:"user"`
	}{user})
}

func (s *Service) forgot(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Identifier string `json:"identifier"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if in.Identifier == "" {
		return missing("identifier")
	}
	if err := s.auth.ForgotPassword(r.Context(), in.Identifier); err != nil {
		return err
	}
	return s.done(w, r, http.StatusAccepted, accepted)
}

func (s *Service) reset(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Token    string `json:"token"`
		Password string `json:"password"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if in.Token == "" {
		return missing("token")
	}
	if err := s.auth.ResetPassword(r.Context(), in.Token, in.Password); err != nil {
		return deadLink(err)
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

// deadLink makes a bad mailed token an input at fault: it is no credential of the request, so it must not be a 401, at
// which clients begin to refresh or sign in.
func deadLink(err error) error {
	if errors.Is(err, core.ErrInvalidToken) {
		return core.FieldE(core.CodeInvalidRequest, "token", "The link is not valid, or no longer: ask for a new one.").Wrap(err)
	}
	return err
}
