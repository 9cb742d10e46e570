package grpcauth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/grpcauth"
)

// Who gets through to a method of one message.
func TestUnary(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Methods: methods})
	c := s.client()
	both, reads := w.Token(t, ann), w.Token(t, ann, "read")
	s.see = func(ctx context.Context) {
		if claims := verify.From(ctx); claims == nil || claims.Subject != w.User(t, ann).ID {
			t.Errorf("the handler finds %+v", claims)
		}
	}
	empty, simple := &grpc_testing.Empty{}, &grpc_testing.SimpleRequest{}
	for name, call := range map[string]struct {
		ctx  context.Context
		want codes.Code
	}{
		"a token":        {bearing(t, both), codes.OK},
		"scheme":         {with(t, "authorization", "bearer  "+both), codes.OK},
		"none":           {t.Context(), codes.Unauthenticated},
		"empty":          {with(t, "authorization", ""), codes.Unauthenticated},
		"no token":       {with(t, "authorization", "Bearer "), codes.Unauthenticated},
		"another scheme": {with(t, "authorization", "Basic "+both), codes.Unauthenticated},
		"bare":           {with(t, "authorization", both), codes.Unauthenticated},
		"twice":          {with(t, "authorization", "Bearer "+both, "authorization", "Bearer "+both), codes.Unauthenticated},
		"changed":        {bearing(t, both+"A"), codes.Unauthenticated},
		"elsewhere":      {with(t, "access_token", both, "cookie", "__Host-oneauth="+both), codes.Unauthenticated},
		"one of two":     {bearing(t, reads), codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.UnaryCall(call.ctx, simple)
			wants(t, err, call.want)
			if err != nil && strings.Contains(err.Error(), both[:20]) {
				t.Errorf("the status has the token: %v", err)
			}
		})
	}
	_, err := c.EmptyCall(bearing(t, reads), empty)
	wants(t, err, codes.OK)
	_, err = c.EmptyCall(t.Context(), empty)
	wants(t, err, codes.Unauthenticated)
	w.Advance(time.Hour)
	_, err = c.EmptyCall(bearing(t, reads), empty)
	wants(t, err, codes.Unauthenticated)
}

// Who gets through to a method with streams: the verdict is there before the handler begins.
func TestStream(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Methods: methods})
	c := s.client()
	began := 0
	s.see = func(ctx context.Context) {
		if began++; verify.From(ctx) == nil {
			t.Error("the handler finds no claims")
		}
	}
	echo := func(ctx context.Context) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&grpc_testing.StreamingOutputCallRequest{}); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err = stream.Recv()
		return err
	}
	wants(t, echo(t.Context()), codes.Unauthenticated)
	wants(t, echo(bearing(t, "x")), codes.Unauthenticated)
	wants(t, echo(bearing(t, w.Token(t, ann, "write"))), codes.PermissionDenied)
	if began != 0 {
		t.Errorf("the handler has begun %d times", began)
	}
	wants(t, echo(bearing(t, w.Token(t, ann, "read"))), codes.OK)
}

// A stream ends with its token, in either direction.
func TestStreamOutlivesNoToken(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier()})
	c, ctx := s.client(), bearing(t, w.Token(t, ann))
	both, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	echo := func() error {
		if err := both.Send(&grpc_testing.StreamingOutputCallRequest{}); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		_, err := both.Recv()
		return err
	}
	wants(t, echo(), codes.OK)
	down, err := c.StreamingOutputCall(ctx, &grpc_testing.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.Recv(); err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Hour)
	wants(t, echo(), codes.Unauthenticated)
	for err == nil {
		_, err = down.Recv()
	}
	wants(t, err, codes.Unauthenticated)
}

// A message that comes after the token has ended does not reach the handler.
func TestMessageAfterTheToken(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier()})
	reached := make(chan struct{}, 2)
	s.see = func(context.Context) { reached <- struct{}{} }
	up, err := s.client().StreamingInputCall(bearing(t, w.Token(t, ann)))
	if err != nil {
		t.Fatal(err)
	}
	message := &grpc_testing.StreamingInputCallRequest{}
	if err := up.Send(message); err != nil {
		t.Fatal(err)
	}
	<-reached
	w.Advance(time.Hour)
	if err := up.Send(message); err != nil {
		t.Fatal(err)
	}
	_, err = up.CloseAndRecv()
	wants(t, err, codes.Unauthenticated)
	if len(reached) != 0 {
		t.Error("the handler has got the message")
	}
}

// Without any rules every method needs a token; what is named public needs none.
func TestEveryMethodNeedsAToken(t *testing.T) {
	w := newWorld(t)
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Public: []string{"/grpc.health.v1.Health/Check"}})
	conn := s.dial()
	c, h := grpc_testing.NewTestServiceClient(conn), grpc_health_v1.NewHealthClient(conn)
	_, err := c.EmptyCall(t.Context(), &grpc_testing.Empty{})
	wants(t, err, codes.Unauthenticated)
	_, err = c.UnaryCall(bearing(t, w.Token(t, ann)), &grpc_testing.SimpleRequest{})
	wants(t, err, codes.OK)
	_, err = h.Check(bearing(t, "not a token"), &grpc_health_v1.HealthCheckRequest{})
	wants(t, err, codes.OK)
	_, err = h.List(t.Context(), &grpc_health_v1.HealthListRequest{})
	wants(t, err, codes.Unauthenticated)
	watch, err := h.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	wants(t, err, codes.Unauthenticated)
}

// Once methods are named, one that nobody names is closed, even to those with every scope, and so are those that the
// server itself does not know.
func TestUnknownMethodsAreClosed(t *testing.T) {
	w := newWorld(t)
	reached := 0
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Methods: map[string][]string{service + "EmptyCall": nil}},
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { reached++; return nil }))
	s.see = func(context.Context) { reached++ }
	conn := s.dialWith(insecurely)
	ctx := bearing(t, w.Token(t, ann))
	_, err := grpc_testing.NewTestServiceClient(conn).UnaryCall(ctx, &grpc_testing.SimpleRequest{})
	wants(t, err, codes.PermissionDenied)
	for _, method := range []string{"/a.B/C", service + "emptycall", service + "EmptyCall/", "/grpc.testing.TestServic/EmptyCall"} {
		wants(t, conn.Invoke(ctx, method, &grpc_testing.Empty{}, &grpc_testing.Empty{}), codes.PermissionDenied)
	}
	if reached != 0 {
		t.Errorf("%d calls came through", reached)
	}
	_, err = grpc_testing.NewTestServiceClient(conn).EmptyCall(ctx, &grpc_testing.Empty{})
	wants(t, err, codes.OK)
}

// When nobody can say whether a token is valid, the call is refused, without saying that the token is bad; the log says why.
func TestUnavailable(t *testing.T) {
	w := newWorld(t)
	token := w.Token(t, ann)
	var log bytes.Buffer
	s := serve(t, grpcauth.Config{Verifier: w.verifier(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	w.cut.Store(true)
	_, err := s.client().EmptyCall(bearing(t, token), &grpc_testing.Empty{})
	wants(t, err, codes.Unavailable)
	if text := status.Convert(err).Message(); strings.Contains(text, "route") || strings.Contains(text, w.URL) {
		t.Errorf("the status says %q", text)
	}
	s.Stop()
	if text := log.String(); !strings.Contains(text, "no route to host") || !strings.Contains(text, "EmptyCall") || strings.Contains(text, token) {
		t.Errorf("the log says %q", text)
	}
}

// A verifier of one's own whose error says nothing is not trusted to have said yes.
func TestOwnVerifier(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"invalid": {grpcauth.ErrInvalidToken, codes.Unauthenticated}, "another": {errors.New("disk full"), codes.Unavailable},
		"slow": {context.DeadlineExceeded, codes.Unavailable},
	} {
		s := serve(t, grpcauth.Config{Verifier: verifierFunc(func(ctx context.Context, _ string) (context.Context, []string, error) {
			return ctx, nil, c.err
		})})
		_, err := s.client().EmptyCall(bearing(t, "x"), &grpc_testing.Empty{})
		if wants(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
}

type verifierFunc func(ctx context.Context, token string) (context.Context, []string, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (context.Context, []string, error) {
	return f(ctx, token)
}
