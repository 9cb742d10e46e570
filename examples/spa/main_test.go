package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = `{"email":"ann@example.com","password":"purple otters sing at dawn"}`

// start runs both servers, and returns their origins and a browser.
func start(t *testing.T) (apiURL, pagesURL string, browser *http.Client) {
	t.Helper()
	static := httptest.NewUnstartedServer(nil)
	pagesURL = "https://" + static.Listener.Addr().String()
	server := oneauthtest.Serve(t, api, options(pagesURL)...)
	static.Config.Handler = pages(server.URL)
	static.StartTLS()
	t.Cleanup(static.Close)
	return server.URL, pagesURL, server.Browser(t)
}

// send is what a script of a page sends, or, with method OPTIONS, what the browser asks first.
func send(t *testing.T, client *http.Client, origin, method, url, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-site")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == "OPTIONS" {
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// The script's way: each request is allowed beforehand, carries the cookie, and its answer can be read, errors included.
func TestScript(t *testing.T) {
	apiURL, pagesURL, browser := start(t)
	for i, step := range []struct {
		method, path, body string
		want               int
		says               string
	}{
		{"GET", "/api/notes", "", 401, "unauthenticated"},
		{"OPTIONS", "/auth/signup", "", 204, ""},
		{"POST", "/auth/signup", strings.Replace(ann, "purple otters sing at dawn", "short", 1), 422, "weak_password"},
		{"POST", "/auth/signup", ann, 201, "ann@example.com"},
		{"OPTIONS", "/api/notes", "", 204, ""},
		{"GET", "/api/notes", "", 200, "a note of"},
		{"POST", "/auth/logout", "", 204, ""},
		{"GET", "/api/notes", "", 401, "unauthenticated"},
	} {
		answer, body := send(t, browser, pagesURL, step.method, apiURL+step.path, step.body)
		h := answer.Header
		if answer.StatusCode != step.want || !strings.Contains(body, step.says) ||
			h.Get("Access-Control-Allow-Origin") != pagesURL || h.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("step %d, %s %s: %d %v %s", i, step.method, step.path, answer.StatusCode, h, body)
		}
	}
}

// A page of another origin, in the browser of somebody who is signed in, reads nothing and changes nothing.
func TestForeignOrigin(t *testing.T) {
	apiURL, pagesURL, browser := start(t)
	if answer, body := send(t, browser, pagesURL, "POST", apiURL+"/auth/signup", ann); answer.StatusCode != 201 {
		t.Fatalf("sign-up: %d %s", answer.StatusCode, body)
	}
	for method, path := range map[string]string{"OPTIONS": "/api/notes", "GET": "/api/notes", "POST": "/auth/logout"} {
		answer, body := send(t, browser, "https://evil.example", method, apiURL+path, "")
		if answer.Header.Get("Access-Control-Allow-Origin") != "" || method == "POST" && answer.StatusCode != 403 {
			t.Errorf("%s %s: %d %v %s", method, path, answer.StatusCode, answer.Header, body)
		}
	}
	if answer, _ := send(t, browser, pagesURL, "GET", apiURL+"/api/notes", ""); answer.StatusCode != 200 {
		t.Errorf("afterwards: %d", answer.StatusCode)
	}
}

// The page has nothing inline, and its policy names the API alone.
func TestPolicy(t *testing.T) {
	apiURL, pagesURL, browser := start(t)
	answer, body := send(t, browser, pagesURL, "GET", pagesURL+"/", "")
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; script-src 'self'; connect-src "+apiURL+";") || strings.Contains(policy, "unsafe") ||
		!strings.Contains(body, `data-api="`+apiURL+`"`) || strings.Contains(body, "<style") || strings.Contains(body, "onclick") {
		t.Errorf("%s %s", policy, body)
	}
	if answer, body := send(t, browser, pagesURL, "GET", pagesURL+"/app.js", ""); answer.StatusCode != 200 || !strings.Contains(body, "fetch(") {
		t.Errorf("app.js: %d", answer.StatusCode)
	}
}

// In a real browser the script runs under that policy, and can read that nobody is signed in.
func TestChromium(t *testing.T) {
	chromium := parts.Chromium(t)
	if chromium == "" {
		return
	}
	apiURL, pagesURL, _ := start(t)
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--virtual-time-budget=10000",
		"--user-data-dir=" + t.TempDir(), "--dump-dom",
	}
	for page, want := range map[string]string{pagesURL + "/": "Nobody is signed in", foreign(t, apiURL): "Failed to fetch"} {
		dom, err := exec.CommandContext(t.Context(), chromium, append(args, page)...).Output()
		if err != nil || !strings.Contains(string(dom), want) {
			t.Errorf("%s: %v, nothing of %q in %s", page, err, want, dom)
		}
	}
}

// foreign is the same page on an origin that the API does not trust.
func foreign(t *testing.T, apiURL string) string {
	t.Helper()
	server := httptest.NewTLSServer(pages(apiURL))
	t.Cleanup(server.Close)
	return server.URL + "/"
}
