// Chi shows OneAuth in an application whose router is chi.
//
//	go run ./examples/chi
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	auth, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithScopes("read"))
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	fmt.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", router(auth)))
}

// router mounts OneAuth beside the application's own routes, and protects groups of them.
func router(auth *oneauth.Auth) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	auth.Mount(r)
	r.Group(func(r chi.Router) {
		r.Use(auth.RequireSession)
		r.Get("/app", hello)
	})
	r.Route("/api", func(r chi.Router) {
		r.Use(auth.RequireScopes("read"))
		r.Get("/hello", hello)
	})
	r.Handle("/dev/mail", auth.MailboxHandler())
	return r
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "hello", oneauth.From(r.Context()).Subject)
}
