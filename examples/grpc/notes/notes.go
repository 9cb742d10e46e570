// Package notes is the gRPC service of this example: what a generator would make of
//
//	service Notes {
//	  rpc Write(google.protobuf.StringValue) returns (google.protobuf.Empty);
//	  rpc Read(google.protobuf.Empty) returns (stream google.protobuf.StringValue);
//	}
//
// in package notes.v1, written by hand so that none is needed.
package notes

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Names of the methods.
const (
	WriteMethod = "/notes.v1.Notes/Write"
	ReadMethod  = "/notes.v1.Notes/Read"
)

// Server is the service.
type Server interface {
	Write(ctx context.Context, note *wrapperspb.StringValue) (*emptypb.Empty, error)
	Read(in *emptypb.Empty, stream grpc.ServerStreamingServer[wrapperspb.StringValue]) error
}

// Register adds the service to a server.
func Register(s grpc.ServiceRegistrar, notes Server) { s.RegisterService(&service, notes) }

var service = grpc.ServiceDesc{
	ServiceName: "notes.v1.Notes",
	HandlerType: (*Server)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Write", Handler: write}},
	Streams:     []grpc.StreamDesc{{StreamName: "Read", Handler: read, ServerStreams: true}},
}

func write(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	handler := func(ctx context.Context, in any) (any, error) {
		return srv.(Server).Write(ctx, in.(*wrapperspb.StringValue))
	}
	if intercept == nil {
		return handler(ctx, in)
	}
	return intercept(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: WriteMethod}, handler)
}

func read(srv any, stream grpc.ServerStream) error {
	in := new(emptypb.Empty)
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	return srv.(Server).Read(in, &grpc.GenericServerStream[emptypb.Empty, wrapperspb.StringValue]{ServerStream: stream})
}

// Client calls the service.
type Client struct{ Conn grpc.ClientConnInterface }

// Write adds a note.
func (c Client) Write(ctx context.Context, note string, options ...grpc.CallOption) error {
	return c.Conn.Invoke(ctx, WriteMethod, wrapperspb.String(note), new(emptypb.Empty), options...)
}

// Read calls f with each note. The error is io.EOF when that were all.
func (c Client) Read(ctx context.Context, f func(note string), options ...grpc.CallOption) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Conn.NewStream(ctx, &service.Streams[0], ReadMethod, options...)
	if err == nil {
		err = stream.SendMsg(new(emptypb.Empty))
	}
	if err == nil {
		err = stream.CloseSend()
	}
	for err == nil {
		note := new(wrapperspb.StringValue)
		if err = stream.RecvMsg(note); err == nil {
			f(note.Value)
		}
	}
	return err
}
