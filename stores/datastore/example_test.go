package datastore_test

import (
	"context"
	"fmt"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

func Example() {
	ctx := context.Background()
	server, err := dstest.Start(dstest.Options{}) // in place of Google's
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := server.Client(ctx) // yours comes from datastore.NewClient(ctx, "my-project") of cloud.google.com/go/datastore
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	store, err := datastore.Open(ctx, client, datastore.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithSecrets([]byte("32 random bytes, kept out of the store")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close()
	fmt.Println("ready")
	// Output: ready
}
