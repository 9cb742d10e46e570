package oauth_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/oauth"
)

// foreign installs the parties that are not ours, or returns "" where node is missing.
func foreign(t *testing.T) (dir, node string) {
	t.Helper()
	node, npm := parts.Command(t, "node", "nodejs"), parts.Command(t, "npm", "npm")
	if node == "" || npm == "" {
		return "", ""
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "foreign"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir, node
}

// startForeignProvider starts npm's oidc-provider for a site, at a name of this machine, and returns its issuer.
func startForeignProvider(t *testing.T, dir, node, redirect, host string) string {
	t.Helper()
	cmd := exec.Command(node, "provider.mjs", redirect, host)
	cmd.Dir, cmd.Stderr = dir, &bytes.Buffer{}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider does not start: %v\n%s", err, cmd.Stderr)
	}
	return strings.TrimSpace(line)
}

var action = regexp.MustCompile(`action="([^"]+)"`)

// through fills in the foreign provider's pages, which ask who somebody is and whether the application may know, and returns
// the callback's address.
func (b *browser) through(at *url.URL, name string) *url.URL {
	b.t.Helper()
	for range 12 {
		if strings.HasPrefix(at.Path, "/auth/oauth/") {
			return at
		}
		p := b.get(at.String())
		if p.status == 303 || p.status == 302 {
			at = at.ResolveReference(p.location())
			continue
		}
		found := action.FindStringSubmatch(p.want(200).text)
		if found == nil {
			b.t.Fatalf("no form: %s", p.text)
		}
		fields := url.Values{"prompt": {"consent"}}
		if strings.Contains(p.text, `name="login"`) {
			fields = url.Values{"prompt": {"login"}, "login": {name}, "password": {"any"}}
		}
		to, err := at.Parse(found[1])
		if err != nil {
			b.t.Fatal(err)
		}
		r := b.request("POST", to.String(), strings.NewReader(fields.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		at = to.ResolveReference(b.do(r).want(303).location())
	}
	b.t.Fatal("the provider goes on for ever")
	return nil
}

// The whole flow against an OpenID provider that is not ours (npm oidc-provider): discovery, code with PKCE, nonce, iss, ID
// token, UserInfo, refreshing what it gave, and a person who cancels.
func TestForeignProvider(t *testing.T) {
	dir, node := foreign(t)
	if node == "" {
		return
	}
	var late *oauth.Provider
	s := newSite(t, func(p *plan) {
		p.clock = clock.At(time.Now()) // the other process has no held one
		p.late = func(site string) {
			issuer := startForeignProvider(t, dir, node, site+"/auth/oauth/example/callback", "127.0.0.1")
			p.provider = oauth.OIDC("example", issuer, "our-app", "our-secret-our-secret")
			p.provider.Rules.TrustEmail, p.provider.KeepTokens = true, true
			p.provider.Scopes = []string{"openid", "email", "profile", "offline_access"}
			p.provider.Params = map[string]string{"prompt": "consent"} // without which it gives no offline_access
			late = &p.provider
		}
	})
	b := s.browser()
	b.get(b.through(b.begin("return_to", "/welcome"), "ada").String()).want(303)
	ada := b.whoami()
	u, identities, err := s.Core().User(t.Context(), ada)
	if err != nil || u.Name != "ada of the other side" || identities[0].Value != "ada@id.example" || !identities[0].Verified {
		t.Fatalf("user is %+v %+v, %v", u, identities, err)
	}
	linked, err := s.Core().LinkedAccounts(t.Context(), ada)
	if err != nil || len(linked) != 1 || linked[0].Issuer != late.Issuer || linked[0].Subject != "ada" {
		t.Errorf("linked are %+v, %v", linked, err)
	}

	source, err := s.ProviderTokens(t.Context(), ada, "example")
	if err != nil {
		t.Fatal(err)
	}
	first, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(2 * time.Hour)
	next, err := source.Token()
	if err != nil || next.AccessToken == first.AccessToken {
		t.Errorf("refreshed to %v, %v", next, err)
	}
	s.clock.Advance(-2 * time.Hour)

	other := s.browser()
	code := other.redeem(other.get(other.through(other.begin(appStart()...), "ada").String()).want(303).location().Query().Get("code"))
	if got := s.browser().me(code.want(200).str("access_token")).want(200).text; got != ada {
		t.Errorf("in API mode Ada is %s", got)
	}

	third := s.browser()
	at := third.begin()
	for !strings.Contains(at.Path, "/interaction/") {
		at = at.ResolveReference(third.get(at.String()).want(303).location())
	}
	back := at.ResolveReference(third.get(at.String() + "/abort").want(303).location())
	p := third.get(third.through(back, "").String()).want(403)
	if third.whoami() != "" || !strings.Contains(p.text, "did not agree") {
		t.Error("who cancels is signed in")
	}
}

// A client that is not ours (npm oauth4webapi) reads our metadata, takes the answer of API mode with its iss, exchanges the
// code, refreshes, introspects and revokes.
func TestForeignClient(t *testing.T) {
	dir, node := foreign(t)
	if node == "" {
		return
	}
	s := newSite(t)
	b := s.browser()
	const redirect = "http://127.0.0.1:49999/callback"
	answer := b.signIn("1001", appStart("redirect_uri", redirect, "scope", "read")...).want(303).location()
	in, err := json.Marshal(map[string]string{
		"issuer": s.url, "clientID": "app", "redirectURI": redirect, "answer": answer.String(), "state": "app-state", "verifier": verifier,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "client.mjs")
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(in), &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	var did struct {
		Type, Scope, Again string
		Differs, Active    bool
	}
	if err := json.Unmarshal(out, &did); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !did.Differs || !did.Active || did.Scope != "read" || did.Again != "invalid_grant" {
		t.Errorf("the client found %s", out)
	}
}
