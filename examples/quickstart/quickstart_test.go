package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/oneauth-go/oneauth/examples/internal/flow"
)

// The test binary is also the program: the tests run it as the process that a newcomer starts, so that it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(data, addr string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-addr", addr, "-data", data)
	cmd.Env = append(os.Environ(), "QUICKSTART_PROCESS=1")
	return cmd
}

// TestMainJob is the tour that the README promises: sign up, confirm, see and end devices, tokens, keys, theft, and a
// kill that loses nothing.
func TestMainJob(t *testing.T) {
	data := filepath.Join(t.TempDir(), "quickstart.db")
	flow.Play(t, func(addr string) *flow.Process { return flow.Start(t, command(data, addr)) })
}

// TestStopsCleanly: SIGTERM ends the process with status 0, and the file can be opened again at once.
func TestStopsCleanly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "quickstart.db")
	p := flow.Start(t, command(data, "127.0.0.1:0"))
	p.Browser().Do("GET", "/", nil, 200)
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Cmd.Wait(); err != nil {
		t.Fatalf("stopped with %v", err)
	}
	flow.Start(t, command(data, "127.0.0.1:0")).Browser().Do("GET", "/api/me", nil, 401)
}

// TestSecondProcess: the file belongs to one process, and the other is told so.
func TestSecondProcess(t *testing.T) {
	data := filepath.Join(t.TempDir(), "quickstart.db")
	flow.Start(t, command(data, "127.0.0.1:0"))
	out, err := command(data, "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), data) {
		t.Fatalf("the second process said %q (%v)", out, err)
	}
}
