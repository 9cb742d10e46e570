package webauth

import (
	"net/http"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// listLinked shows the accounts at identity providers that are connected.
func (s *Service) listLinked(w http.ResponseWriter, r *http.Request, c caller) error {
	all, err := s.auth.LinkedAccounts(r.Context(), c.Subject)
	if err != nil {
		return err
	}
	out := struct {
		Linked []wire.Linked `json:"linked"`
	}{[]wire.Linked{}}
	for _, l := range all {
		out.Linked = append(out.Linked, wire.ViewLinked(l))
	}
	wire.WriteJSON(w, http.StatusOK, out)
	return nil
}

// unlink disconnects an account of the caller; anybody else's is not found.
func (s *Service) unlink(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := s.auth.UnlinkExternal(r.Context(), c.Subject, c.SessionID, r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, http.StatusNoContent, nil)
}

// Caller returns the person who calls an account endpoint of another room, by cookie or by access token, past the
// cross-origin check. An API key manages no account.
func (s *Service) Caller(r *http.Request) (*core.Principal, error) {
	c, err := s.caller(r)
	if err != nil {
		return nil, err
	}
	p := *c.Principal
	p.AuthTime = c.session.AuthTime
	return &p, nil
}

// Arrive answers a browser that comes from a way in of another room with what the gate said: the session's cookie and a
// 303 to returnTo, if that is a path of this origin, else to the start page; or the page of [Service.Fail].
func (s *Service) Arrive(w http.ResponseWriter, r *http.Request, got *core.SignedIn, returnTo string, err error) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.begin(w, r, got, err); err != nil {
		return s.Fail(w, r, err)
	}
	s.give(w, r, got)
	w.Header().Set("Location", s.landing(returnTo))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// SendOn answers a form by sending the browser on to url, which is another origin's; title says whose. A program is told
// the address. It is a page, since the Content-Security-Policy of the page with the form forbids forms to leave.
func (s *Service) SendOn(w http.ResponseWriter, r *http.Request, title, url string) error {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !fromPage(r):
		wire.WriteJSON(w, http.StatusOK, struct {
			URL string `json:"url"`
		}{url})
		return nil
	case s.pages == nil:
		w.Header().Set("Location", url)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	w.Header().Set("Refresh", "0; url="+url)
	return s.pages.Render(w, r, http.StatusOK, pages.Onward{Form: s.form(r), Title: title, URL: url})
}

// Fail shows a person what went wrong on the way in from another room: on the account page to who is signed in, above the
// login page where trying again may help, else on a page of its own.
// Programs get the error, which it returns.
func (s *Service) Fail(w http.ResponseWriter, r *http.Request, err error) error {
	if !wire.WantsHTML(r) || s.pages == nil && s.own.Failed == nil {
		return err
	}
	e, status := s.errors.Classify(w, r, err)
	w.Header().Set("Cache-Control", "no-store")
	if s.pages == nil {
		s.own.Failed(w, r, status, e)
		return nil
	}
	f := s.form(r)
	f.Errors = []core.FieldError{{Field: e.Field, Code: e.Code, Detail: e.Detail}}
	_, err = s.Authenticate(r.Context(), r)
	switch {
	case err == nil:
		return s.pages.Render(w, r, status, s.failedAccount(r, pages.Connected, f, e))
	case answerable(e):
		return s.pages.Render(w, r, status, pages.Login{Form: f})
	}
	return s.pages.Render(w, r, status, problemPage(f, e))
}

// Cookie makes a cookie of another room for the browser: its name is the session cookie's with a dash and suffix, and it
// is as safe as that one. Once until has passed it clears the cookie.
func (s *Service) Cookie(suffix, value string, until time.Time) *http.Cookie {
	c := s.newCookie(s.cookie+"-"+suffix, value)
	if !until.After(s.auth.Env().Now()) {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0)
		return c
	}
	s.keep(c, until)
	return c
}
