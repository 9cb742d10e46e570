package core_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

// A18: a redirect URI is the registered one, byte for byte, but for the port on loopback.
func TestA18RedirectURIs(t *testing.T) {
	c := &core.Client{RedirectURIs: []string{
		"https://app.example/cb?x=1", "com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://localhost:5173/cb",
	}}
	for _, uri := range append(c.RedirectURIs, "http://127.0.0.1:49152/cb", "http://127.0.0.1:1/cb", "http://[::1]:1/cb") {
		if !c.MayRedirect(uri) {
			t.Errorf("%s is refused", uri)
		}
	}
	for _, uri := range []string{
		"", "https://app.example/cb", "https://app.example/cb?x=1&y=2", "https://app.example/cb?x=1#f", "https://APP.example/cb?x=1",
		"https://app.example:443/cb?x=1", "https://good@app.example/cb?x=1", "https://app.example.evil/cb?x=1", "http://app.example/cb?x=1",
		"https://app.example/cb/../cb?x=1", "https://app.example/cb/?x=1", "https://app.example//cb?x=1", "https://app.example/%63b?x=1",
		"com.example.app:/cb/x", "com.example.app://cb", "COM.example.app:/cb", "com.example.app.evil:/cb",
		"http://127.0.0.1:1/cb/", "http://127.0.0.1:1/CB", "http://127.0.0.1:1/cb?x", "http://127.0.0.1:1/cb#x", "http://127.0.0.1:/cb",
		"http://127.0.0.1:a/cb", "http://127.0.0.1:123456/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:09/cb", "http://evil@127.0.0.1:1/cb", "http://127.0.0.1:1@evil.example/cb",
		"http://127.0.0.2:1/cb", "http://127.0.0.1.evil.example:1/cb", "https://127.0.0.1:1/cb", "http://localhost:1/cb",
		"http://[::1]:1/%63b", "http://[0:0:0:0:0:0:0:1]:1/cb",
	} {
		if c.MayRedirect(uri) {
			t.Errorf("%s is accepted", uri)
		}
	}
}

func TestRedirectURIsThatCannotBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"", "/cb", "app.example/cb", "https:///cb", "https://u@app.example/cb", "https://app.example/cb#f", "https://app.example/cb#",
		"http://app.example/cb", "javascript:alert(1)", "data:text/html,x", "myapp:/cb", "https://app.example/c b", "https://app.example\\@evil",
		"https://äpp.example/cb",
	} {
		_, _, err := newWorld(t).Clients().Register(t.Context(), core.ClientConfig{ID: "app", RedirectURIs: []string{uri}}, core.Public)
		if err == nil {
			t.Errorf("%q was registered", uri)
		}
	}
	client, _, err := newWorld(t).Clients().Register(t.Context(), core.ClientConfig{
		ID: "app", RedirectURIs: []string{"https://app.example/cb", "com.example.app:/cb", "http://127.0.0.1/cb", "http://localhost:5173/cb"},
	}, core.Public)
	noError(t, err)
	if !client.MayUse(core.GrantCode) || !client.MayUse(core.GrantRefresh) {
		t.Errorf("grants %v", client.Grants)
	}
}
