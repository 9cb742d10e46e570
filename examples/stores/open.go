package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	datastoreclient "cloud.google.com/go/datastore"
	"github.com/glebarez/sqlite"
	goredis "github.com/redis/go-redis/v9"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/file"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"github.com/oneauth-go/oneauth/stores/mongo"
	"github.com/oneauth-go/oneauth/stores/redis"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

const names = "file, sqlite, postgres, mariadb, redis, mongo or datastore"

// openStores opens the store, and with a target both as one that moves.
func openStores(ctx context.Context, c config) (oneauth.Store, *transfer.Live, error) {
	from, err := openStore(ctx, c.store, c.dsn)
	if err != nil || c.target == "" {
		return from, nil, err
	}
	to, err := openStore(ctx, c.target, c.toDSN)
	if err != nil {
		return nil, nil, errors.Join(err, from.Close())
	}
	live := transfer.NewLive(from, to)
	return live, live, nil
}

// openStore opens the store of a name. Closing it closes its client, too.
func openStore(ctx context.Context, name, dsn string) (oneauth.Store, error) {
	if dsn == "" {
		return nil, fmt.Errorf("there is no address for the store %s", name)
	}
	switch name {
	case "file":
		return file.Open(dsn, file.Options{})
	case "sqlite":
		return openSQL(sqlite.Open("file:" + dsn + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"))
	case "postgres":
		return openSQL(postgres.Open(dsn))
	case "mariadb":
		return openSQL(mysql.Open(dsn))
	case "redis":
		return openRedis(ctx, dsn)
	case "mongo":
		return openMongo(ctx, dsn)
	case "datastore":
		client, err := datastoreclient.NewClient(ctx, dsn)
		if err != nil {
			return nil, err
		}
		store, err := datastore.Open(ctx, client, datastore.Options{})
		return own(store, err, client.Close)
	}
	return nil, fmt.Errorf("there is no store %q: it is %s", name, names)
}

func openSQL(d gorm.Dialector) (oneauth.Store, error) {
	db, err := gorm.Open(d, &gorm.Config{Logger: logger.Default.LogMode(logger.Silent)})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
	return own(store, err, pool.Close)
}

func openRedis(ctx context.Context, dsn string) (oneauth.Store, error) {
	o, err := goredis.ParseURL(dsn)
	if err != nil {
		return nil, err
	}
	o.ContextTimeoutEnabled = true
	client := goredis.NewClient(o)
	store, err := redis.Open(ctx, client, redis.Options{})
	return own(store, err, client.Close)
}

// openMongo takes the name of the database from the path of the address; without one it is "app".
func openMongo(ctx context.Context, dsn string) (oneauth.Store, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	database := strings.Trim(u.Path, "/")
	if database == "" {
		database = "app"
	}
	client, err := mongodriver.Connect(mongooptions.Client().ApplyURI(dsn))
	if err != nil {
		return nil, err
	}
	store, err := mongo.Open(ctx, client.Database(database), mongo.Options{})
	return own(store, err, func() error { return client.Disconnect(context.Background()) })
}

// owned is a store that closes its client, which stays the application's otherwise.
type owned struct {
	record.Lister
	close func() error
}

// own returns the store, or closes the client if there is none.
func own(s record.Lister, err error, close func() error) (oneauth.Store, error) {
	if err != nil {
		return nil, errors.Join(err, close())
	}
	return owned{s, close}, nil
}

func (o owned) Close() error { return errors.Join(o.Lister.Close(), o.close()) }

// masterSecret reads the secret, or makes it. It is not in the store, and stays the same when the store changes.
func masterSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		return secret, os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) < 32 {
		return nil, fmt.Errorf("%s does not hold a secret of 32 bytes in base64", path)
	}
	return secret, nil
}
