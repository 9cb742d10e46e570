package oneauthtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/oneauthtest"
)

// Two browsers at a server over TLS: one is signed in, the other is not.
func TestServe(t *testing.T) {
	server := oneauthtest.Serve(t, greeting)
	if server.URL != server.Core().Config().BaseURL || !strings.HasPrefix(server.URL, "https://127.0.0.1:") {
		t.Errorf("at %s, base URL %s", server.URL, server.Core().Config().BaseURL)
	}
	server.User(t, ann)
	browser := server.Browser(t)
	answer, err := browser.PostForm(server.URL+"/auth/login", url.Values{"identifier": {ann}, "password": {oneauthtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for name, c := range map[string]struct {
		client *http.Client
		want   int
	}{"signed in": {browser, 200}, "not signed in": {server.Browser(t), 401}} {
		answer, err := c.client.Get(server.URL + "/page")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}
