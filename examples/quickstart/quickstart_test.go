package main

import (
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestHomePage: its commands name where it listens, and its forms get through whatever the browser tells of their origin.
func TestHomePage(t *testing.T) {
	p := flow.Start(t, command(filepath.Join(t.TempDir(), "quickstart.db"), "127.0.0.1:0"))
	browser := p.Browser()
	browser.Do("POST", "/auth/signup", map[string]any{"email": "ann@example.com", "password": "purple otters sing at dawn"}, 201)
	res, err := browser.HTTP.Get(p.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q", got)
	}
	if !strings.Contains(string(page), "curl -s "+p.URL+"/api/me") {
		t.Error("the commands are for another address")
	}
	token := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindSubmatch(page)
	if token == nil {
		t.Fatalf("no form token in %s", page)
	}
	out, err := browser.HTTP.PostForm(p.URL+"/auth/logout", url.Values{"form_token": {string(token[1])}})
	if err != nil {
		t.Fatal(err)
	}
	out.Body.Close()
	if out.StatusCode != 204 {
		t.Errorf("signing out: %d", out.StatusCode)
	}
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
