package oauth_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/oauth"
)

// People in a real browser, with JavaScript and without: from the login page through the pages of a provider that is not
// ours and back; connecting an account and disconnecting it; and changing their mind there. The provider is of another site
// than the application, so that a form which it answers with arrives without the cookies of ours (as Apple's do).
func TestChromium(t *testing.T) {
	dir, node := foreign(t)
	chromium := parts.Chromium(t)
	if node == "" || chromium == "" {
		return
	}
	for name, c := range map[string]struct{ form, javaScript bool }{
		"redirect": {false, true}, "form": {true, true}, "form without JavaScript": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(p *plan) {
				p.clock = clock.At(time.Now()) // the other processes have no held one
				p.late = func(site string) {
					issuer := startForeignProvider(t, dir, node, site+"/auth/oauth/example/callback", "localhost")
					p.provider = oauth.OIDC("example", issuer, "our-app", "our-secret-our-secret")
					p.provider.Title, p.provider.FormPost, p.provider.Rules.TrustEmail = "Example ID", c.form, true
				}
			})
			in, err := json.Marshal(map[string]any{"chromium": chromium, "site": s.url, "javaScript": c.javaScript})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), node, "browser.mjs")
			cmd.Dir, cmd.Stdin, cmd.Stderr, cmd.WaitDelay = dir, bytes.NewReader(in), &bytes.Buffer{}, 5*time.Second
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, cmd.Stderr)
			}
			var saw map[string]string
			if err := json.Unmarshal(out, &saw); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for what, want := range map[string]string{
				"back": "/me", "ada": "usr_", "account": "ada@id.example", "charles": "usr_",
				"connectedAt": "/auth/account?notice=connected", "connected": "charles@id.example", "disconnected": "Connect Example ID",
				"cancelled": "did not agree",
			} {
				if !strings.Contains(saw[what], want) {
					t.Errorf("%s: nothing of %q in %q", what, want, saw[what])
				}
			}
			if saw["ada"] == saw["charles"] || strings.Contains(saw["disconnected"], "charles@id.example") || strings.Contains(saw["afterwards"], "usr_") {
				t.Errorf("they saw %q", saw)
			}
		})
	}
}
