package verify_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// A service that has no access to the application's store takes its tokens. Its issuer is the application's base URL.
func Example() {
	t := new(exampleT)
	defer t.end()
	app := oneauthtest.Serve(t, func(auth *oneauth.Auth) http.Handler { return auth },
		oneauth.WithAudience("https://orders.example"), oneauth.WithScopes("read"))

	v, err := verify.New(verify.Config{
		Issuer:     app.URL,
		Audiences:  []string{"https://orders.example"},
		HTTPClient: app.Browser(t), // which trusts the certificate of the test; usually not needed
		Now:        app.Now,        // the same for its clock
	})
	if err != nil {
		log.Fatal(err)
	}
	orders := v.RequireScopes("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "orders for", verify.From(r.Context()).Scopes)
	}))

	r := httptest.NewRequest("GET", "/orders", nil)
	w := httptest.NewRecorder()
	orders.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))

	r.Header.Set("Authorization", "Bearer "+app.Token(t, "ann@example.com", "read"))
	w = httptest.NewRecorder()
	orders.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 401 Bearer realm="oneauth"
	// 200 orders for [read]
}

// Asking the application about each token sees revocations at once, or, with CacheFor, a little later.
func ExampleIntrospection() {
	v, err := verify.New(verify.Config{
		Issuer:    "https://app.example",
		Audiences: []string{"https://orders.example"},
		Introspection: &verify.Introspection{
			ClientID: "orders", ClientSecret: "the secret with which the application has registered it",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = v.Verify(context.Background(), "not a token")
	fmt.Println(err)
	// Output: verify: the token is not valid: it is malformed
}

// exampleT is as much of a test as the examples need.
type exampleT struct {
	testing.TB
	cleanup []func()
}

func (t *exampleT) Helper()                  {}
func (t *exampleT) Context() context.Context { return context.Background() }
func (t *exampleT) Cleanup(f func())         { t.cleanup = append(t.cleanup, f) }
func (t *exampleT) Output() io.Writer        { return io.Discard }

func (t *exampleT) end() {
	for _, f := range t.cleanup {
		f()
	}
}
