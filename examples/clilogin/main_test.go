package main

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// The test binary is also the program, so that it runs as the process that a person starts.
func TestMain(m *testing.M) {
	if os.Getenv("CLILOGIN_PROCESS") != "" {
		main()
		return
	}
	dir, err := os.MkdirTemp("", "clilogin")
	if err != nil {
		log.Fatal(err)
	}
	server = filepath.Join(dir, "server")
	if out, err := exec.Command("go", "build", "-o", server, "./server").CombinedOutput(); err != nil {
		log.Fatalf("%v\n%s", err, out)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var server string // its program

// serve runs the application as a process, whose provider asks who somebody is, or knows it already.
func serve(t *testing.T, args ...string) (origin string) {
	t.Helper()
	cmd := exec.Command(server, append(args, "-addr", "127.0.0.1:0", "-provider", "127.0.0.1:0")...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	origin, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the server printed %q, %v", line, err)
	}
	return origin
}

// command runs the program, and returns what it printed on both ways out.
func command(t *testing.T, file, origin string, args ...string) (out, failed string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-server", origin, "-file", file}, args...)...)
	cmd.Env = append(os.Environ(), "CLILOGIN_PROCESS=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// signIn runs the program's login while browse acts as the browser, and returns what it printed after that.
func signIn(t *testing.T, file, origin string, browse func(url string)) (out, failed string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-server", origin, "-file", file, "-browser=false", "login")
	cmd.Env = append(os.Environ(), "CLILOGIN_PROCESS=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(pipe)
	line, err := lines.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "Sign in at ")
	if err != nil || !ok || !strings.HasPrefix(url, origin+"/auth/oauth/example?") {
		t.Fatalf("login printed %q, %v", line, err)
	}
	browse(url)
	rest, _ := io.ReadAll(lines)
	err = cmd.Wait()
	return string(rest), stderr.String(), err
}

// visit is a browser without scripts: it follows redirects, keeps cookies, and returns the page that it ends on and where
// that is. With choose it then takes a button of the provider's page.
func visit(t *testing.T, start string, choose string) string {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	get := func(url string) (string, string) {
		answer, err := browser.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Request.URL.String(), string(body)
	}
	at, page := get(start)
	if !strings.Contains(page, "choose who you are") {
		t.Fatalf("%s is not the provider's page: %s", at, page)
	}
	_, page = get(at + "&person=" + choose)
	return page
}

// From nobody to signed in, to a call of the API, to signed out; the server has ended the session then, as a copy of the
// credential shows.
func TestLoginAndLogout(t *testing.T) {
	origin := serve(t)
	file := filepath.Join(t.TempDir(), "credential.json")
	if _, failed, err := command(t, file, origin, "whoami"); err == nil || !strings.Contains(failed, "Nobody is signed in") {
		t.Fatalf("before: %v %s", err, failed)
	}
	var page string
	out, failed, err := signIn(t, file, origin, func(url string) { page = visit(t, url, "1001") })
	if err != nil || !strings.Contains(out, "You are signed in, and may [read]") || !strings.Contains(page, "You are signed in") {
		t.Fatalf("login: %v %s%s, the page says %s", err, out, failed, page)
	}
	if out, failed, err := command(t, file, origin, "whoami"); err != nil || out != "You are Ada Lovelace, by cli.\n" {
		t.Errorf("whoami: %v %s%s", err, out, failed)
	}
	credential, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out, failed, err := command(t, file, origin, "logout"); err != nil || !strings.Contains(out, "signed out") {
		t.Errorf("logout: %v %s%s", err, out, failed)
	}
	if err := os.WriteFile(file, credential, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, failed, err := command(t, file, origin, "whoami"); err == nil || !strings.Contains(failed, "Nobody is signed in") {
		t.Errorf("with a copy of the credential: %v %s%s", err, out, failed)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the useless credential is still there: %v", err)
	}
}

// Who cancels is told in the browser and on the command line, and has no credential.
func TestCancelled(t *testing.T) {
	origin := serve(t)
	file := filepath.Join(t.TempDir(), "credential.json")
	var page string
	_, failed, err := signIn(t, file, origin, func(url string) { page = visit(t, url, "") })
	if err == nil || !strings.Contains(failed, "cancelled in the browser") || !strings.Contains(page, "You are not signed in") {
		t.Errorf("%v %s, the page says %s", err, failed, page)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("there is a credential: %v", err)
	}
}

// The same in a real browser, which goes to the provider and comes back to the port by itself.
func TestChromium(t *testing.T) {
	chromium := parts.Chromium(t)
	if chromium == "" {
		return
	}
	origin := serve(t, "-person", "1002")
	file := filepath.Join(t.TempDir(), "credential.json")
	var dom []byte
	out, failed, err := signIn(t, file, origin, func(url string) {
		cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000",
			"--user-data-dir="+t.TempDir(), "--dump-dom", url)
		cmd.WaitDelay = 5 * time.Second
		dom, _ = cmd.Output()
	})
	if err != nil || !strings.Contains(out, "You are signed in") || !strings.Contains(string(dom), "You are signed in") {
		t.Fatalf("%v %s%s, the page is %s", err, out, failed, dom)
	}
	if out, failed, err := command(t, file, origin, "whoami"); err != nil || out != "You are Charles Babbage, by cli.\n" {
		t.Errorf("whoami: %v %s%s", err, out, failed)
	}
}

// What a person types wrong, or lacks, is said in words.
func TestMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credential.json")
	for says, try := range map[string][]string{
		"usage:":                  {"http://127.0.0.1:1"},
		"plain http is for":       {"http://app.example", "whoami"},
		"There is no keyring":     {"http://127.0.0.1:1", "-keyring", "whoami"},
		"login | whoami | logout": {"http://127.0.0.1:1", "dance"},
	} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
		if _, failed, err := command(t, file, try[0], try[1:]...); err == nil || !strings.Contains(failed, says) {
			t.Errorf("%v: %v %s", try, err, failed)
		}
	}
}
