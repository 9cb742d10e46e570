// Social lets people sign in with an account that they have elsewhere. The identity provider runs in this program, so that
// it works offline; put oauth.Google(id, secret) or another one in its place.
//
//	go run ./examples/social
//
// Open http://127.0.0.1:8080 and sign in with Example ID, which asks who you are and believes it.
package main

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

const appURL, providerURL = "http://127.0.0.1:8080", "http://127.0.0.1:8081"

func main() {
	provider, err := idp.New(providerURL, "our-app", "our-secret")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:8081", provider.Handler())) }()
	auth, err := oneauth.New(mem.New(), append(options(providerURL), oneauth.WithDevelopment(), oneauth.WithBaseURL(appURL))...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	fmt.Println("listening on", appURL)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

// options declare the provider. It is trusted with addresses: an account here that has an address which the provider has
// verified is connected at the first sign-in. The picture goes to a custom field, the tokens are kept for later.
func options(provider string) []oneauth.Option {
	p := oauth.OIDC("example", provider, "our-app", "our-secret")
	p.Title = "Example ID"
	p.Rules.TrustEmail = true
	p.KeepTokens = true
	return []oneauth.Option{
		oneauth.WithProviders(p),
		oneauth.WithFields(core.Field{Name: "picture", Type: core.TextField, ReadOnly: true}),
	}
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Social</title>
<h1>Hello, {{.Name}}</h1>
<p>Example ID says that you are <b>{{.Said}}</b>.</p>
<p><a href="/auth/account">Your account</a></p></html>
`))

func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(home(auth)))
	return mux
}

// home asks the provider, as the person, who that is, with the token that was kept at the sign-in.
func home(auth *oneauth.Auth) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		me := oneauth.From(r.Context()).Subject
		user, _, err := auth.Core().User(r.Context(), me)
		if err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		said, err := whoami(r.Context(), auth, me)
		if err != nil {
			said = "nobody: " + core.AsError(err).Public()
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := page.Execute(w, struct{ Name, Said string }{user.Name, said}); err != nil {
			log.Println(err)
		}
	})
}
