package grpcauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Interceptors judge the calls to a server.
type Interceptors struct {
	verifier Verifier
	rules    *rules
	log      *slog.Logger
}

// New checks the configuration; the error says what is wrong in it.
func New(cfg Config) (*Interceptors, error) {
	if cfg.Verifier == nil {
		return nil, errors.New("grpcauth: Config.Verifier is nil")
	}
	r, err := cfg.rules()
	if err != nil {
		return nil, fmt.Errorf("grpcauth: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Interceptors{cfg.Verifier, r, cfg.Log}, nil
}

// ServerOptions put both interceptors before those that further options add.
func (i *Interceptors) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(i.Unary()), grpc.ChainStreamInterceptor(i.Stream())}
}

// Unary judges calls of one message. A server that has methods with streams needs Stream too.
func (i *Interceptors) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		call, err := i.begin(ctx, info.FullMethod)
		if err != nil {
			return nil, err
		}
		return next(call.ctx, req)
	}
}

// Stream judges streams, when they begin and at every message.
func (i *Interceptors) Stream() grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		call, err := i.begin(stream.Context(), info.FullMethod)
		if err != nil {
			return err
		}
		if call.rule.public {
			return next(server, stream)
		}
		return next(server, &judgedStream{stream, call})
	}
}

// call is one that was let in.
type call struct {
	*Interceptors
	method string
	rule   rule
	token  string
	from   context.Context // of the call as it came
	ctx    context.Context // of its handler
}

// begin lets a call in, or returns the status with which it is refused.
func (i *Interceptors) begin(ctx context.Context, method string) (*call, error) {
	of, ok := i.rules.of(method)
	if !ok {
		return nil, status.Error(codes.PermissionDenied, "the method is closed")
	}
	c := &call{Interceptors: i, method: method, rule: of, from: ctx, ctx: ctx}
	if of.public {
		return c, nil
	}
	var err error
	if c.token, err = bearer(ctx); err != nil {
		return nil, err
	}
	c.ctx, err = c.judge()
	return c, err
}

// judge asks the verifier, and returns the context of the handler.
func (c *call) judge() (context.Context, error) {
	ctx, scopes, err := c.verifier.Verify(c.from, c.token)
	switch {
	case errors.Is(err, ErrInvalidToken):
		return nil, status.Error(codes.Unauthenticated, "the token is not valid")
	case err != nil && c.from.Err() != nil:
		return nil, status.FromContextError(c.from.Err()).Err()
	case err != nil:
		c.log.ErrorContext(c.from, "grpcauth: a token could not be judged", "method", c.method, "error", err)
		return nil, status.Error(codes.Unavailable, "try again later")
	}
	for _, scope := range c.rule.scopes {
		if !slices.Contains(scopes, scope) {
			return nil, status.Errorf(codes.PermissionDenied, "insufficient scope: %s", strings.Join(c.rule.scopes, " "))
		}
	}
	return ctx, nil
}

// bearer returns the token in the call's metadata (RFC 6750 section 2.1): one value of one entry named authorization.
func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	switch len(values) {
	case 0:
		return "", status.Error(codes.Unauthenticated, "a token is needed")
	case 1:
	default:
		return "", status.Error(codes.Unauthenticated, "send one credential only")
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	token := strings.TrimLeft(rest, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", status.Error(codes.Unauthenticated, "a bearer token is needed")
	}
	return token, nil
}

// judgedStream judges its token again before each message goes on.
type judgedStream struct {
	grpc.ServerStream
	call *call
}

func (s *judgedStream) Context() context.Context { return s.call.ctx }

func (s *judgedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	_, err := s.call.judge()
	return err
}

func (s *judgedStream) SendMsg(m any) error {
	if _, err := s.call.judge(); err != nil {
		return err
	}
	return s.ServerStream.SendMsg(m)
}
