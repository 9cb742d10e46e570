package mongo_test

import (
	"context"
	"fmt"
	"log"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/mongo"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// An application that keeps its accounts in the database it already has. The server of this example is one in the process.
func ExampleOpen() {
	server, err := mongofake.Start(mongofake.Primary)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()

	client, err := driver.Connect(options.Client().ApplyURI(server.URI()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Disconnect(ctx)
	store, err := mongo.Open(ctx, client.Database("app"), mongo.Options{})
	if err != nil {
		log.Fatal(err) // mongo.ErrNoReplicaSet: a standalone
	}
	secret := []byte("32 random bytes, kept elsewhere!")
	auth, err := oneauth.New(store, oneauth.WithSecrets(secret), oneauth.WithBaseURL("https://app.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()

	names, err := client.Database("app").ListCollectionNames(ctx, map[string]string{"name": "oneauth.session"})
	fmt.Println(names, err)
	// Output: [oneauth.session] <nil>
}
