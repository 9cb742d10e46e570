// Spa is a single-page application on an origin of its own, which signs people in with OneAuth on another: an API at
// http://127.0.0.1:8080, and static files at http://127.0.0.1:8081 whose script talks to it with the session cookie.
//
//	go run ./examples/spa
//
// The two must be of one site (the same registrable domain, or the same machine), or browsers keep the cookie back.
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
	"github.com/oneauth-go/oneauth/stores/mem"
)

const apiURL, pagesURL = "http://127.0.0.1:8080", "http://127.0.0.1:8081"

func main() {
	auth, err := oneauth.New(mem.New(), append(options(pagesURL), oneauth.WithDevelopment(), oneauth.WithBaseURL(apiURL))...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:8081", pages(apiURL))) }()
	fmt.Println("listening on", pagesURL)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api(auth)))
}

// options trust the pages' origin, and no other: it may send the cookie and read the answers.
func options(pages string) []oneauth.Option {
	return []oneauth.Option{oneauth.WithTrustedOrigins(pages), oneauth.WithoutPages()}
}

// api is the server that the script talks to. CORS stands outside RequireSession, since preflight requests have no cookie.
func api(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/api/notes", auth.CORS(auth.RequireSession(http.HandlerFunc(notes))))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}

func notes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"notes":["a note of %s"]}`, oneauth.From(r.Context()).Subject)
}

//go:embed static
var static embed.FS

var index = template.Must(template.ParseFS(static, "static/index.html"))

// pages is the server of the static files. Its content security policy lets scripts come from here alone, and talk to
// the API alone.
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
		mux.ServeHTTP(w, r)
	})
}
