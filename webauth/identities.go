package webauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// addIdentity claims a further identifier for the caller. It counts when it is verified.
func (s *Service) addIdentity(w http.ResponseWriter, r *http.Request, c caller) error {
	kind, value, err := decodeIdentity(w, r)
	if err != nil {
		return err
	}
	if _, err := s.auth.AddIdentity(r.Context(), c.Subject, c.SessionID, kind, value); err != nil {
		return err
	}
	return s.answerUser(w, r, http.StatusCreated, c)
}

func (s *Service) makePrimary(w http.ResponseWriter, r *http.Request, c caller) error {
	kind, value, err := decodeIdentity(w, r)
	if err != nil {
		return err
	}
	if err := s.auth.MakePrimary(r.Context(), c.Subject, c.SessionID, kind, value); err != nil {
		return err
	}
	return s.answerUser(w, r, http.StatusOK, c)
}

func (s *Service) removeIdentity(w http.ResponseWriter, r *http.Request, c caller) error {
	kind, value, err := decodeIdentity(w, r)
	if err != nil {
		return err
	}
	if err := s.auth.RemoveIdentity(r.Context(), c.Subject, c.SessionID, kind, value); err != nil {
		return err
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

func decodeIdentity(w http.ResponseWriter, r *http.Request) (core.IdentityKind, string, error) {
	var in struct {
		Kind  core.IdentityKind `json:"kind"`
		Value string            `json:"value"`

		Identifier string `json:"identifier"` // instead of both: the kind shows in its form
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return "", "", err
	}
	if in.Identifier != "" && in.Kind == "" && in.Value == "" {
		id, err := identifier.Guess(in.Identifier)
		if err != nil {
			return "", "", core.FieldE(core.CodeInvalidField, "identifier", "This is no address, number or name that can be used.").Wrap(err)
		}
		return id.Kind, in.Identifier, nil
	}
	switch {
	case in.Kind == "":
		return "", "", missing("kind")
	case in.Value == "":
		return "", "", missing("value")
	}
	return in.Kind, in.Value, nil
}

// reauth renews the sign-in of the caller, which some changes need. A browser gets a new cookie.
func (s *Service) reauth(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Password string `json:"password"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if in.Password == "" {
		return missing("password")
	}
	cookie, err := s.auth.Reauthenticate(r.Context(), c.Subject, c.SessionID, in.Password)
	if err != nil {
		return err
	}
	if c.Via == core.ViaSession {
		s.setSession(w, cookie, c.session)
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

// answerUser answers a change with the caller's account as it is now.
func (s *Service) answerUser(w http.ResponseWriter, r *http.Request, status int, c caller) error {
	u, identities, err := s.auth.User(r.Context(), c.Subject)
	if err != nil {
		return err
	}
	return s.done(w, r, status, struct {
		User wire.User `json:"user"`
	}{wire.ViewUser(tenantOf(r.Context()), u, identities)})
}
