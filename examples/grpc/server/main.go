// Server is a gRPC service that keeps notes for the people of an application elsewhere. It has no access to that
// application's store: it verifies access tokens by the application's public keys.
//
//	go run ./examples/quickstart     in one terminal: the application
//	go run ./examples/grpc/server    in another
//
// Write needs the scope write, Read the scope read, and health checks need no token.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/local"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/examples/grpc/notes"
	"github.com/oneauth-go/oneauth/grpcauth"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9090", "address to listen on, loopback")
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "origin of the application that issues the tokens")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	server, err := newServer(*issuer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	log.Fatal(server.Serve(listener))
}

// newServer makes the server. It speaks without TLS, and so to this machine alone (credentials/local sees to that); in
// production give grpc.Creds a certificate.
func newServer(issuer string) (*grpc.Server, error) {
	verifier, err := verify.New(verify.Config{Issuer: issuer, Audiences: []string{issuer}})
	if err != nil {
		return nil, err
	}
	auth, err := grpcauth.New(grpcauth.Config{
		Verifier: grpcauth.Remote(verifier),
		Methods:  map[string][]string{notes.ReadMethod: {"read"}, notes.WriteMethod: {"write"}},
		Public:   []string{"/grpc.health.v1.Health/*"},
	})
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(append(auth.ServerOptions(), grpc.Creds(local.NewCredentials()))...)
	notes.Register(server, &service{of: map[string][]string{}})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	return server, auth.Check(server.GetServiceInfo())
}

// service keeps notes in memory, for each person their own.
type service struct {
	mu sync.Mutex
	of map[string][]string
}

// Write adds a note of who calls.
func (s *service) Write(ctx context.Context, note *wrapperspb.StringValue) (*emptypb.Empty, error) {
	who := verify.From(ctx).Subject
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[who] = append(s.of[who], note.Value)
	return new(emptypb.Empty), nil
}

// Read sends the notes of who calls.
func (s *service) Read(_ *emptypb.Empty, stream grpc.ServerStreamingServer[wrapperspb.StringValue]) error {
	s.mu.Lock()
	all := s.of[verify.From(stream.Context()).Subject]
	s.mu.Unlock()
	for _, note := range all {
		if err := stream.Send(wrapperspb.String(note)); err != nil {
			return err
		}
	}
	return nil
}
