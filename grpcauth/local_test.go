package grpcauth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/grpcauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// issuing is an application that has the store, and judges its own tokens and keys.
type issuing struct {
	*core.Auth
	api  *apiauth.Service
	user string
}

func newIssuing(t testing.TB) *issuing {
	t.Helper()
	api, err := apiauth.New(apiauth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.New(rand.Reader, []byte("a secret of 32 random bytes or more!"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(t.Context(), mem.New(), core.Config{
		BaseURL: "https://app.example", Secrets: secrets, Scopes: []string{"read", "write"}, Hashing: password.CheapParams(),
		Features: []core.Feature{api.Feature()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return &issuing{Auth: auth, api: api}
}

// token signs ann up, once, and returns an access token.
func (i *issuing) token(t *testing.T) string {
	t.Helper()
	signedIn, err := i.SignUp(t.Context(), core.SignUp{
		Email: ann, Password: "correct horse battery staple", Wish: core.Wish{Kind: core.APISession},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := i.api.Issue(t.Context(), signedIn)
	if err != nil {
		t.Fatal(err)
	}
	i.user = signedIn.User.ID
	return answer.AccessToken
}

// In the application itself tokens and API keys are good for calls, and a revocation counts at once.
func TestLocal(t *testing.T) {
	i := newIssuing(t)
	s := serve(t, grpcauth.Config{Verifier: grpcauth.Local(i.api.Authenticate), Methods: methods})
	c, token := s.client(), i.token(t)
	s.see = func(ctx context.Context) {
		if p := core.PrincipalOf(ctx); p == nil || p.Subject != i.user {
			t.Errorf("the handler finds %+v", p)
		}
	}
	call := func(token string) error {
		_, err := c.UnaryCall(bearing(t, token), &grpc_testing.SimpleRequest{})
		return err
	}
	wants(t, call(token), codes.OK)
	_, key, err := i.CreateKey(t.Context(), i.user, core.NewKey{Name: "both", Scopes: []string{"read", "write"}})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, call(key), codes.OK)
	_, weak, err := i.CreateKey(t.Context(), i.user, core.NewKey{Name: "reads", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, call(weak), codes.PermissionDenied)
	wants(t, call("oak_1_2"), codes.Unauthenticated)
	if err := i.Users().RevokeAll(t.Context(), i.user); err != nil {
		t.Fatal(err)
	}
	wants(t, call(token), codes.Unauthenticated)
}

// A store that fails makes no credential invalid.
func TestLocalFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{core.ErrUnavailable, codes.Unavailable}, {core.ErrTenantRequired, codes.Unavailable}, {errors.New("bug"), codes.Unavailable},
		{core.ErrInvalidToken, codes.Unauthenticated}, {core.ErrUnauthenticated, codes.Unauthenticated},
	} {
		s := serve(t, grpcauth.Config{Verifier: grpcauth.Local(func(context.Context, apiauth.Credential) (*core.Principal, error) {
			return nil, c.err
		})})
		_, err := s.client().EmptyCall(bearing(t, "x"), &grpc_testing.Empty{})
		wants(t, err, c.want)
	}
}
