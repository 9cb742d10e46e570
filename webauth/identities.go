package webauth

import (
	"errors"
	"net/http"
	"slices"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// addIdentity claims a further identifier for the caller. It counts when it is verified.
func (s *Service) addIdentity(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		identity
		Identifier string `json:"identifier"` // instead of both: what the one box of the account page sends
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	typed := in.Kind == "" && in.Value == "" && in.Identifier != ""
	if typed {
		in.Kind, in.Value = s.kindOf(in.Identifier), in.Identifier
	}
	if err := in.complete(); err != nil {
		return err
	}
	_, err := s.auth.AddIdentity(r.Context(), c.Subject, c.SessionID, in.Kind, in.Value)
	if e, at := errors.AsType[*core.Error](err); at && typed && e.Field == "value" {
		return core.FieldE(e.Code, "identifier", e.Detail).Wrap(err)
	}
	if err != nil {
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

// identity is how a request names one of the caller's identities.
type identity struct {
	Kind  core.IdentityKind `json:"kind"`
	Value string            `json:"value"`
}

func (i identity) complete() error {
	switch {
	case i.Kind == "":
		return missing("kind")
	case i.Value == "":
		return missing("value")
	}
	return nil
}

func decodeIdentity(w http.ResponseWriter, r *http.Request) (core.IdentityKind, string, error) {
	var in identity
	if err := wire.Decode(w, r, &in); err != nil {
		return "", "", err
	}
	return in.Kind, in.Value, in.complete()
}

// kindOf tells which kind of identifier a person means: the one that shows in its form, if the pages ask for that kind at
// all, else the first that they ask for, which then says what is wrong.
func (s *Service) kindOf(typed string) core.IdentityKind {
	kinds := []core.IdentityKind{identifier.Email, identifier.Phone, identifier.Username}
	if s.pages != nil {
		kinds = s.pages.Identifiers()
	}
	if id, err := identifier.Guess(typed); err == nil && slices.Contains(kinds, id.Kind) {
		return id.Kind
	}
	return kinds[0]
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
