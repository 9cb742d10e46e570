package grpcauth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/local"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/grpcauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

var insecurely = grpc.WithTransportCredentials(insecure.NewCredentials())

// The client's token goes with each call, renewed where that is due.
func TestCredentials(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Methods: methods})
	w.User(t, ann)
	c, err := client.New(w.URL, client.WithClock(w.Now), client.WithHTTPClient(&http.Client{Transport: w}))
	if err != nil {
		t.Fatal(err)
	}
	call := func() error {
		_, err := s.client(grpc.WithPerRPCCredentials(grpcauth.Credentials(c))).UnaryCall(t.Context(), &grpc_testing.SimpleRequest{})
		return err
	}
	wants(t, call(), codes.Unauthenticated) // nobody signed in
	session, err := c.LoginWithPassword(t.Context(), ann, oneauthtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	s.see = func(ctx context.Context) {
		if claims := verify.From(ctx); claims.SessionID != session.ID {
			t.Errorf("session %s", claims.SessionID)
		}
	}
	wants(t, call(), codes.OK)
	w.Advance(session.ExpiresAt.Sub(w.Now()))
	wants(t, call(), codes.OK)
	w.Advance(session.ExpiresAt.Sub(w.Now()) + 1e12)
	w.cut.Store(true)
	wants(t, call(), codes.Unavailable)
}

// A token goes over no connection on which others may read along.
func TestTokensNeedPrivacy(t *testing.T) {
	v := verifierFunc(func(ctx context.Context, _ string) (context.Context, []string, error) { return ctx, nil, nil })
	plain := serve(t, grpcauth.Config{Verifier: v}, grpc.Creds(insecure.NewCredentials()))
	leaked := 0
	plain.see = func(ctx context.Context) {
		if len(metadata.ValueFromIncomingContext(ctx, "authorization")) > 0 {
			leaked++
		}
	}
	strict, loopback := grpcauth.Credentials(fixed("secret")), grpcauth.LoopbackCredentials(fixed("secret"))
	if _, err := grpc.NewClient(plain.addr, insecurely, grpc.WithPerRPCCredentials(strict)); err == nil {
		t.Error("a connection without TLS takes credentials that need it")
	}
	call := func(how credentials.TransportCredentials, with ...grpc.CallOption) error {
		conn := plain.dialWith(grpc.WithTransportCredentials(how))
		_, err := grpc_testing.NewTestServiceClient(conn).EmptyCall(t.Context(), &grpc_testing.Empty{}, with...)
		return err
	}
	wants(t, call(insecure.NewCredentials(), grpc.PerRPCCredentials(strict)), codes.Unauthenticated)
	wants(t, call(local.NewCredentials(), grpc.PerRPCCredentials(strict)), codes.Unauthenticated)
	wants(t, call(insecure.NewCredentials(), grpc.PerRPCCredentials(loopback)), codes.Unauthenticated)
	if leaked != 0 {
		t.Fatalf("%d tokens were sent in the clear", leaked)
	}
	wants(t, call(local.NewCredentials(), grpc.PerRPCCredentials(loopback)), codes.OK)
	if leaked != 1 {
		t.Error("over loopback no token was sent")
	}
	secure := serve(t, grpcauth.Config{Verifier: v})
	_, err := secure.client(grpc.WithPerRPCCredentials(loopback)).EmptyCall(t.Context(), &grpc_testing.Empty{})
	wants(t, err, codes.OK)
	_, err = grpcauth.LoopbackCredentials(fixed("secret")).GetRequestMetadata(t.Context())
	wants(t, err, codes.Unauthenticated)
}

// What a source says becomes the call's status.
func TestSourceErrors(t *testing.T) {
	s := serve(t, grpcauth.Config{Verifier: verifierFunc(nil)})
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{client.ErrSignedOut, codes.Unauthenticated}, {client.ErrUnavailable, codes.Unavailable}, {client.ErrStore, codes.Unavailable},
		{errors.New("something else"), codes.Unavailable},
	} {
		failing := source(func(context.Context) (*oauth2.Token, error) { return nil, c.err })
		_, err := s.client(grpc.WithPerRPCCredentials(grpcauth.Credentials(failing))).EmptyCall(t.Context(), &grpc_testing.Empty{})
		wants(t, err, c.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow := source(func(ctx context.Context) (*oauth2.Token, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	_, err := s.client(grpc.WithPerRPCCredentials(grpcauth.Credentials(slow))).EmptyCall(ctx, &grpc_testing.Empty{})
	wants(t, err, codes.Canceled)
}
