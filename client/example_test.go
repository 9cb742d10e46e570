package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// A program signs a person in once, keeps the credential in a file, and calls the application's API. The next run, and any
// other process with the same file, goes on from there.
func Example() {
	t := new(exampleT)
	defer t.end()
	app := oneauthtest.Serve(t, func(auth *oneauth.Auth) http.Handler {
		mux := http.NewServeMux()
		auth.Mount(mux)
		mux.Handle("/api/me", auth.RequireScopes("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "hello, with ", oneauth.From(r.Context()).Scopes)
		})))
		return mux
	}, oneauth.WithScopes("read", "write"))
	app.User(t, "ann@example.com")
	trusting := app.Browser(t).Transport // the certificate of the test; usually not needed
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := client.NewFileStore(filepath.Join(dir, "credential.json"))
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(app.URL, client.WithStore(store), client.WithScopes("read"), client.WithClock(app.Now),
		client.WithHTTPClient(&http.Client{Transport: trusting}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := c.LoginWithPassword(ctx, "ann@example.com", oneauthtest.Password); err != nil {
		log.Fatal(err)
	}
	api := &http.Client{Transport: c.Transport(trusting)} // usually c.HTTPClient()
	answer, err := api.Get(app.URL + "/api/me")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body), err)

	if err := c.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = c.Session(ctx)
	fmt.Println(err)
	// Output:
	// 200 hello, with [read] <nil>
	// client: signed out
}

// exampleT is as much of a test as the example needs.
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
