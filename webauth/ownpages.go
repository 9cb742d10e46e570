package webauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// OwnPages says how an application's own pages and the endpoints work together. The pages post their forms to the
// endpoints, with [Service.FormToken] and a return_to.
type OwnPages struct {
	// Login is the path of the login page, to which RequireSession sends people with the parameters notice and return_to.
	// Empty for none: then they get 401.
	Login string
	// Home is the path of the start page, to which forms lead that have no return_to; default /.
	Home string
	// SignUp, Verify and Reset are the paths of the pages that mailed links open: an invitation gets the parameter invite
	// there, the others token. The page posts it to /signup, /verify or /password/reset; opening it must use nothing up.
	// Without Verify and Reset a plain page of ours has the form; without SignUp there is no page for invitations.
	SignUp, Verify, Reset string
	// Forgot is the path of the page on which people ask for a reset link: mails about a change that a person did not make
	// lead there. Empty for none.
	Forgot string
	// Failed answers a form whose request has failed, with the page that shows it again: status and header fields of the
	// failure are decided, and headers are set. The form can be read again from r. err is public as a whole, and r.URL.Path
	// is the endpoint's without the prefix. Nil answers forms as programs are answered.
	Failed func(w http.ResponseWriter, r *http.Request, status int, err *core.Error)
}

// loginURL returns where people sign in, or "" when there is no page for it.
func (s *Service) loginURL() string {
	if s.pages != nil {
		return s.prefix + "/login"
	}
	return s.own.Login
}

// check refuses what is no path of a page on this origin.
func (o OwnPages) check() error {
	for _, p := range []struct{ name, path string }{
		{"Login", o.Login}, {"Home", o.Home}, {"Forgot", o.Forgot}, {"SignUp", o.SignUp}, {"Verify", o.Verify}, {"Reset", o.Reset},
	} {
		if _, safe := wire.SafePath(p.path); p.path != "" && (!safe || strings.ContainsAny(p.path, "?#")) {
			return fmt.Errorf("OwnPages.%s %q is not a path on this origin", p.name, p.path)
		}
	}
	return nil
}

// linkPage is the application's page for a mailed link, or "".
func (o OwnPages) linkPage(p core.Purpose) string {
	if p == core.PurposeReset {
		return o.Reset
	}
	return o.Verify
}

// ownSignUp sends a person who opens an invitation to the application's own page, and tells a program where it is.
func (s *Service) ownSignUp(w http.ResponseWriter, r *http.Request) error {
	if !wire.WantsHTML(r) {
		wire.WriteJSON(w, http.StatusOK, pageAnswer{"signup", s.auth.Config().BaseURLFor(tenantOf(r.Context())) + s.own.SignUp})
		return nil
	}
	toOwn(w, r, s.own.SignUp, "invite", "return_to", "notice")
	return nil
}

// toOwn sends a person on to a page of the application, with some parameters of the request. The page is told no more of
// where they come from, since the address that mails carry has a secret in it.
func toOwn(w http.ResponseWriter, r *http.Request, path string, parameters ...string) {
	given, kept := r.URL.Query(), url.Values{}
	for _, name := range parameters {
		if v := given[name]; len(v) == 1 {
			kept.Set(name, v[0])
		}
	}
	if len(kept) > 0 {
		path += "?" + kept.Encode()
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
