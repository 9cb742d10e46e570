package transfer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// An application outgrows its store. In life one of these is a file, the other a database.
func ExampleLive() {
	ctx := context.Background()
	from, to := mem.New(), mem.New()
	live := transfer.NewLive(from, to)
	secret := []byte("32 random bytes, kept elsewhere!")
	auth, err := oneauth.New(live, oneauth.WithSecrets(secret), oneauth.WithBaseURL("https://app.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
	if _, err := live.Move(ctx, transfer.Options{}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("moved:", live.Moved())
	// Output: moved: true
}

// Copies go on beside the application; the last one is made when it has stopped.
func ExampleFinish() {
	ctx := context.Background()
	from, to := mem.New(), mem.New()
	auth, err := oneauth.New(from, oneauth.WithDevelopment())
	if err != nil {
		log.Fatal(err)
	}
	schema := auth.Schema()
	if _, err := transfer.Copy(ctx, from.Again(), to, schema, transfer.Options{}); err != nil {
		log.Fatal(err)
	}
	if err := auth.Close(); err != nil {
		log.Fatal(err)
	}
	report, err := transfer.Finish(ctx, from.Again(), to, schema, transfer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	source, target := report.Totals()
	fmt.Println("verified:", source == target)
	// Output: verified: true
}
