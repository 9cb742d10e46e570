// Spatokens is a single-page application with tokens instead of a cookie, for a page whose site is not that of the API: it
// signs people in through an identity provider in API mode (authorization code and PKCE), and keeps the tokens in memory.
// The API is at http://127.0.0.1:8080, the page at http://127.0.0.1:8081, the provider at http://127.0.0.1:8082.
//
//	go run ./examples/spatokens
//
// Where page and API are of one site a cookie is simpler and out of every script's reach: see examples/spa.
package main

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

const apiURL, pagesURL, providerURL = "http://127.0.0.1:8080", "http://127.0.0.1:8081", "http://127.0.0.1:8082"

func main() {
	provider, err := idp.New(providerURL, "our-app", "our-secret")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(mem.New(), append(options(pagesURL, declare(providerURL)),
		oneauth.WithDevelopment(), oneauth.WithBaseURL(apiURL))...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:8081", pages(apiURL))) }()
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:8082", provider.Handler())) }()
	fmt.Println("listening on", pagesURL)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api(auth)))
}

// declare declares the provider.
func declare(issuer string) oauth.Provider {
	p := oauth.OIDC("example", issuer, "our-app", "our-secret")
	p.Rules.TrustEmail = true
	return p
}

// options register the page as a client that may be sent codes, and trust its origin to read the API's answers.
func options(pages string, provider oauth.Provider) []oneauth.Option {
	return []oneauth.Option{
		oneauth.WithProviders(provider),
		oneauth.WithClients(core.ClientConfig{ID: "notes", RedirectURIs: []string{pages + "/"}}),
		oneauth.WithScopes("read"),
		oneauth.WithTrustedOrigins(pages),
		oneauth.WithoutPages(),
	}
}

func api(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/api/notes", auth.CORS(auth.RequireScopes("read")(http.HandlerFunc(notes))))
	return mux
}

func notes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"notes":["a note of %s"]}`, oneauth.From(r.Context()).Subject)
}

//go:embed static
var static embed.FS

var index = template.Must(template.ParseFS(static, "static/index.html"))

// pages serves the page. Its policy lets scripts come from here alone and talk to the API alone, which is what keeps tokens
// that a script can read from leaving with another's.
func pages(api string) http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /app.js", http.FileServerFS(files))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := index.Execute(w, map[string]string{"API": api}); err != nil {
			log.Println(err)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src "+api+
			"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the code is in the address for a moment
		mux.ServeHTTP(w, r)
	})
}
