package grpcauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/grpcauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const (
	ann     = "ann@example.com"
	service = "/grpc.testing.TestService/"
)

// methods are the rules of most tests.
var methods = map[string][]string{
	service + "*": nil, service + "UnaryCall": {"read", "write"}, service + "FullDuplexCall": {"read"},
}

// world is an application with OneAuth over TLS, and the way to it, which can be cut.
type world struct {
	*oneauthtest.Server
	t   testing.TB
	cut atomic.Bool
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t}
	w.Server = oneauthtest.Serve(t, func(a *oneauth.Auth) http.Handler { return a }, oneauth.WithScopes("read", "write"))
	return w
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("no route to host")
	}
	return w.Browser(w.t).Transport.RoundTrip(r)
}

// verifier is one that does not have access to the application's store.
func (w *world) verifier() grpcauth.Verifier {
	w.t.Helper()
	v, err := verify.New(verify.Config{
		Issuer: w.URL, Audiences: []string{w.URL}, HTTPClient: &http.Client{Transport: w}, Now: w.Now, Log: quiet,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return grpcauth.Remote(v)
}

var quiet = slog.New(slog.DiscardHandler)

// server is a gRPC server over TLS.
type server struct {
	grpc_testing.UnimplementedTestServiceServer
	*grpc.Server
	t     testing.TB
	addr  string
	roots *x509.CertPool
	see   func(ctx context.Context) // what a handler finds
}

// serve starts a server with the rules, whose methods all do something.
func serve(t testing.TB, cfg grpcauth.Config, options ...grpc.ServerOption) *server {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = quiet
	}
	auth, err := grpcauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pair := httptest.NewTLSServer(nil) // for its certificate
	defer pair.Close()
	s := &server{t: t, roots: x509.NewCertPool(), see: func(context.Context) {}}
	s.roots.AddCert(pair.Certificate())
	if len(options) == 0 {
		options = []grpc.ServerOption{grpc.Creds(credentials.NewServerTLSFromCert(&pair.TLS.Certificates[0]))}
	}
	s.Server = grpc.NewServer(append(auth.ServerOptions(), options...)...)
	grpc_testing.RegisterTestServiceServer(s.Server, s)
	grpc_health_v1.RegisterHealthServer(s.Server, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return s
}

func (s *server) EmptyCall(ctx context.Context, _ *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	s.see(ctx)
	return &grpc_testing.Empty{}, nil
}

func (s *server) UnaryCall(ctx context.Context, _ *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	s.see(ctx)
	return &grpc_testing.SimpleResponse{}, nil
}

// FullDuplexCall answers each message with one.
func (s *server) FullDuplexCall(stream grpc_testing.TestService_FullDuplexCallServer) error {
	s.see(stream.Context())
	for {
		if _, err := stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := stream.Send(&grpc_testing.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// StreamingInputCall takes messages, and answers with how many there were.
func (s *server) StreamingInputCall(stream grpc_testing.TestService_StreamingInputCallServer) error {
	for n := int32(0); ; n++ {
		_, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&grpc_testing.StreamingInputCallResponse{AggregatedPayloadSize: n})
		}
		if err != nil {
			return err
		}
		s.see(stream.Context())
	}
}

// StreamingOutputCall sends messages for as long as it may.
func (s *server) StreamingOutputCall(_ *grpc_testing.StreamingOutputCallRequest, stream grpc_testing.TestService_StreamingOutputCallServer) error {
	for {
		if err := stream.Send(&grpc_testing.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// dial connects over TLS.
func (s *server) dial(options ...grpc.DialOption) *grpc.ClientConn {
	s.t.Helper()
	tls := credentials.NewTLS(&tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS13})
	return s.dialWith(append([]grpc.DialOption{grpc.WithTransportCredentials(tls)}, options...)...)
}

func (s *server) dialWith(options ...grpc.DialOption) *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient(s.addr, options...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (s *server) client(options ...grpc.DialOption) grpc_testing.TestServiceClient {
	s.t.Helper()
	return grpc_testing.NewTestServiceClient(s.dial(options...))
}

// with returns a context whose calls have these entries of metadata.
func with(t testing.TB, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), pairs...)
}

func bearing(t testing.TB, token string) context.Context {
	return with(t, "authorization", "Bearer "+token)
}

// wants fails the test unless an error has the code.
func wants(t testing.TB, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// source gives tokens, or an error.
type source func(ctx context.Context) (*oauth2.Token, error)

func (s source) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenFunc(func() (*oauth2.Token, error) { return s(ctx) })
}

type tokenFunc func() (*oauth2.Token, error)

func (f tokenFunc) Token() (*oauth2.Token, error) { return f() }

// fixed is a source of one token.
func fixed(token string) source {
	return func(context.Context) (*oauth2.Token, error) { return &oauth2.Token{AccessToken: token}, nil }
}
