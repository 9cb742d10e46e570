package grpcauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/grpcauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// A gRPC service takes the tokens of an application elsewhere, and a program that has signed in there calls it.
func Example() {
	t := new(exampleT)
	defer t.end()
	app := oneauthtest.Serve(t, func(auth *oneauth.Auth) http.Handler { return auth }, oneauth.WithScopes("read", "write"))
	app.User(t, "ann@example.com")

	// The service.
	v, err := verify.New(verify.Config{Issuer: app.URL, Audiences: []string{app.URL}, HTTPClient: app.Browser(t), Now: app.Now})
	if err != nil {
		log.Fatal(err)
	}
	server := serve(t, grpcauth.Config{
		Verifier: grpcauth.Remote(v),
		Methods: map[string][]string{
			"/grpc.testing.TestService/EmptyCall": {"read"},
			"/grpc.testing.TestService/UnaryCall": {"write"},
		},
	})
	server.see = func(ctx context.Context) { fmt.Println("called with", verify.From(ctx).Scopes) }

	// The program.
	c, err := client.New(app.URL, client.WithScopes("read"), client.WithClock(app.Now), client.WithHTTPClient(app.Browser(t)))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.LoginWithPassword(t.Context(), "ann@example.com", oneauthtest.Password); err != nil {
		log.Fatal(err)
	}
	conn, err := grpc.NewClient(server.addr, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(server.roots, "")),
		grpc.WithPerRPCCredentials(grpcauth.Credentials(c)))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	orders := grpc_testing.NewTestServiceClient(conn)

	_, err = orders.EmptyCall(t.Context(), &grpc_testing.Empty{})
	fmt.Println(err)
	_, err = orders.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{})
	fmt.Println(status.Code(err), status.Convert(err).Message())
	// Output:
	// called with [read]
	// <nil>
	// PermissionDenied insufficient scope: write
}

// In the application itself the verifier is [apiauth.Service.Authenticate], which knows revocations and API keys too.
func ExampleLocal() {
	app := newIssuing(&exampleT{})
	defer app.Close()
	auth, err := grpcauth.New(grpcauth.Config{
		Verifier: grpcauth.Local(app.api.Authenticate),
		Public:   []string{"/grpc.health.v1.Health/*"},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(auth.ServerOptions()...)
	defer server.Stop()

	handler := func(ctx context.Context) { fmt.Println(core.PrincipalOf(ctx)) } // in a method, with its context
	handler(context.Background())
	// Output: <nil>
}

// exampleT is as much of a test as the examples need.
type exampleT struct {
	testing.TB
	cleanup []func()
}

func (t *exampleT) Helper()                  {}
func (t *exampleT) Context() context.Context { return context.Background() }
func (t *exampleT) Cleanup(f func())         { t.cleanup = append(t.cleanup, f) }
func (t *exampleT) Output() io.Writer        { return io.Discard }

func (t *exampleT) end() {
	for _, f := range t.cleanup {
		f()
	}
}
