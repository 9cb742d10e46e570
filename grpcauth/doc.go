// Package grpcauth authenticates gRPC calls with OneAuth's access tokens: server interceptors that judge each call, and
// credentials with which clients make them.
//
//	auth, err := grpcauth.New(grpcauth.Config{
//		Verifier: grpcauth.Remote(v), // a *verify.Verifier; or grpcauth.Local in the application itself
//		Methods:  map[string][]string{"/orders.v1.Orders/*": {"read"}, "/orders.v1.Orders/Place": {"write"}},
//		Public:   []string{"/grpc.health.v1.Health/*"},
//	})
//	server := grpc.NewServer(append(auth.ServerOptions(), grpc.Creds(tls))...)
//
// Every method needs a token, unless Config.Public names it. As soon as Config.Methods names any, a method that nobody
// names is closed: one that is added later is not open by accident, nor is one whose name is misspelt. [Interceptors.Check]
// finds both at the start.
//
// # Status codes
//
// Unauthenticated: no token, or one that is not valid. PermissionDenied: the token lacks a scope, or the method is closed.
// Unavailable: nobody can say whether the token is valid; it is not let through.
//
// # Streams
//
// A stream is judged when it begins and again at every message, by the same verifier, which remembers tokens: so it does not
// outlive its token, nor, where the verifier hears of it, the revocation. A stream without messages is not disturbed.
package grpcauth
