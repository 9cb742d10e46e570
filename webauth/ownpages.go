package webauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/core"
)

// OwnPages says how an application's own pages and the endpoints work together. The pages post their forms to the
// endpoints, with [Service.FormToken] and a return_to.
type OwnPages struct {
	// Login is the path of the login page, to which RequireSession sends people with the parameters notice and return_to.
	// Empty for none: then they get 401.
	Login string
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
