package webauth

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// pageRoutes are the pages for people, and what they load. An application with pages of its own has at most the address
// that invitations lead to.
func (s *Service) pageRoutes() []wire.Route {
	if s.pages == nil {
		if s.own.SignUp == "" {
			return nil
		}
		return []wire.Route{{Method: http.MethodGet, Path: "/signup", Handle: s.ownSignUp}}
	}
	routes := []wire.Route{
		{Method: http.MethodGet, Path: "/login", Handle: s.page("login", s.loginPage)},
		{Method: http.MethodGet, Path: "/signup", Handle: s.page("signup", s.signUpPage)},
		{Method: http.MethodGet, Path: "/password/forgot", Handle: s.page("forgot", s.forgotPage)},
		{Method: http.MethodGet, Path: "/account", Handle: s.accountPage},
	}
	for _, file := range []func() (string, http.Handler){s.pages.Stylesheet, s.pages.Logo} {
		if path, h := file(); h != nil {
			routes = append(routes, wire.Route{
				Method: http.MethodGet, Path: strings.TrimPrefix(path, s.prefix),
				Handle: func(w http.ResponseWriter, r *http.Request) error { h.ServeHTTP(w, r); return nil },
			})
		}
	}
	return routes
}

// pageAnswer tells a program where the page is that a person would get.
type pageAnswer struct {
	Page string `json:"page"`
	URL  string `json:"url"`
}

// page answers a browser with a page, and a program with where the page is.
func (s *Service) page(name string, view func(r *http.Request) (pages.Page, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !wire.WantsHTML(r) {
			wire.WriteJSON(w, http.StatusOK, pageAnswer{name, s.auth.Config().BaseURLFor(tenantOf(r.Context())) + s.prefix + r.URL.Path})
			return nil
		}
		p, err := view(r)
		if err != nil {
			return err
		}
		return s.pages.Render(w, r, http.StatusOK, p)
	}
}

// form is what every view carries when nobody has typed anything.
func (s *Service) form(r *http.Request) pages.Form {
	q := r.URL.Query()
	return pages.Form{Token: s.FormToken(r), ReturnTo: q.Get("return_to"), Notice: q.Get("notice")}
}

func (s *Service) loginPage(r *http.Request) (pages.Page, error) {
	as, err := s.signedInAs(r)
	return pages.Login{Form: s.form(r), SignedInAs: as}, err
}

// signedInAs is what the person is known by who is signed in already, or "".
func (s *Service) signedInAs(r *http.Request) (string, error) {
	p, err := s.Authenticate(r.Context(), r)
	if err == nil {
		err = s.present(r.Context(), p.Subject)
	}
	if errors.Is(err, core.ErrUnauthenticated) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	u, identities, err := s.auth.User(r.Context(), p.Subject)
	if err != nil {
		return "", err
	}
	for _, i := range identities {
		if i.Primary {
			return i.Value, nil
		}
	}
	return cmp.Or(u.Name, u.ID), nil
}

// signUpPage is also what an invitation opens, which uses it up as little as other links.
func (s *Service) signUpPage(r *http.Request) (pages.Page, error) {
	as, err := s.signedInAs(r)
	if err != nil {
		return nil, err
	}
	p := pages.SignUp{Form: s.form(r), SignedInAs: as}
	given := r.URL.Query()["invite"]
	if len(given) == 0 {
		return p, nil
	}
	invitation, err := s.auth.Invitation(r.Context(), given[0])
	switch {
	case errors.Is(err, core.ErrInvalidToken):
		p.Errors = []core.FieldError{{Field: "invite", Code: core.CodeSignUpRefused}}
	case err != nil:
		return nil, err
	default:
		p.Invite, p.Email = given[0], invitation.Email
	}
	return p, nil
}

func (s *Service) forgotPage(r *http.Request) (pages.Page, error) {
	return pages.Forgot{Form: s.form(r)}, nil
}

// accountPage shows the account to the person who is signed in by cookie, and sends anybody else to the login page.
func (s *Service) accountPage(w http.ResponseWriter, r *http.Request) error {
	if !wire.WantsHTML(r) {
		return s.account(s.showSession)(w, r)
	}
	p, err := s.cookiePrincipal(r.Context(), r, s.Authenticate)
	if err == nil {
		err = s.present(r.Context(), p.Subject)
	}
	if err != nil {
		return s.toLogin(w, r, s.prefix+"/account", err)
	}
	view, err := s.accountView(r, p)
	if err != nil {
		return err
	}
	view.Form = s.form(r)
	view.ReturnTo = ""
	return s.pages.Render(w, r, http.StatusOK, view)
}

// accountView reads all that the account page shows.
func (s *Service) accountView(r *http.Request, p *core.Principal) (pages.Account, error) {
	u, identities, err := s.auth.User(r.Context(), p.Subject)
	if err != nil {
		return pages.Account{}, err
	}
	sessions, err := s.auth.ListSessions(r.Context(), p.Subject)
	if err != nil {
		return pages.Account{}, err
	}
	keys, err := s.auth.ListKeys(r.Context(), p.Subject)
	if err != nil {
		return pages.Account{}, err
	}
	linked, err := s.auth.LinkedAccounts(r.Context(), p.Subject)
	if err != nil {
		return pages.Account{}, err
	}
	password, err := s.auth.HasPassword(r.Context(), p.Subject)
	if err != nil {
		return pages.Account{}, err
	}
	view := pages.Account{Name: u.Name, Data: u.Data, AddKinds: true, Scopes: p.Scopes, NoPassword: !password}
	for _, i := range identities {
		username := i.Kind == "username"
		view.Identities = append(view.Identities, pages.Identity{
			Kind: string(i.Kind), Value: i.Value, Verified: i.Verified, Primary: i.Primary,
			CanVerify: !i.Verified && !username, CanPrimary: !i.Primary && (i.Verified || username), CanRemove: core.MayRemove(i, identities),
		})
	}
	for _, l := range linked {
		view.Connected = append(view.Connected, pages.Connection{
			ID: l.ID, Provider: l.Provider, Email: cmp.Or(l.Email, l.Name), CreatedAt: l.CreatedAt,
			CanRemove: core.MayUnlink(len(linked), password, identities),
		})
	}
	for _, x := range sessions {
		view.Sessions = append(view.Sessions, pages.Session{
			ID: x.ID, Name: x.DeviceName, UserAgent: x.UserAgent, IP: x.IP, ClientID: x.ClientID, Current: x.ID == p.SessionID,
			CreatedAt: x.CreatedAt, LastSeenAt: x.LastSeenAt,
		})
	}
	for _, k := range keys {
		view.APIKeys = append(view.APIKeys, pages.APIKey{
			ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt, ExpiresAt: k.Expires,
		})
	}
	return view, nil
}

// toLogin sends a person who must sign in first to the login page, and from there back. Machines, and requests that a
// redirect would lose, get err.
func (s *Service) toLogin(w http.ResponseWriter, r *http.Request, back string, err error) error {
	readOnly := r.Method == http.MethodGet || r.Method == http.MethodHead
	page := s.loginURL()
	if page == "" || !readOnly || !wire.WantsHTML(r) || core.AsError(err).Code != core.CodeUnauthenticated {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", page+"?notice=sign_in_first&return_to="+url.QueryEscape(back))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
