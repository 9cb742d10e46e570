package webauth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/webauth"
)

// An application that signs people in by its own means gives them the cookie, and its pages ask for it.
func Example() {
	ctx := context.Background()
	secrets, err := seal.New(rand.Reader, []byte("32 random bytes from the vault.."))
	if err != nil {
		log.Fatal(err)
	}
	auth, err := core.New(ctx, mem.New(), core.Config{Secrets: secrets, BaseURL: "https://app.example"})
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
	web, err := webauth.New(auth, webauth.Options{})
	if err != nil {
		log.Fatal(err)
	}
	page := web.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "signed in by", core.PrincipalOf(r.Context()).Via)
	}))

	in, err := auth.SignUp(ctx, core.SignUp{
		Email: "ann@example.com", Password: "correct horse battery staple", Wish: core.Wish{Kind: core.BrowserSession},
	})
	if err != nil {
		log.Fatal(err)
	}
	answer := httptest.NewRecorder()
	web.SetCookie(answer, in)

	request := httptest.NewRequest("GET", "/page", nil)
	for _, c := range answer.Result().Cookies() {
		request.AddCookie(c)
	}
	answer = httptest.NewRecorder()
	page.ServeHTTP(answer, request)
	fmt.Print(answer.Body)
	// Output: signed in by session
}
