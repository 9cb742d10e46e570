// Nginx is an application as it runs in production behind an nginx that terminates TLS, with the nginx.conf beside it.
// Who comes from where is taken from that proxy alone; links, cookies and the issuer of tokens follow the base URL.
//
//	export APP_SECRET=$(head -c 32 /dev/urandom | base64) APP_URL=https://app.example
//	go run ./examples/nginx
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/stores/file"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	secret, err := base64.StdEncoding.DecodeString(os.Getenv("APP_SECRET"))
	if err != nil {
		return fmt.Errorf("APP_SECRET: %w", err)
	}
	store, err := file.Open("app.db", file.Options{})
	if err != nil {
		return err
	}
	auth, err := oneauth.New(store, append(options(),
		oneauth.WithSecrets(secret),
		oneauth.WithBaseURL(os.Getenv("APP_URL")),
		oneauth.WithSender(core.Email, mail.Console(os.Stderr)), // in production: mail.NewSMTP
	)...)
	if err != nil {
		return err
	}
	defer auth.Close()
	go func() { log.Println(auth.Run(context.Background())) }()
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: app(auth), ReadHeaderTimeout: 10 * time.Second}
	log.Println("listening for nginx on", server.Addr)
	return server.ListenAndServe()
}

// options name the proxy whose X-Forwarded-For is believed. What clients put into that header themselves counts for
// nothing, since it is read from the right, and so does everything that does not come from the proxy.
func options() []oneauth.Option {
	return []oneauth.Option{oneauth.WithTrustedProxies("127.0.0.1")}
}

func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", oneauth.From(r.Context()).Subject)
	})))
	return mux
}
