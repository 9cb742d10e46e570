// Package dstest is an in-process server of the Datastore API (google.datastore.v1), for tests of the store above it with the
// official client.
//
// It is faithful in what the store relies on: multi-version storage, transactions that really interleave, in the
// optimistic mode (snapshot reads, validated at commit) and the pessimistic one (reads lock), insert, update, upsert and
// delete, queries that the built-in indexes serve (others are refused, as they would need a composite index), key order,
// cursors, limits of keys, entities and requests, reserved names. It gives no more than the service promises: results
// without an order come in none, lookups outside of transactions are not of one moment, some keys are deferred to a second
// lookup, queries come in small batches.
//
// It is not the service: it knows no ancestors, projections, aggregations, generated ids and timeouts of transactions, and
// answers UNIMPLEMENTED where it would have to.
package dstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"cloud.google.com/go/datastore"
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// Mode is the concurrency mode of the database.
type Mode uint8

// The modes.
const (
	Optimistic  Mode = iota // reads see the snapshot of the transaction's beginning, and are validated at commit
	Pessimistic             // reads lock what they read until the end of the transaction
)

// Options say how the server behaves where the service may behave in several ways.
type Options struct {
	Mode Mode

	// Recommit answers a commit of a transaction that was committed already. OK repeats the first answer; zero means
	// INVALID_ARGUMENT.
	Recommit func() codes.Code
}

// Server is a database, empty at first.
type Server struct {
	pb.UnimplementedDatastoreServer
	grpc    *grpc.Server
	addr    string
	options Options
	faults  faults

	mu       sync.Mutex // is held for moments: never from one call to the next, and never for several reads
	released *sync.Cond // a transaction has ended
	rand     *rand.Rand
	now      int64 // the number of commits so far
	tables   map[tableKey]map[string]*cell
	txs      map[string]*transaction
}

// Start starts a server on a free port of the loopback interface.
func Start(o Options) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		addr: l.Addr().String(), options: o, rand: rand.New(rand.NewPCG(1, 2)),
		tables: map[tableKey]map[string]*cell{}, txs: map[string]*transaction{},
	}
	s.released = sync.NewCond(&s.mu)
	s.grpc = grpc.NewServer(
		grpc.UnaryInterceptor(s.faults.intercept), grpc.MaxRecvMsgSize(2*maxRequest),
		// The client pings a connection that was silent for a minute, which the service allows. By default a server takes
		// more than one ping in five minutes for an attack, and ends the connection.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second, PermitWithoutStream: true}),
	)
	pb.RegisterDatastoreServer(s.grpc, s)
	go func() { _ = s.grpc.Serve(l) }() // ends with Close
	return s, nil
}

// Close stops the server and drops its data.
func (s *Server) Close() { s.grpc.Stop() }

// Addr returns host and port, for DATASTORE_EMULATOR_HOST in another process.
func (s *Server) Addr() string { return s.addr }

// Mode returns the concurrency mode.
func (s *Server) Mode() Mode { return s.options.Mode }

// Project is whose data the server has.
const Project = "test-project"

// Client returns a new client of the server, with a connection of its own.
func (s *Server) Client(ctx context.Context) (*datastore.Client, error) {
	c, err := datastore.NewClient(ctx, Project,
		option.WithEndpoint("passthrough:///"+s.addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return nil, fmt.Errorf("dstest: %w", err)
	}
	return c, nil
}
