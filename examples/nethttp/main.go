// Nethttp is a whole application with sign-in in a few lines of the standard library: a page for people, an API for
// programs, and the development mailbox.
//
//	go run ./examples/nethttp
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	auth, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithScopes("read"))
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	log.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

// app is the application: http://127.0.0.1:8080/ for people, /api/hello for programs.
func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(http.HandlerFunc(hello)))
	mux.Handle("GET /api/hello", auth.RequireScopes("read")(http.HandlerFunc(hello)))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "hello", oneauth.From(r.Context()).Subject)
}
