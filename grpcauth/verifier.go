package grpcauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/core"
)

// ErrInvalidToken is what a [Verifier] wraps for tokens that are not valid.
var ErrInvalidToken = errors.New("grpcauth: the token is not valid")

// Verifier judges the token of a call. [Remote] and [Local] make one.
type Verifier interface {
	// Verify returns the context of the handler, in which it finds who calls, and the scopes of the token. The error wraps
	// ErrInvalidToken when the token is not valid. Any other means that nobody can say: the call is refused as Unavailable.
	Verify(ctx context.Context, token string) (_ context.Context, scopes []string, err error)
}

type remote struct{ verifier *verify.Verifier }

// Remote judges tokens of an application elsewhere. Handlers find the claims by [verify.From].
func Remote(v *verify.Verifier) Verifier { return remote{v} }

func (r remote) Verify(ctx context.Context, token string) (context.Context, []string, error) {
	claims, err := r.verifier.Verify(ctx, token)
	switch {
	case errors.Is(err, verify.ErrInvalidToken):
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	case err != nil:
		return nil, nil, err
	}
	return verify.WithClaims(ctx, claims), claims.Scopes, nil
}

type local func(ctx context.Context, c apiauth.Credential) (*core.Principal, error)

// Local judges access tokens and API keys in the application that issues them, with [apiauth.Service.Authenticate].
// Handlers find the principal by [core.PrincipalOf], which is oneauth.From. An application with tenants says in an
// interceptor before this one whose the call is ([core.WithTenant]).
func Local(authenticate func(ctx context.Context, c apiauth.Credential) (*core.Principal, error)) Verifier {
	return local(authenticate)
}

func (l local) Verify(ctx context.Context, token string) (context.Context, []string, error) {
	p, err := l(ctx, apiauth.Credential{Bearer: token})
	var known *core.Error
	switch {
	case err == nil:
		return core.WithPrincipal(ctx, p), p.Scopes, nil
	case errors.As(err, &known) && known.Code.Class() == core.Unauthenticated:
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return nil, nil, err
}
