package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The test binary is also the program: the tests run it as the process that a newcomer starts, so that it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is one running quickstart.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, data, addr string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-addr", addr, "-data", data)
	cmd.Env = append(os.Environ(), "QUICKSTART_PROCESS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("quickstart printed %q (%v), not where it listens", line, err)
	}
	return &process{t: t, cmd: cmd, url: base}
}

func (p *process) address() string {
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	return u.Host
}

// kill is kill -9: nothing gets a chance to be tidied up.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// person is a browser or a program that talks to the quickstart.
type person struct {
	t      *testing.T
	p      *process
	http   *http.Client
	bearer string
}

func (p *process) browser() *person {
	jar, _ := cookiejar.New(nil)
	return &person{t: p.t, p: p, http: &http.Client{Jar: jar}}
}

func (p *process) program(token string) *person {
	return &person{t: p.t, p: p, http: &http.Client{}, bearer: token}
}

// do sends a request and returns the decoded answer, after checking its status.
func (c *person) do(method, path string, body any, status int) map[string]any {
	c.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, c.p.url+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if method != http.MethodGet {
		r.Header.Set("Origin", c.p.url)
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode != status {
		c.t.Fatalf("%s %s answered %d, not %d: %s", method, path, res.StatusCode, status, text)
	}
	out := map[string]any{}
	if len(text) > 0 && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		if err := json.Unmarshal(text, &out); err != nil {
			c.t.Fatal(err)
		}
	} else if len(text) > 0 {
		out["text"] = string(text)
	}
	return out
}

const (
	annMail     = "ann@example.com"
	annPassword = "purple otters sing at dawn"
)

var verifyLink = regexp.MustCompile(`/auth/verify\?token=([A-Za-z0-9_-]+)`)

// TestMainJob is the tour that the README promises: sign up, confirm, see and end devices, tokens, keys, theft, and a
// kill that loses nothing.
func TestMainJob(t *testing.T) {
	data := filepath.Join(t.TempDir(), "quickstart.db")
	p := start(t, data, "127.0.0.1:0")
	browser := p.browser()

	// Signs up, and confirms through the development mailbox.
	user := browser.do("POST", "/auth/signup", map[string]any{"email": annMail, "password": annPassword}, 201)["user"].(map[string]any)
	mail := browser.do("GET", "/dev/mail", nil, 200)["text"].(string)
	token := verifyLink.FindStringSubmatch(mail)
	if token == nil {
		t.Fatalf("no link in the mailbox: %s", mail)
	}
	verified := browser.do("POST", "/auth/verify", map[string]any{"token": token[1]}, 200)
	if !strings.Contains(toJSON(t, verified), `"verified":true`) {
		t.Fatalf("not verified: %v", verified)
	}
	browser.do("POST", "/auth/verify", map[string]any{"token": token[1]}, 400) // a link works once

	// Sees and ends devices.
	second := p.browser()
	second.do("POST", "/auth/login", map[string]any{"identifier": annMail, "password": annPassword}, 200)
	if n := len(browser.do("GET", "/auth/sessions", nil, 200)["sessions"].([]any)); n != 2 {
		t.Fatalf("%d devices, not 2", n)
	}
	browser.do("DELETE", "/auth/sessions", nil, 204)
	second.do("GET", "/auth/session", nil, 401)
	if me := browser.do("GET", "/api/me", nil, 200); me["via"] != "session" || me["user_id"] != user["id"] {
		t.Fatalf("/api/me with the cookie: %v", me)
	}

	// Logs in as an API client, and calls scoped endpoints with a token and with a key.
	anon := p.program("")
	first := anon.do("POST", "/auth/api/login", map[string]any{"identifier": annMail, "password": annPassword, "scope": "read"}, 200)
	api := p.program(first["access_token"].(string))
	if me := api.do("GET", "/api/me", nil, 200); me["via"] != "jwt" {
		t.Fatalf("/api/me with a token: %v", me)
	}
	api.do("GET", "/api/read", nil, 200)
	api.do("POST", "/api/write", map[string]any{}, 403)
	made := browser.do("POST", "/auth/keys", map[string]any{"name": "ci", "scopes": []string{"read", "write"}}, 201)
	key := p.program(made["key"].(string))
	if me := key.do("GET", "/api/me", nil, 200); me["via"] != "api_key" {
		t.Fatalf("/api/me with a key: %v", me)
	}
	key.do("POST", "/api/write", map[string]any{}, 200)

	// Refreshes twice, and is caught replaying the first token.
	refresh := func(c *person, token any, status int) map[string]any {
		t.Helper()
		return c.do("POST", "/auth/token", map[string]any{"grant_type": "refresh_token", "refresh_token": token}, status)
	}
	secondPair := refresh(anon, first["refresh_token"], 200)
	thirdPair := refresh(anon, secondPair["refresh_token"], 200)
	refresh(anon, first["refresh_token"], 400)
	refresh(anon, thirdPair["refresh_token"], 400) // theft ended the session
	p.program(thirdPair["access_token"].(string)).do("GET", "/api/me", nil, 401)

	// Kills the process, starts it again, and nothing acknowledged is gone.
	p.kill()
	again := start(t, data, p.address())
	browser.p, key.p = again, again
	if me := browser.do("GET", "/api/me", nil, 200); me["user_id"] != user["id"] {
		t.Fatalf("after the kill: %v", me)
	}
	key.do("GET", "/api/read", nil, 200)
	refresh(again.program(""), thirdPair["refresh_token"], 400) // and what was revoked stays so
	again.program(thirdPair["access_token"].(string)).do("GET", "/api/me", nil, 401)
	browser.do("POST", "/auth/logout", nil, 204)
	browser.do("GET", "/auth/session", nil, 401)
}

// TestHomePage: its commands name where it listens, and its forms get through whatever the browser tells of their origin.
func TestHomePage(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "quickstart.db"), "127.0.0.1:0")
	browser := p.browser()
	browser.do("POST", "/auth/signup", map[string]any{"email": annMail, "password": annPassword}, 201)
	res, err := browser.http.Get(p.url + "/")
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
	if !strings.Contains(string(page), "curl -s "+p.url+"/api/me") {
		t.Error("the commands are for another address")
	}
	token := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindSubmatch(page)
	if token == nil {
		t.Fatalf("no form token in %s", page)
	}
	r, err := http.NewRequest("POST", p.url+"/auth/logout", strings.NewReader(url.Values{"form_token": {string(token[1])}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out, err := browser.http.Do(r)
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
	p := start(t, data, "127.0.0.1:0")
	p.browser().do("GET", "/", nil, 200)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("stopped with %v", err)
	}
	start(t, data, "127.0.0.1:0").browser().do("GET", "/api/me", nil, 401)
}

// TestSecondProcess: the file belongs to one process, and the other is told so.
func TestSecondProcess(t *testing.T) {
	data := filepath.Join(t.TempDir(), "quickstart.db")
	start(t, data, "127.0.0.1:0")
	cmd := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-data", data)
	cmd.Env = append(os.Environ(), "QUICKSTART_PROCESS=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), data) {
		t.Fatalf("the second process said %q (%v)", out, err)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
