package main

import (
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// start runs page, API and provider, where somebody has made up their mind already who to be, or to cancel.
func start(t *testing.T, person string) (page string) {
	t.Helper()
	static, identity := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	page = "https://" + static.Listener.Addr().String()
	provider, err := idp.New("http://"+identity.Listener.Addr().String(), "our-app", "our-secret")
	if err != nil {
		t.Fatal(err)
	}
	identity.Config.Handler = provider.Handler()
	identity.Start()
	t.Cleanup(identity.Close)
	declared := declare(provider.Issuer)
	declared.Params = map[string]string{"person": person}
	server := oneauthtest.Serve(t, api, options(page, declared)...)
	provider.Now = server.Now
	static.Config.Handler = pages(server.URL)
	static.StartTLS()
	t.Cleanup(static.Close)
	return page
}

// In a real browser the script goes to the provider and comes back with a code, which it exchanges for tokens, with which
// it reads a note; under a policy that lets nothing else in or out. Who cancels is told.
func TestChromium(t *testing.T) {
	chromium := parts.Chromium(t)
	if chromium == "" {
		return
	}
	for name, c := range map[string]struct{ person, path, want string }{
		"signs in":  {"1001", "/#sign-in", "a note of usr_"},
		"cancels":   {"", "/#sign-in", "did not agree"},
		"no flow":   {"1001", "/?code=x&state=y", "not begun here"},
		"first use": {"1001", "/", "Nobody is signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			page := start(t, c.person)
			cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
				"--virtual-time-budget=20000", "--user-data-dir="+t.TempDir(), "--dump-dom", page+c.path)
			cmd.WaitDelay = 5 * time.Second
			dom, err := cmd.Output()
			if err != nil || !strings.Contains(string(dom), c.want) {
				t.Errorf("%v, nothing of %q in %s", err, c.want, dom)
			}
		})
	}
}
