package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const (
	person = "127.0.0.2" // the address of the person, as nginx sees it; the proxy is 127.0.0.1
	signUp = `{"email":"ann@example.com","password":"purple otters sing at dawn"}`
)

// Behind nginx the cookie is Secure, links are https, and the device list shows the person's own address, whatever
// headers the person sends.
func TestBehindNginx(t *testing.T) {
	addr := freeAddr(t)
	base := "https://" + addr
	server := oneauthtest.New(t, append(options(), oneauth.WithBaseURL(base))...)
	upstream := httptest.NewServer(app(server.Auth))
	t.Cleanup(upstream.Close)
	proxy, ok := startProxy(t, addr, upstream.Listener.Addr().String())
	if !ok {
		return
	}
	browser := clientFrom(t, person, &tls.Config{RootCAs: proxy.cert})

	answer, body := send(t, browser, "POST", base+"/auth/signup", signUp)
	if answer.StatusCode != 201 {
		t.Fatalf("sign-up: %d %s", answer.StatusCode, body)
	}
	cookies := answer.Cookies()
	if len(cookies) != 1 || cookies[0].Name != "__Host-oneauth" || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].Path != "/" {
		t.Errorf("cookies %v", cookies)
	}
	if link := server.Link(t); !strings.HasPrefix(link, base+"/auth/verify?token=") {
		t.Errorf("the mail's link is %s", link)
	}
	if answer, body = send(t, browser, "GET", base+"/", ""); answer.StatusCode != 200 || !strings.HasPrefix(body, "hello usr_") {
		t.Errorf("signed in: %d %s", answer.StatusCode, body)
	}
	if ips := devices(t, browser, base); len(ips) != 1 || ips[0] != person {
		t.Errorf("the devices are at %q, not at %s", ips, person)
	}
}

// Plain http leads to https alone, which browsers then remember; and what a link carries is not in the log.
func TestHTTPSAloneAndNoTokensInTheLog(t *testing.T) {
	addr := freeAddr(t)
	server := oneauthtest.New(t, append(options(), oneauth.WithBaseURL("https://"+addr))...)
	upstream := httptest.NewServer(app(server.Auth))
	t.Cleanup(upstream.Close)
	proxy, ok := startProxy(t, addr, upstream.Listener.Addr().String())
	if !ok {
		return
	}
	browser := clientFrom(t, person, &tls.Config{RootCAs: proxy.cert})
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, method := range []string{"GET", "POST"} {
		answer, _ := send(t, browser, method, "http://"+proxy.plain+"/auth/login?return_to=/x", "")
		if got := answer.Header.Get("Location"); answer.StatusCode != 301 || got != "https://app.example/auth/login?return_to=/x" {
			t.Errorf("%s over http: %d to %q", method, answer.StatusCode, got)
		}
	}
	for _, path := range []string{"/auth/verify?token=secret-in-a-link", "/auth/nope", "/"} {
		answer, _ := send(t, browser, "GET", "https://"+addr+path, "", "Referer", "https://"+addr+"/auth/verify?token=secret-in-a-link")
		if got := answer.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security %q", path, got)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		log, err := os.ReadFile(proxy.log)
		if err == nil && strings.Contains(string(log), `"GET /" `) {
			if !strings.Contains(string(log), `"GET /auth/verify" `) || strings.Contains(string(log), "secret") {
				t.Errorf("the log has\n%s", log)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log has %q, %v", log, err)
		}
	}
}

// Headers with which a client pretends to be elsewhere, or the application to be, are ignored: through the proxy, and by
// whoever gets past it.
func TestSpoofedHeaders(t *testing.T) {
	addr := freeAddr(t)
	base := "https://" + addr
	server := oneauthtest.New(t, append(options(), oneauth.WithBaseURL(base))...)
	upstream := httptest.NewServer(app(server.Auth))
	t.Cleanup(upstream.Close)
	proxy, ok := startProxy(t, addr, upstream.Listener.Addr().String())
	if !ok {
		return
	}
	spoofed := []string{
		"X-Forwarded-For", "203.0.113.7, 127.0.0.1", "X-Real-IP", "203.0.113.7", "Forwarded", "for=203.0.113.7;host=evil.example",
		"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "Host", "evil.example",
	}
	ann := clientFrom(t, person, &tls.Config{RootCAs: proxy.cert})
	answer, body := send(t, ann, "POST", base+"/auth/signup", signUp, spoofed...)
	cookies := answer.Cookies()
	if answer.StatusCode != 201 || len(cookies) != 1 || cookies[0].Name != "__Host-oneauth" || !cookies[0].Secure {
		t.Fatalf("sign-up: %d %v %s", answer.StatusCode, answer.Header, body)
	}
	ann.Jar.SetCookies(answer.Request.URL, cookies) // the client kept them for the host that it pretended to ask
	if ips := devices(t, ann, base); len(ips) != 1 || ips[0] != person {
		t.Errorf("the devices are at %q, not at %s", ips, person)
	}
	if link := server.Link(t); !strings.HasPrefix(link, base+"/") {
		t.Errorf("the mail's link is %s", link)
	}

	past := clientFrom(t, "127.0.0.3", nil)
	login := strings.Replace(signUp, "email", "identifier", 1)
	answer, body = send(t, past, "POST", upstream.URL+"/auth/login", login, spoofed...)
	if answer.StatusCode != 200 {
		t.Fatalf("past the proxy: %d %s", answer.StatusCode, body)
	}
	ips := devices(t, ann, base)
	if len(ips) != 2 || !strings.Contains(strings.Join(ips, " "), "127.0.0.3") || strings.Contains(strings.Join(ips, " "), "203.0.113.7") {
		t.Errorf("the devices are at %q", ips)
	}
}

// clientFrom returns a browser at an address of this machine.
func clientFrom(t *testing.T, ip string, config *tls.Config) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

func send(t *testing.T, client *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
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

// devices returns the addresses in the device list.
func devices(t *testing.T, client *http.Client, base string) (ips []string) {
	t.Helper()
	answer, body := send(t, client, "GET", base+"/auth/sessions", "")
	var list struct {
		Sessions []struct {
			Device struct {
				IP string `json:"ip"`
			} `json:"device"`
		} `json:"sessions"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
	}
	for _, s := range list.Sessions {
		ips = append(ips, s.Device.IP)
	}
	return ips
}
