// Stores is an application with sign-in on the store of your choice, in development mode:
//
//	go run ./examples/stores -store file -dsn ./app.db
//	go run ./examples/stores -store postgres -dsn postgres://app@127.0.0.1/app
//
// and it moves from one to another while it serves:
//
//	go run ./examples/stores -store file -dsn ./app.db -to postgres -to-dsn postgres://app@127.0.0.1/app
package main

import (
	"context"
	"encoding/json"
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
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// config is what the flags say.
type config struct {
	addr, secret  string
	store, dsn    string
	target, toDSN string
}

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "127.0.0.1:8080", "address to listen on, loopback")
	flag.StringVar(&c.secret, "secret", "./app.secret", "file that keeps the master secret, made at the first start")
	flag.StringVar(&c.store, "store", "file", "where the data is: "+names)
	flag.StringVar(&c.dsn, "dsn", "", "a path (file, sqlite), an address (postgres, mariadb, redis, mongo) or a project (datastore)")
	flag.StringVar(&c.target, "to", "", "move there, while serving")
	flag.StringVar(&c.toDSN, "to-dsn", "", "as -dsn")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "stores:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets requests finish and closes the store.
func run(ctx context.Context, c config) (err error) {
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	secret, err := masterSecret(c.secret)
	if err != nil {
		return err
	}
	store, live, err := openStores(ctx, c)
	if err != nil {
		return err
	}
	auth, err := oneauth.New(store,
		oneauth.WithDevelopment(),
		oneauth.WithSecrets(secret),
		oneauth.WithBaseURL("http://"+listener.Addr().String()),
		oneauth.WithAppName("Stores"),
		oneauth.WithScopes("read", "write"),
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
	if live != nil && !live.Moved() {
		go move(ctx, live)
	}

	select {
	case <-ctx.Done():
	case err = <-background:
	}
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

// move brings everything to the target. The application goes on whether it comes to that or not.
func move(ctx context.Context, live *transfer.Live) {
	report, err := live.Move(ctx, transfer.Options{})
	if err != nil {
		slog.Error("not moved", "error", err)
		return
	}
	fmt.Printf("moved\n%v", report)
}

// app is the application: its own API, and OneAuth's endpoints beside it.
func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	me := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := oneauth.From(r.Context())
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"user_id": p.Subject, "via": p.Via, "scopes": p.Scopes})
	})
	mux.Handle("GET /api/me", auth.RequireAuth(me))
	mux.Handle("GET /api/read", auth.RequireScopes("read")(me))
	mux.Handle("POST /api/write", auth.RequireScopes("write")(me))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}
