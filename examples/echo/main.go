// Echo shows OneAuth in an application whose router is echo.
//
//	go run ./examples/echo
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

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
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", router(auth)))
}

// router mounts OneAuth beside the application's own routes, and protects groups of them.
func router(auth *oneauth.Auth) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover())
	e.Any("/auth/*", echo.WrapHandler(auth))
	e.GET("/.well-known/*", echo.WrapHandler(auth))
	e.GET("/dev/mail", echo.WrapHandler(auth.MailboxHandler()))

	people := e.Group("/app", echo.WrapMiddleware(auth.RequireSession))
	people.GET("/", hello)
	programs := e.Group("/api", echo.WrapMiddleware(auth.RequireScopes("read")))
	programs.GET("/hello", hello)
	return e
}

func hello(c *echo.Context) error {
	return c.String(http.StatusOK, "hello "+oneauth.From(c.Request().Context()).Subject)
}
