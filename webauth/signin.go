package webauth

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// signedIn is the answer to a sign-up, to a sign-in and to GET /session.
type signedIn struct {
	User    wire.User    `json:"user"`
	Session wire.Session `json:"session"`
}

type status struct {
	Status string `json:"status"`
}

func (s *Service) signUp(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string         `json:"email"`
		Username string         `json:"username"`
		Phone    string         `json:"phone"`
		Password string         `json:"password"`
		Name     string         `json:"name"`
		Data     map[string]any `json:"data"`
		Invite   string         `json:"invite"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	got, err := s.auth.SignUp(r.Context(), core.SignUp{
		Email: in.Email, Username: in.Username, Phone: in.Phone, Password: in.Password, Name: in.Name,
		Data: s.typed(r, in.Data), Invite: in.Invite, Wish: core.Wish{Kind: core.BrowserSession},
	})
	if err == nil && got == nil {
		return s.done(w, r, http.StatusAccepted, status{"pending"})
	}
	return s.admitted(w, r, http.StatusCreated, got, err)
}

func (s *Service) login(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Identifier string `json:"identifier"`
		Password   string `json:"password"`
		Remember   bool   `json:"remember"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	switch {
	case in.Identifier == "" && in.Password == "":
		return missing("identifier", "password")
	case in.Identifier == "":
		return missing("identifier")
	case in.Password == "":
		return missing("password")
	}
	got, err := s.auth.SignIn(r.Context(), core.PasswordSignIn{
		Identifier: in.Identifier, Password: in.Password,
		Wish: core.Wish{Kind: core.BrowserSession, Remember: in.Remember},
	})
	return s.admitted(w, r, http.StatusOK, got, err)
}

// admitted answers what the gate said.
func (s *Service) admitted(w http.ResponseWriter, r *http.Request, code int, got *core.SignedIn, err error) error {
	if err := s.begin(w, r, got, err); err != nil {
		return err
	}
	user, err := s.viewUser(r.Context(), got.User)
	if err != nil {
		return err
	}
	s.give(w, r, got)
	return s.done(w, r, code, signedIn{user, wire.ViewSession(got.Session, got.Session.ID)})
}

// endPresented ends every session whose cookie the request brings.
func (s *Service) endPresented(r *http.Request) error {
	for _, value := range cookieValues(r.Header, s.cookie) {
		if len(value) > maxCookie {
			continue
		}
		if err := s.auth.SignOut(r.Context(), value); err != nil {
			return err
		}
	}
	return nil
}

// logout ends the session on the server, whether by cookie or by access token. Without a session there is nothing to
// do, which is no error; a bad access token is one, since its session might live on.
func (s *Service) logout(w http.ResponseWriter, r *http.Request) error {
	if _, present, _ := wire.BearerToken(r); present {
		c, err := s.holder(r)
		if err != nil {
			return err
		}
		err = s.auth.EndSession(r.Context(), c.Subject, c.SessionID, "signed_out")
		if err != nil && !errors.Is(err, core.ErrNotFound) { // it may have ended meanwhile
			return err
		}
		return s.done(w, r, http.StatusNoContent, nil)
	}
	if err := s.cross.Check(r, s.cookie); err != nil {
		return err
	}
	if err := s.endPresented(r); err != nil {
		return err
	}
	s.clearCookie(w, s.cookie)
	if len(cookieValues(r.Header, s.attemptCookie())) > 0 {
		s.clearCookie(w, s.attemptCookie())
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

// typed gives the custom fields of a form, where everything is text, the types that they are declared with. JSON has
// its own types.
func (s *Service) typed(r *http.Request, data map[string]any) map[string]any {
	if !isForm(r) {
		return data
	}
	for name, value := range data {
		text, _ := value.(string)
		switch s.fields[name] {
		case core.NumberField:
			if n, err := strconv.ParseFloat(text, 64); err == nil {
				data[name] = n
			}
		case core.BoolField:
			switch text {
			case "true", "on", "1":
				data[name] = true
			case "false", "0":
				data[name] = false
			}
		}
	}
	return data
}
