package verify_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const serviceEnv = "ONEAUTH_VERIFY_TEST_SERVICE"

// TestMain runs the service of TestServiceProcess where this program was started as one.
func TestMain(m *testing.M) {
	if os.Getenv(serviceEnv) != "" {
		if err := service(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// service is a program of its own: an API behind RequireToken. Its clock is moved by POST /advance, and it ends with its
// input.
func service(issuer string) error {
	var offset atomic.Int64
	began := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	v, err := verify.New(verify.Config{Issuer: issuer, Audiences: []string{audience}, Now: func() time.Time {
		return began.Add(time.Duration(offset.Load()))
	}})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", v.RequireToken(greet))
	mux.HandleFunc("POST /advance", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		offset.Add(int64(d))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	return http.Serve(l, mux)
}

// process is a running service, and the application whose tokens it takes.
type process struct {
	*oneauthtest.App
	t    *testing.T
	url  string
	down atomic.Bool // the application, for the service
}

func startProcess(t *testing.T) *process {
	p := &process{t: t}
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	p.App = oneauthtest.New(t, oneauth.WithBaseURL(issuer), oneauth.WithAudience(audience),
		oneauth.WithLifetimes(core.Lifetimes{AccessToken: time.Hour}))
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			panic(http.ErrAbortHandler)
		}
		p.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), os.Args[0], issuer)
	cmd.Env, cmd.Stderr = append(os.Environ(), serviceEnv+"=1"), t.Output()
	in, out := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	p.url = strings.TrimSpace(must(bufio.NewReader(out).ReadString('\n'))(t))
	return p
}

// pass lets time pass for both.
func (p *process) pass(d time.Duration) {
	p.t.Helper()
	p.Advance(d)
	must(http.PostForm(p.url+"/advance", map[string][]string{"by": {d.String()}}))(p.t).Body.Close()
}

// wants fails the test unless the service answers so.
func (p *process) wants(token string, status int) {
	p.t.Helper()
	r := must(http.NewRequestWithContext(p.t.Context(), "GET", p.url+"/orders", nil))(p.t)
	r.Header.Set("Authorization", "Bearer "+token)
	answer := must(http.DefaultClient.Do(r))(p.t)
	defer answer.Body.Close()
	if body := must(io.ReadAll(answer.Body))(p.t); answer.StatusCode != status {
		p.t.Fatalf("%d %s, want %d", answer.StatusCode, body, status)
	}
}

// A service in a process of its own lives through a rotation of the keys, and through an outage of the application: a
// minute, and all of the hour that StaleFor says, but no longer. When the application is back, so is the service.
func TestServiceProcess(t *testing.T) {
	p := startProcess(t)
	first := p.Token(t, ann)
	p.wants(first, 200)

	if err := p.RotateSigningKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.pass(10 * time.Minute)
	second := p.Token(t, ann)
	if header(first) == header(second) {
		t.Fatal("the key was not rotated")
	}
	p.wants(second, 200)
	p.wants(first, 200)

	p.down.Store(true)
	for range 6 {
		p.pass(10 * time.Second)
		p.wants(second, 200)
		p.wants(first, 200)
	}
	third := p.Token(t, ann)
	p.pass(54 * time.Minute)
	p.wants(third, 200)
	p.pass(5 * time.Minute)
	p.wants(third, 503)

	p.down.Store(false)
	p.pass(10 * time.Second)
	p.wants(p.Token(t, ann), 200)
}
