// Twoapps runs two applications on two ports of one machine, as one does while writing them. Browsers do not tell ports
// apart when they send cookies, so each has a session cookie of its own name, and nobody is signed out by the other.
//
//	go run ./examples/twoapps
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	for name, addr := range map[string]string{"Shop": "127.0.0.1:8080", "Blog": "127.0.0.1:8081"} {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			log.Fatal(err)
		}
		auth, err := newAuth(name, listener)
		if err != nil {
			log.Fatal(err)
		}
		go func() { log.Println(auth.Run(context.Background())) }()
		go func() { log.Fatal(http.Serve(listener, app(name, auth))) }()
		fmt.Printf("%s: listening on http://%s\n", name, listener.Addr())
	}
	select {}
}

// newAuth names the port in the base URL, from which the name of the cookie follows.
func newAuth(name string, listener net.Listener) (*oneauth.Auth, error) {
	return oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithAppName(name),
		oneauth.WithBaseURL("http://"+listener.Addr().String()))
}

func app(name string, auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s: hello %s\n", name, oneauth.From(r.Context()).Subject)
	})))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}
