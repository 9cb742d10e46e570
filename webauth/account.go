package webauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// viewUser shows a user with the identities.
func (s *Service) viewUser(ctx context.Context, u *core.User) (wire.User, error) {
	identities, err := s.auth.IdentitiesOf(ctx, u.ID)
	if err != nil {
		return wire.User{}, err
	}
	return wire.ViewUser(tenantOf(ctx), u, identities), nil
}

func (s *Service) showSession(w http.ResponseWriter, r *http.Request, c caller) error {
	u, identities, err := s.auth.User(r.Context(), c.Subject)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, signedIn{
		wire.ViewUser(tenantOf(r.Context()), u, identities), wire.ViewSession(c.session, c.session.ID),
	})
	return nil
}

func (s *Service) changeAccount(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Name *string        `json:"name"`
		Data map[string]any `json:"data"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	u, err := s.auth.UpdateProfile(r.Context(), c.Subject, core.ProfileChange{Name: in.Name, Data: s.typed(r, in.Data)})
	if err != nil {
		return err
	}
	user, err := s.viewUser(r.Context(), u)
	if err != nil {
		return err
	}
	return s.done(w, r, http.StatusOK, struct {
		User wire.User `json:"user"`
	}{user})
}

func (s *Service) changePassword(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Current  string `json:"current"`
		Password string `json:"password"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if in.Current == "" {
		return missing("current")
	}
	cookie, err := s.auth.ChangePassword(r.Context(), c.Subject, c.SessionID, in.Current, in.Password)
	if errors.Is(err, core.ErrInvalidCredentials) {
		// An input at fault, no credential of the request: a 401 would make clients refresh.
		return core.FieldE(core.CodeInvalidField, "current", core.AsError(err).Public()).Wrap(err)
	}
	if err != nil {
		return err
	}
	if c.Via == core.ViaSession {
		s.setSession(w, cookie, c.session)
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

// listSessions shows the newest session first.
func (s *Service) listSessions(w http.ResponseWriter, r *http.Request, c caller) error {
	all, err := s.auth.ListSessions(r.Context(), c.Subject)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y *core.Session) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(y.ID, x.ID))
	})
	out := struct {
		Sessions []wire.Session `json:"sessions"`
	}{[]wire.Session{}}
	for _, session := range all {
		out.Sessions = append(out.Sessions, wire.ViewSession(session, c.SessionID))
	}
	wire.WriteJSON(w, http.StatusOK, out)
	return nil
}

// endSession ends one session of the caller; anybody else's is not found.
func (s *Service) endSession(w http.ResponseWriter, r *http.Request, c caller) error {
	id := r.PathValue("id")
	if err := s.auth.EndSession(r.Context(), c.Subject, id, "ended_by_user"); err != nil {
		return err
	}
	if c.Via == core.ViaSession && id == c.SessionID {
		s.clearCookie(w, s.cookie)
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

func (s *Service) endOtherSessions(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := s.auth.EndOtherSessions(r.Context(), c.Subject, c.SessionID); err != nil {
		return err
	}
	return s.done(w, r, http.StatusNoContent, nil)
}
