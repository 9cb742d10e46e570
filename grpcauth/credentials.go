package grpcauth

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/oneauth-go/oneauth/client"
)

// Source is where access tokens come from: a *client.Client is one. The context is that of the call.
type Source interface {
	TokenSource(ctx context.Context) oauth2.TokenSource
}

// callCredentials add the token to calls over connections that are private.
type callCredentials struct {
	source   Source
	loopback bool
}

// Credentials send a token of the source with each call, over TLS alone: a connection without is refused, when it is made
// and again with each call. Give it to grpc.WithPerRPCCredentials or, for one call, grpc.PerRPCCredentials. A source without
// a token makes the call Unauthenticated, one that cannot get one Unavailable.
func Credentials(source Source) credentials.PerRPCCredentials { return callCredentials{source: source} }

// LoopbackCredentials are [Credentials] that also allow a connection without TLS when it goes to this machine. That is for
// development and sidecars; the connection must be made with google.golang.org/grpc/credentials/local, which looks at the
// address that it is really connected to.
func LoopbackCredentials(source Source) credentials.PerRPCCredentials {
	return callCredentials{source: source, loopback: true}
}

// RequireTransportSecurity is credentials.PerRPCCredentials's.
func (c callCredentials) RequireTransportSecurity() bool { return !c.loopback }

// GetRequestMetadata is credentials.PerRPCCredentials's.
func (c callCredentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	if err := c.private(ctx); err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "grpcauth: no token is sent: %v", err)
	}
	token, err := c.source.TokenSource(ctx).Token()
	switch {
	case err == nil:
		return map[string]string{"authorization": "Bearer " + token.AccessToken}, nil
	case ctx.Err() != nil:
		return nil, status.FromContextError(ctx.Err()).Err()
	case errors.Is(err, client.ErrSignedOut):
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return nil, status.Error(codes.Unavailable, err.Error())
}

// private refuses a connection on which others may read along.
func (c callCredentials) private(ctx context.Context) error {
	request, ok := credentials.RequestInfoFromContext(ctx)
	if !ok || request.AuthInfo == nil {
		return errors.New("the connection says nothing about its security")
	}
	if c.loopback && request.AuthInfo.AuthType() == "local" {
		return nil
	}
	if err := credentials.CheckSecurityLevel(request.AuthInfo, credentials.PrivacyAndIntegrity); err != nil {
		return fmt.Errorf("the connection is not private: %w", err)
	}
	return nil
}
