// Fiber shows OneAuth in an application whose framework is fiber, which is built on fasthttp instead of net/http.
//
//	go run ./examples/fiber
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	auth, err := oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithScopes("read"))
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	log.Fatal(app(auth).Listen("127.0.0.1:8080"))
}

// app mounts OneAuth beside the application's own routes, and protects groups of them.
func app(auth *oneauth.Auth) *fiber.App {
	f := fiber.New()
	endpoints := handle(auth)
	f.All("/auth/*", endpoints)
	f.Get("/.well-known/*", endpoints)
	f.Get("/dev/mail", handle(auth.MailboxHandler()))

	people := f.Group("/app", use(auth.RequireSession))
	people.Get("/", hello)
	programs := f.Group("/api", use(auth.RequireScopes("read")))
	programs.Get("/hello", hello)
	return f
}

// handle makes a handler of net/http one of fiber. What fasthttp hands out, contexts and strings, is another request's as soon
// as this one has been answered: so the handler gets fiber's context, and a request of its own.
func handle(h http.Handler) fiber.Handler {
	h = oneauth.Detached(h)
	return func(c fiber.Ctx) error {
		ctx := c.Context()
		return adaptor.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(ctx))
		}))(c)
	}
}

// use makes a middleware of net/http one of fiber: it goes on where that calls the next handler, with the values of its
// context, and stops where it does not.
func use(middleware func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		passed := false
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = true
			c.SetContext(r.Context())
		})
		if err := handle(middleware(next))(c); err != nil || !passed {
			return err
		}
		return c.Next()
	}
}

func hello(c fiber.Ctx) error {
	return c.SendString("hello " + oneauth.From(c.Context()).Subject)
}
