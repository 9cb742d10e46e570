package apiauth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func Example() {
	ctx := context.Background()
	api, err := apiauth.New(apiauth.Options{})
	if err != nil {
		panic(err)
	}
	secrets, err := seal.New(rand.Reader, []byte("a secret of 32 random bytes or more!"))
	if err != nil {
		panic(err)
	}
	auth, err := core.New(ctx, mem.New(), core.Config{
		BaseURL: "https://app.example", Secrets: secrets, Scopes: []string{"read"}, Hashing: password.CheapParams(),
		Features: []core.Feature{api.Feature()},
	})
	if err != nil {
		panic(err)
	}
	defer auth.Close()

	signedIn, err := auth.SignUp(ctx, core.SignUp{
		Email: "ann@example.com", Password: "correct horse battery staple", Wish: core.Wish{Kind: core.APISession},
	})
	if err != nil {
		panic(err)
	}
	answer, err := api.Issue(ctx, signedIn)
	if err != nil {
		panic(err)
	}

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := core.PrincipalOf(r.Context())
		fmt.Fprint(w, p.Via, p.Scopes, p.Subject == signedIn.User.ID)
	})
	r := httptest.NewRequest("GET", "/hello", nil)
	r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
	w := httptest.NewRecorder()
	api.Middleware().RequireScopes("read")(hello).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 jwt[read] true
}
