package gormcreds_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/gormcreds"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// A service of many processes acts for itself. They share the access token, sealed, in the database that they have anyway.
func Example() {
	t := new(exampleT)
	defer t.end()
	secret := "of the client: at least 32 characters"
	app := oneauthtest.Serve(t, func(auth *oneauth.Auth) http.Handler { return auth }, oneauth.WithScopes("read"),
		oneauth.WithClients(core.ClientConfig{ID: "billing", Secrets: []string{secret}, Grants: []string{core.GrantClient}, Scopes: []string{"read"}}))
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	key := []byte("from `openssl rand 32`, kept elsewhere")

	process := func() string { // any number of them
		db, err := gorm.Open(sqlite.Open(filepath.Join(dir, "app.db")))
		if err != nil {
			log.Fatal(err)
		}
		store, err := gormcreds.New(db, "billing", gormcreds.Options{Migrate: true, Keys: [][]byte{key}})
		if err != nil {
			log.Fatal(err)
		}
		c, err := client.New(app.URL, client.WithStore(store), client.WithClient("billing", secret), client.WithClientCredentials(),
			client.WithClock(app.Now), client.WithHTTPClient(app.Browser(t)))
		if err != nil {
			log.Fatal(err)
		}
		token, err := c.TokenSource(context.Background()).Token()
		if err != nil {
			log.Fatal(err)
		}
		return token.AccessToken
	}
	first, second := process(), process()
	fmt.Println(first == second)
	// Output: true
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
