// Gin shows OneAuth in an application whose router is gin.
//
//	go run ./examples/gin
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

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
	r := gin.New()
	r.Use(gin.Recovery())
	r.Any("/auth/*path", gin.WrapH(auth))
	r.GET("/.well-known/*path", gin.WrapH(auth))
	r.GET("/dev/mail", gin.WrapH(auth.MailboxHandler()))

	people := r.Group("/app", use(auth.RequireSession))
	people.GET("/", hello)
	programs := r.Group("/api", use(auth.RequireScopes("read")))
	programs.GET("/hello", hello)
	return r
}

// use makes a middleware of net/http one of gin: it goes on where that calls the next handler, and stops where it does
// not.
func use(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed, c.Request = true, r
			c.Next()
		})
		middleware(next).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

func hello(c *gin.Context) {
	c.String(http.StatusOK, "hello %s", oneauth.From(c.Request.Context()).Subject)
}
