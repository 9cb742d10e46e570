package oneauthtest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// A test of a handler behind RequireSession, as somebody who is signed in.
func Example() {
	t := new(exampleT) // in a test, its *testing.T
	defer t.end()

	app := oneauthtest.New(t)
	dashboard := app.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "signed in by ", oneauth.From(r.Context()).Via)
	}))
	w := app.Request(t, dashboard, "GET", "/dashboard", "")
	fmt.Println(w.Code)
	w = app.Request(t, dashboard, "GET", "/dashboard", "", oneauthtest.Cookie(app.SignIn(t, "ann@example.com")))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401
	// 200 signed in by session
}

// exampleT is as much of a test as the example needs.
type exampleT struct {
	testing.TB
	cleanup []func()
}

func (t *exampleT) Helper()                  {}
func (t *exampleT) Context() context.Context { return context.Background() }
func (t *exampleT) Cleanup(f func())         { t.cleanup = append(t.cleanup, f) }

func (t *exampleT) end() {
	for _, f := range t.cleanup {
		f()
	}
}
