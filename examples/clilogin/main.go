// Clilogin is a command-line program that signs a person in by their browser, and then calls an application's API in their
// name: the authorization code grant with PKCE, and a redirect to a port of this machine. No password ever reaches it.
//
//	go run ./examples/clilogin/server      in one terminal: the application, with an identity provider
//	go run ./examples/clilogin login       in another: opens the browser
//	go run ./examples/clilogin whoami
//	go run ./examples/clilogin logout
//
// The credential is in a file that is the person's alone, or with -keyring in the keyring of the operating system.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/keyring"
)

const name = "oneauth-clilogin"

// options are what the person may say on the command line.
type options struct {
	server, file     string
	keyring, browser bool
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "http://127.0.0.1:8080", "origin of the application")
	flag.StringVar(&o.file, "file", "", "file of the credential (default one in your configuration folder)")
	flag.BoolVar(&o.keyring, "keyring", false, "keep the credential in the keyring of the operating system")
	flag.BoolVar(&o.browser, "browser", true, "open the browser; without, only print where to go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), o); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, o options) error {
	store, err := o.store()
	if err != nil {
		return err
	}
	c, err := client.New(o.server, client.WithStore(store), client.WithClient("cli", ""), client.WithScopes("read"),
		client.WithDeviceName(name))
	if err != nil {
		return err
	}
	switch command {
	case "login":
		return login(ctx, c, o.browser)
	case "whoami":
		return whoami(ctx, c, o.server)
	case "logout":
		if err := c.Logout(ctx); err != nil {
			return err
		}
		fmt.Println("You are signed out.")
		return nil
	}
	return fmt.Errorf("usage: %s [flags] login | whoami | logout", name)
}

// store is where the credential is kept.
func (o options) store() (client.Store, error) {
	if o.keyring {
		return keyring.New(name, o.server, keyring.Options{})
	}
	if o.file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, err
		}
		o.file = filepath.Join(dir, name, "credential.json")
	}
	return client.NewFileStore(o.file)
}

// login signs the person in, by the browser of this machine.
func login(ctx context.Context, c *client.Client, browser bool) error {
	session, err := c.LoginWithBrowser(ctx, client.Browser{
		Provider: "example",
		Open: func(ctx context.Context, url string) error {
			fmt.Println("Sign in at", url)
			if !browser {
				return nil
			}
			if err := client.OpenBrowser(ctx, url); err != nil {
				fmt.Fprintln(os.Stderr, "Your browser could not be opened; copy the address.")
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("You are signed in, and may", session.Scopes)
	return nil
}

// whoami calls the API. The access token is renewed on the way, when that is due.
func whoami(ctx context.Context, c *client.Client, server string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/me", nil)
	if err != nil {
		return err
	}
	answer, err := c.HTTPClient().Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := client.ReadError(answer); err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, io.LimitReader(answer.Body, 1<<20))
	return err
}

// explain says what went wrong, and what the person can do about it.
func explain(err error) string {
	refused := (*client.Error)(nil)
	switch {
	case errors.Is(err, client.ErrSignedOut):
		return "Nobody is signed in. Use: " + name + " login"
	case errors.Is(err, keyring.ErrUnavailable):
		return "There is no keyring here, or it is locked. Leave out -keyring to use a file.\n" + err.Error()
	case errors.Is(err, client.ErrUnavailable):
		return "The server cannot be reached; try again later.\n" + err.Error()
	case errors.As(err, &refused) && refused.Code == "access_denied":
		return "The sign-in was cancelled in the browser."
	}
	return err.Error()
}
