// Package grpc_test runs the programs of this example as processes: the service, and its client.
package grpc_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// build makes a program of this folder.
func build(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), dir)
	if out, err := exec.Command("go", "build", "-o", path, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// application is one with the real clock, on loopback, where ann and bob have accounts.
func application(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	origin := "http://" + server.Listener.Addr().String()
	app := oneauthtest.New(t, oneauth.WithBaseURL(origin), oneauth.WithScopes("read", "write"), oneauth.WithEnv(core.Env{Now: time.Now}))
	mux := http.NewServeMux()
	app.Mount(mux)
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)
	app.User(t, "ann@example.com")
	app.User(t, "bob@example.com")
	return origin
}

// serve runs the service, and returns its address.
func serve(t *testing.T, issuer string) string {
	t.Helper()
	cmd := exec.Command(build(t, "server"), "-addr", "127.0.0.1:0", "-issuer", issuer)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the service printed %q, %v", line, err)
	}
	return addr
}

// Each method wants its own scope, by unary call and by stream; people see their own notes; health checks are public.
func TestProcesses(t *testing.T) {
	origin := application(t)
	service, program := serve(t, origin), build(t, "client")
	ann := []string{"-email", "ann@example.com", "-password", oneauthtest.Password}
	bob := []string{"-email", "bob@example.com", "-password", oneauthtest.Password}
	for i, step := range []struct {
		as, do []string
		says   string
		fails  bool
	}{
		{nil, []string{"health"}, "SERVING\n", false},
		{nil, []string{"read"}, "Unauthenticated", true},
		{nil, []string{"write", "x"}, "Unauthenticated", true},
		{ann, []string{"read"}, "", false},
		{ann, []string{"write", "buy", "milk"}, "", false},
		{ann, []string{"-scopes", "write", "write", "call bob"}, "", false},
		{ann, []string{"-scopes", "read", "read"}, "buy milk\ncall bob\n", false},
		{ann, []string{"-scopes", "read", "write", "x"}, "PermissionDenied desc = insufficient scope: write", true},
		{ann, []string{"-scopes", "write", "read"}, "PermissionDenied desc = insufficient scope: read", true},
		{bob, []string{"read"}, "", false},
		{[]string{"-email", "ann@example.com", "-password", "wrong"}, []string{"read"}, "invalid_grant", true},
		{nil, []string{"dance"}, "usage:", true},
	} {
		args := append(append([]string{"-application", origin, "-service", service}, step.as...), step.do...)
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		got := string(out)
		if (err != nil) != step.fails || step.fails && !strings.Contains(got, step.says) || !step.fails && got != step.says {
			t.Error(fmt.Sprint("step ", i), step.do, err, got)
		}
	}
}
