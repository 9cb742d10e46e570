package redis_test

import (
	"context"
	"log"
	"os"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// secret is the application's master secret: 32 random bytes, kept outside the store.
var secret = []byte(os.Getenv("APP_SECRET"))

// Redis as the only store, on a server that syncs every write.
func ExampleOpen() {
	client := goredis.NewClient(&goredis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	defer client.Close()
	store, err := redis.Open(context.Background(), client, redis.Options{RequireDurable: true})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithSecrets(secret))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
}

// Redis on three nodes, two of which must have a commit before it is acknowledged.
func ExampleOpen_sentinel() {
	client := goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: "main", SentinelAddrs: []string{"s1:26379", "s2:26379", "s3:26379"}, ContextTimeoutEnabled: true,
	})
	defer client.Close()
	store, err := redis.Open(context.Background(), client, redis.Options{Replicas: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// Redis before another store: a signed-in browser's requests are answered from it.
func ExampleCache() {
	var database record.Backend // as its package opens it
	client := goredis.NewClient(&goredis.Options{Addr: "localhost:6379"})
	defer client.Close()
	store, err := redis.Cache(database, client, redis.CacheOptions{Kinds: []string{"session"}, TTL: 3 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithSecrets(secret))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close() // closes the database, too
}

// Redis as what tells other nodes of a revocation.
func ExampleNewChannel() {
	client := goredis.NewClient(&goredis.Options{Addr: "localhost:6379"})
	defer client.Close()
	channel, err := redis.NewChannel(client, redis.ChannelOptions{})
	if err != nil {
		log.Fatal(err)
	}
	store, err := file.Open("app.db", file.Options{}) // or whatever all nodes share
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithWake(channel))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
}
