package mongo_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/mongo"
)

// The variables that make the test binary play another process of an installation, on a database of a server.
const (
	contendURI      = "ONEAUTH_TEST_MONGO_CONTEND"
	contendDatabase = "ONEAUTH_TEST_MONGO_DATABASE"
)

func TestMain(m *testing.M) {
	if uri := os.Getenv(contendURI); uri != "" {
		if err := contend(uri, os.Getenv(contendDatabase)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func contend(uri, name string) error {
	ctx := context.Background()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	store, err := mongo.Open(ctx, client.Database(name), mongo.Options{PurgeAfter: never})
	if err != nil {
		return err
	}
	return storeproof.Contend(store)
}

// Of 66 contenders in three processes one wins, whatever they fight over.
func TestProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		name := freshName(t, uri)
		storeproof.Contenders(t, harness(t, uri, name), contendURI+"="+uri, contendDatabase+"="+name)
	})
}
