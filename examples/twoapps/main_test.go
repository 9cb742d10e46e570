package main

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
)

const ann = `{"email":"ann@example.com","password":"purple otters sing at dawn"}`

// One browser signs in to both, and signing out of one leaves it signed in to the other.
func TestTwoApps(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	shop, blog := serve(t, "Shop"), serve(t, "Blog")
	for _, url := range []string{shop, blog} {
		if code := send(t, browser, "POST", url+"/auth/signup", ann); code != 201 {
			t.Fatalf("sign-up at %s: %d", url, code)
		}
	}
	for _, url := range []string{shop, blog} {
		if code := send(t, browser, "GET", url+"/", ""); code != 200 {
			t.Errorf("signed in to both, %s answers %d", url, code)
		}
	}
	if code := send(t, browser, "POST", shop+"/auth/logout", ""); code != 204 {
		t.Errorf("sign-out: %d", code)
	}
	if code := send(t, browser, "GET", shop+"/", ""); code != 401 {
		t.Errorf("signed out of the shop, it answers %d", code)
	}
	if code := send(t, browser, "GET", blog+"/", ""); code != 200 {
		t.Errorf("signed out of the shop, the blog answers %d", code)
	}
}

// serve runs an application on a free port.
func serve(t *testing.T, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	auth, err := newAuth(name, listener)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: app(name, auth)}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-stopped
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

func send(t *testing.T, client *http.Client, method, url, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}
