package main

import (
	_ "embed"
	"html/template"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

//go:embed home.html
var homeHTML string

var homePage = template.Must(template.New("home").Parse(homeHTML))

// home is a page that shows who is signed in, and the way to everything else.
func home(auth *oneauth.Auth) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var view struct {
			User       *core.User
			Identities []*core.Identity
			Sessions   []*core.Session
			Principal  *oneauth.Principal
			URL        string // of this application
			FormToken  string
		}
		view.URL, view.FormToken = auth.Core().Config().BaseURL, auth.FormToken(r)
		if view.Principal = oneauth.From(r.Context()); view.Principal != nil {
			var err error
			view.User, view.Identities, err = auth.Core().User(r.Context(), view.Principal.Subject)
			if err == nil {
				view.Sessions, err = auth.Core().ListSessions(r.Context(), view.Principal.Subject)
			}
			if err != nil {
				http.Error(w, "The account cannot be read at present.", http.StatusServiceUnavailable)
				return
			}
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers post forms with "Origin: null"
		h.Set("X-Content-Type-Options", "nosniff")
		_ = homePage.Execute(w, view)
	})
}
