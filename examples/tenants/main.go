// Tenants serves several customers from one process and one store, each below a subdomain of its own: nobody of one is
// anybody in the other.
//
//	go run ./examples/tenants
//
// Then open http://acme.localhost:8080 and http://globex.localhost:8080, which browsers find on this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	auth, err := oneauth.New(mem.New(), append(options("localhost"),
		oneauth.WithDevelopment(), oneauth.WithBaseURL("http://localhost:8080"),
		oneauth.WithBaseURLOf(func(tenant string) string { return "http://" + tenant + ".localhost:8080" }))...)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	fmt.Println("listening on http://acme.localhost:8080 and http://globex.localhost:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

// customers are the tenants that there are. An application reads them from its database.
var customers = map[string]bool{"acme": true, "globex": true}

func options(domain string) []oneauth.Option {
	return []oneauth.Option{oneauth.WithScopes("read"), oneauth.WithTenants(bySubdomain(domain))}
}

// bySubdomain finds the tenant in the host that a request asks for. No credential has a say in it.
func bySubdomain(domain string) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		host := strings.ToLower(r.Host)
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		tenant, found := strings.CutSuffix(host, "."+domain)
		if !found || !customers[tenant] {
			return "", errors.New("no customer has this host")
		}
		return tenant, nil
	}
}

func app(auth *oneauth.Auth) http.Handler {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := oneauth.From(r.Context())
		fmt.Fprintf(w, "hello %s of %s\n", p.Subject, p.Tenant)
	})
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(hello))
	mux.Handle("GET /api/hello", auth.RequireScopes("read")(hello))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}
