// Client writes and reads notes by gRPC, with an access token that goes with each call and is renewed when that is due.
//
//	go run ./examples/grpc/client -email ann@example.com -password 'purple otters sing at dawn' write 'buy milk'
//	go run ./examples/grpc/client -email ann@example.com -password 'purple otters sing at dawn' read
//
// The application and the service must run: see examples/grpc/server. Sign up at the application before.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/local"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/examples/grpc/notes"
	"github.com/oneauth-go/oneauth/grpcauth"
)

func main() {
	application := flag.String("application", "http://127.0.0.1:8080", "origin of the application that issues tokens")
	service := flag.String("service", "127.0.0.1:9090", "address of the service, loopback")
	email := flag.String("email", "", "whose notes")
	password := flag.String("password", "", "their password")
	scopes := flag.String("scopes", "read write", "scopes to ask for")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := client.New(*application, client.WithScopes(strings.Fields(*scopes)...))
	if err == nil {
		err = as(ctx, c, *email, *password, func() error { return run(ctx, c, *service, flag.Args()) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// as does something while somebody is signed in: nobody, if there is no address.
func as(ctx context.Context, c *client.Client, email, password string, do func() error) error {
	if email == "" {
		return do()
	}
	if _, err := c.LoginWithPassword(ctx, email, password); err != nil {
		return err
	}
	return errors.Join(do(), c.Logout(ctx)) // the credential is in memory alone
}

// run does one thing. Without TLS tokens go to this machine alone; elsewhere use credentials.NewTLS and
// grpcauth.Credentials, which sends none without.
func run(ctx context.Context, c *client.Client, service string, args []string) error {
	conn, err := grpc.NewClient(service, grpc.WithTransportCredentials(local.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	withToken := grpc.PerRPCCredentials(grpcauth.LoopbackCredentials(c))
	of := notes.Client{Conn: conn}
	switch strings.Join(args[:min(1, len(args))], "") {
	case "health":
		answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, new(grpc_health_v1.HealthCheckRequest))
		fmt.Println(answer.GetStatus())
		return err
	case "write":
		return of.Write(ctx, strings.Join(args[1:], " "), withToken)
	case "read":
		err := of.Read(ctx, func(note string) { fmt.Println(note) }, withToken)
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	return errors.New("usage: client [flags] health | write NOTE | read")
}
