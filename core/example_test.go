package core_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// Somebody signs up, signs in on a phone, refreshes the phone's token, and ends its session.
func Example() {
	ctx := context.Background()
	master := make([]byte, 32) // from where the application keeps its secrets, never from the store
	if _, err := rand.Read(master); err != nil {
		log.Fatal(err)
	}
	keyring, err := seal.New(rand.Reader, master)
	if err != nil {
		log.Fatal(err)
	}
	auth, err := core.New(ctx, mem.New(), core.Config{
		Secrets: keyring,
		BaseURL: "https://app.example",
		Scopes:  []string{"read", "write"},
		Hashing: password.CheapParams(), // an example must be quick; leave it out for real
	})
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()

	browser, err := auth.SignUp(ctx, core.SignUp{
		Email: "ann@example.com", Name: "Ann", Password: "glow-marble-otter-71-quay", Wish: core.Wish{Kind: core.BrowserSession},
	})
	if err != nil {
		log.Fatal(err)
	}
	phone, err := auth.SignIn(ctx, core.PasswordSignIn{
		Identifier: "Ann@Example.com", Password: "glow-marble-otter-71-quay",
		Wish: core.Wish{Kind: core.APISession, Scopes: []string{"read"}, DeviceName: "Ann's phone"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(phone.User.Name, "may", phone.Scopes, "on", phone.Session.DeviceName)

	next, err := auth.Refresh(ctx, phone.RefreshToken, core.FirstParty, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.EndSession(ctx, browser.User.ID, phone.Session.ID, "lost"); err != nil {
		log.Fatal(err)
	}
	_, err = auth.Refresh(ctx, next.RefreshToken, core.FirstParty, nil)
	fmt.Println(core.AsError(err).Code)

	s, err := auth.CheckSession(ctx, browser.Cookie)
	fmt.Println(s.UserID == browser.User.ID, err)
	// Output:
	// Ann may [read] on Ann's phone
	// invalid_grant
	// true <nil>
}

// A policy that asks for a one-time code when somebody signs in with a program, and how the sign-in goes on.
func ExamplePolicy() {
	policy := core.PolicyFunc(func(_ *core.Tx, a core.Admission) (core.Decision, error) {
		if a.Wish.Kind == core.APISession {
			return core.Decision{Require: []string{"otp"}}, nil
		}
		return core.Decision{}, nil
	})
	decision, err := policy.Judge(nil, core.Admission{Wish: core.Wish{Kind: core.APISession}})
	fmt.Println(decision.Require, err)
	// Output: [otp] <nil>
}
