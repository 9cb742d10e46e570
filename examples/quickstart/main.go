// Quickstart is a whole application with sign-in: one process, one file, no network, development mode.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/stores/file"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on, loopback")
	data := flag.String("data", "./quickstart.db", "file that keeps the data")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *data); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets requests finish and closes the store.
func run(ctx context.Context, addr, data string) (err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	store, err := file.Open(data, file.Options{})
	if err != nil {
		return err
	}
	auth, err := oneauth.New(store,
		oneauth.WithDevelopment(),
		oneauth.WithBaseURL("http://"+listener.Addr().String()),
		oneauth.WithAppName("Quickstart"),
		oneauth.WithScopes("read", "write", "profile"),
	)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	defer func() { err = errors.Join(err, auth.Close()) }()

	server := &http.Server{Handler: app(auth), ReadHeaderTimeout: 10 * time.Second}
	background := make(chan error, 2)
	go func() { background <- auth.Run(ctx) }()
	go func() { background <- server.Serve(listener) }()
	fmt.Printf("listening on http://%s\n", listener.Addr())

	select {
	case <-ctx.Done():
	case err = <-background:
	}
	slog.Info("stopping")
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if stopped := server.Shutdown(grace); stopped != nil {
		err = errors.Join(err, stopped)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// app is the application: its own pages and API, and OneAuth's endpoints beside them.
func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.Optional(home(auth)))
	mux.Handle("GET /api/me", auth.RequireAuth(http.HandlerFunc(me)))
	mux.Handle("GET /api/read", auth.RequireScopes("read")(answer("here is something to read")))
	mux.Handle("POST /api/write", auth.RequireScopes("write")(answer("written")))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}
