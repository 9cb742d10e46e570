// Server is the application that clilogin signs in to. The identity provider runs in it too, so that it works offline; put
// oauth.Google(id, secret) or another one in its place.
//
//	go run ./examples/clilogin/server
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address of the application, loopback")
	providerAddr := flag.String("provider", "127.0.0.1:8081", "address of the identity provider, loopback")
	person := flag.String("person", "", "who comes to the provider, such as 1001; by default it asks")
	flag.Parse()

	app, identity := listen(*addr), listen(*providerAddr)
	origin, issuer := "http://"+app.Addr().String(), "http://"+identity.Addr().String()
	provider, err := idp.New(issuer, "our-app", "our-secret")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(mem.New(), append(options(issuer, *person), oneauth.WithDevelopment(), oneauth.WithBaseURL(origin))...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	go func() { log.Fatal(http.Serve(identity, provider.Handler())) }()
	fmt.Println("listening on", origin)
	log.Fatal(http.Serve(app, api(auth)))
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	return l
}

// options register the program as a public client. Its redirect URI is a port of the person's own machine, any one.
func options(issuer, person string) []oneauth.Option {
	p := oauth.OIDC("example", issuer, "our-app", "our-secret")
	p.Rules.TrustEmail = true
	if person != "" {
		p.Params = map[string]string{"person": person}
	}
	return []oneauth.Option{
		oneauth.WithProviders(p),
		oneauth.WithClients(core.ClientConfig{ID: "cli", Name: "Command line", RedirectURIs: []string{"http://127.0.0.1/callback"}}),
		oneauth.WithScopes("read", "write"),
	}
}

func api(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /api/me", auth.RequireScopes("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, err := auth.Core().User(r.Context(), oneauth.From(r.Context()).Subject)
		if err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "You are %s, by %s.\n", user.Name, oneauth.From(r.Context()).ClientID)
	})))
	return mux
}
