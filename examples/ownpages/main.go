// Ownpages is an application that renders its own sign-up and login pages, and posts their forms to OneAuth's endpoints.
//
//	go run ./examples/ownpages
package main

import (
	"context"
	_ "embed"
	"html/template"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/mem"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// page is what page.html shows: a form for signing in or up, or who is signed in.
type page struct {
	Title, Action, Field      string // Field is the name of the input for the e-mail address
	Subject                   string
	FormToken, ReturnTo       string
	Problem, Faulty, Password string            // what went wrong, the input at fault, and how browsers fill in the password
	Typed                     map[string]string // what was typed before
}

func main() {
	auth, err := oneauth.New(mem.New(), append(options(), oneauth.WithDevelopment())...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	log.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

// options tells OneAuth where the login page is, and how a form that failed is shown again.
func options() []oneauth.Option {
	return []oneauth.Option{oneauth.WithOwnPages(oneauth.OwnPages{Login: "/login", Failed: failed})}
}

func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /login", form(auth, login))
	mux.Handle("GET /signup", form(auth, signUp))
	mux.Handle("GET /{$}", auth.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		show(w, http.StatusOK, page{Title: "Welcome", Action: "/auth/logout",
			Subject: oneauth.From(r.Context()).Subject, FormToken: auth.FormToken(r), ReturnTo: "/login"})
	})))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}

var (
	login  = page{Title: "Sign in", Action: "/auth/login", Field: "identifier", Password: "current-password"}
	signUp = page{Title: "Sign up", Action: "/auth/signup", Field: "email", Password: "new-password"}
)

// form shows an empty form. return_to is whatever the address says: it is only posted on, and the endpoint takes it for
// nothing but a path of this origin. Check it before you make a link or a redirect of it.
func form(auth *oneauth.Auth, p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := p
		p.FormToken, p.ReturnTo = auth.FormToken(r), r.FormValue("return_to")
		show(w, http.StatusOK, p)
	})
}

// failed shows the form again, with the reason, and with everything that was typed but the password.
func failed(w http.ResponseWriter, r *http.Request, status int, err *core.Error) {
	p := login
	if r.URL.Path == "/signup" {
		p = signUp
	}
	p.Problem, p.Faulty = err.Public(), err.Field
	p.FormToken, p.ReturnTo = r.PostFormValue(oneauth.FormTokenField), r.PostFormValue("return_to")
	p.Typed = map[string]string{p.Field: r.PostFormValue(p.Field)}
	show(w, status, p)
}

func show(w http.ResponseWriter, status int, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin") // with no-referrer browsers post forms with "Origin: null", which is refused
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := pageTemplate.Execute(w, p); err != nil {
		log.Println(err)
	}
}
