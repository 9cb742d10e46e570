package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/oneauth-go/oneauth/core/record"
)

// Options of a store. The zero value is ready to use.
type Options struct {
	// Prefix begins the name of every collection. Default "oneauth.": oneauth.user, oneauth.session and so on.
	Prefix string

	// Indexes says what Prepare does where an index is missing. Default CreateIndexes.
	Indexes IndexPolicy

	// PurgeAfter is how long after its expiry MongoDB's TTL monitor may remove a record: at least an hour, at most
	// 2147483647 seconds, default a day. It is used when the TTL index is made; one that exists keeps its own.
	PurgeAfter time.Duration
}

// IndexPolicy says what Prepare does where an index is missing.
type IndexPolicy uint8

const (
	CreateIndexes  IndexPolicy = iota // make it
	RequireIndexes                    // return ErrNotPrepared, which names it
)

const (
	defaultPrefix = "oneauth."
	defaultPurge  = 24 * time.Hour
	minPurge      = time.Hour
	maxPurge      = (1<<31 - 1) * time.Second
)

// Errors of Open and Prepare. Compare with errors.Is.
var (
	// ErrNoReplicaSet reports a server without transactions: a standalone.
	ErrNoReplicaSet = errors.New("mongo store: the server is not the primary of a replica set")

	// ErrSchema reports a kind whose fields do not fit those in the database.
	ErrSchema = errors.New("mongo store: schema")

	// ErrNotPrepared reports what is missing under RequireIndexes.
	ErrNotPrepared = errors.New("mongo store: the database is not prepared")
)

// Store is a record.Backend over a MongoDB database. It is safe for concurrent use, and any number of processes may work
// on one database.
type Store struct {
	db      *driver.Database
	options Options
	closed  atomic.Bool

	mu    sync.RWMutex
	kinds map[string]*kind // by name; a kind is never changed, only replaced
}

var _ record.Backend = (*Store)(nil)

var prefixRE = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,59}$`)

// Open returns a store in db. It asks the server what it is, and refuses one that has no transactions with
// ErrNoReplicaSet. Read and write concern, read preference and BSON options of db do not matter: the store sets its own.
// The client stays the caller's, to be disconnected after the store was closed.
func Open(ctx context.Context, db *driver.Database, o Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("mongo store: Open needs a database, and got nil")
	}
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := requireReplicaSet(ctx, db.Client()); err != nil {
		return nil, err
	}
	own := options.Database().
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(durable()).
		SetReadPreference(readpref.Primary()).
		SetRegistry(bson.NewRegistry()).
		SetBSONOptions(&options.BSONOptions{})
	return &Store{db: db.Client().Database(db.Name(), own), options: o, kinds: map[string]*kind{}}, nil
}

// complete returns o with defaults, or says which option is wrong.
func (o Options) complete() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.PurgeAfter == 0 {
		o.PurgeAfter = defaultPurge
	}
	switch {
	case !prefixRE.MatchString(o.Prefix):
		return o, fmt.Errorf("mongo store: Options.Prefix %q: it begins with a letter and has at most 60 of A-Z a-z 0-9 _ . -",
			o.Prefix)
	case o.PurgeAfter < minPurge || o.PurgeAfter > maxPurge:
		return o, fmt.Errorf("mongo store: Options.PurgeAfter is %v, not between %v and %v", o.PurgeAfter, minPurge, maxPurge)
	case o.Indexes > RequireIndexes:
		return o, fmt.Errorf("mongo store: Options.Indexes is %d, which is no IndexPolicy", o.Indexes)
	}
	return o, nil
}

// durable is acknowledged by the journals of a majority.
func durable() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: "majority", Journal: &journal}
}

// requireReplicaSet asks the server whether it can do transactions, and takes writes.
func requireReplicaSet(ctx context.Context, client *driver.Client) error {
	var hello struct {
		SetName  string `bson:"setName"`
		Primary  bool   `bson:"isWritablePrimary"`
		Message  string `bson:"msg"`
		Sessions *int64 `bson:"logicalSessionTimeoutMinutes"`
	}
	command := bson.D{{Key: "hello", Value: 1}}
	primary := options.RunCmd().SetReadPreference(readpref.Primary())
	if err := client.Database("admin").RunCommand(apart(ctx), command, primary).Decode(&hello); err != nil {
		return fmt.Errorf("mongo store: ask the server what it is: %w", failure(ctx, err))
	}
	const router = "isdbgrid" // what mongos says it is
	switch {
	case hello.SetName == "" && hello.Message != router:
		return fmt.Errorf("%w but a standalone, which has no transactions: start mongod with --replSet and call "+
			"rs.initiate(); a set of one member will do", ErrNoReplicaSet)
	case !hello.Primary:
		return fmt.Errorf("%w but a secondary: connect without directConnection", ErrNoReplicaSet)
	case hello.Sessions == nil:
		return fmt.Errorf("%w: it has no sessions", ErrNoReplicaSet)
	}
	return nil
}

// apart returns ctx without a session of the caller's: our writes must not become part of somebody's open transaction.
func apart(ctx context.Context) context.Context { return driver.NewSessionContext(ctx, nil) }

// enter says why a call cannot go on, and returns the context for those that can.
func (s *Store) enter(ctx context.Context) (context.Context, error) {
	if s.closed.Load() {
		return nil, record.ErrClosed
	}
	return apart(ctx), ctx.Err()
}

// Close closes the store: calls after it return record.ErrClosed. The client is left connected.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return record.ErrClosed
	}
	return nil
}
