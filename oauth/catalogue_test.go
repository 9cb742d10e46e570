package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/oauth"
)

// catalogue declares every provider that comes with the library.
func catalogue(t testing.TB) []oauth.Provider {
	t.Helper()
	key, _ := appleKey(t)
	const id, secret = "our-app", "our-secret"
	return []oauth.Provider{
		oauth.Google(id, secret), oauth.Apple(id, key), oauth.Microsoft("common", id, secret), oauth.GitHub(id, secret),
		oauth.GitLab(id, secret), oauth.Facebook(id, secret), oauth.X(id, secret), oauth.LinkedIn(id, secret),
		oauth.Discord(id, secret), oauth.Slack(id, secret), oauth.Twitch(id, secret), oauth.Spotify(id, secret),
		oauth.Bitbucket(id, secret), oauth.Notion(id, secret), oauth.Zoom(id, secret),
		oauth.Okta("dev-1.okta.com", id, secret), oauth.Auth0("example.eu.auth0.com", id, secret),
		oauth.Keycloak("https://sso.example.com/", "staff", id, secret),
		oauth.Authentik("https://sso.example.com", "our-app", id, secret),
		oauth.Cognito("eu-central-1_Example", id, secret),
	}
}

// declared returns one of them.
func declared(t testing.TB, name string) oauth.Provider {
	t.Helper()
	for _, p := range catalogue(t) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("%s is not in the catalogue", name)
	return oauth.Provider{}
}

// Each declaration is complete, has addresses on https alone, and says how the client authenticates, so that no code is
// lost to a guess.
func TestCatalogueIsComplete(t *testing.T) {
	titles := map[string]string{
		"google": "Google", "apple": "Apple", "microsoft": "Microsoft", "github": "GitHub", "gitlab": "GitLab",
		"facebook": "Facebook", "x": "X", "linkedin": "LinkedIn", "discord": "Discord", "slack": "Slack", "twitch": "Twitch",
		"spotify": "Spotify", "bitbucket": "Bitbucket", "notion": "Notion", "zoom": "Zoom", "okta": "Okta", "auth0": "Auth0",
		"keycloak": "Keycloak", "authentik": "authentik", "cognito": "Amazon Cognito",
	}
	all := catalogue(t)
	service, err := oauth.New(oauth.Options{Providers: all, Edge: edge})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range service.Providers() {
		if p.Title != titles[p.Name] {
			t.Errorf("%s has the title %q", p.Name, p.Title)
		}
		for _, address := range []string{p.Issuer, p.AuthURL, p.TokenURL, p.UserInfoURL} {
			if address != "" && !strings.HasPrefix(address, "https://") {
				t.Errorf("%s: %s", p.Name, address)
			}
		}
		if p.AuthStyle == 0 {
			t.Errorf("%s leaves the client's authentication to a guess", p.Name)
		}
		if p.NoPKCE != (p.Name == "linkedin") {
			t.Errorf("%s: NoPKCE is %v", p.Name, p.NoPKCE)
		}
	}
	files, err := os.ReadDir("testdata/answers")
	if err != nil || len(files) != len(titles) || len(all) != len(titles) {
		t.Errorf("%d providers, %d titles, %d files, %v", len(all), len(titles), len(files), err)
	}
}

// What the documentation of each provider shows signs a person in: the right addresses are asked in the right way, and the
// right profile is kept.
func TestCatalogue(t *testing.T) {
	for _, p := range catalogue(t) {
		t.Run(p.Name, func(t *testing.T) {
			a := recorded(t, p.Name)
			w, s := enter(t, p, a)
			b := s.browser()
			w.expectAuthorization(w.begin(b, p.Name), p, s.url)
			w.signIn(b, p.Name).want(303)
			w.expectExchange(p, s.url)
			for request := range a.Answers {
				if !w.asked[request] {
					t.Errorf("%s is not asked", request)
				}
			}
			l, want := b.onlyLink(), a.Profile
			if l.Issuer != want.Issuer || l.Subject != want.Subject || l.Email != want.Email || l.Verified != want.Verified ||
				l.Name != want.Name || l.Picture != want.Picture || l.Locale != want.Locale {
				t.Errorf("the account is\n%+v, want\n%+v", *l, want)
			}
			if len(a.Documentation) == 0 {
				t.Error("where is this documented?")
			}
			again := s.browser()
			w.signIn(again, p.Name).want(303)
			if again.whoami() != b.whoami() {
				t.Error("the same person is somebody else")
			}
		})
	}
}

// Whoever has an address here already is connected by a provider that is trusted with it and has verified it. Nobody else
// gets in by it.
func TestCatalogueTrust(t *testing.T) {
	trusted := map[string]bool{
		"google": true, "apple": true, "github": true, "gitlab": true, "linkedin": true, "discord": true, "twitch": true,
		"bitbucket": true,
	}
	for _, p := range catalogue(t) {
		a := recorded(t, p.Name)
		if p.Rules.TrustEmail != trusted[p.Name] {
			t.Errorf("%s: TrustEmail is %v", p.Name, p.Rules.TrustEmail)
		}
		if a.Profile.Email == "" {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			w, s := enter(t, p, a)
			member := s.browser().member(a.Profile.Email)
			b := s.browser()
			answer := w.signIn(b, p.Name)
			if want := map[bool]string{true: member}[trusted[p.Name]]; b.whoami() != want {
				t.Errorf("who comes is %q, the owner of the address %q: %d %s", b.whoami(), member, answer.status, answer.text)
			}
		})
	}
}

// expectAuthorization looks at the address that the browser is sent to.
func (w *world) expectAuthorization(at *url.URL, p oauth.Provider, base string) {
	w.t.Helper()
	address, _, _ := strings.Cut(at.String(), "?")
	q := at.Query()
	want := map[string]string{
		"client_id": "our-app", "response_type": "code", "redirect_uri": base + "/auth/oauth/" + p.Name + "/callback",
		"code_challenge_method": "S256",
	}
	if p.NoPKCE {
		want["code_challenge_method"], want["code_challenge"] = "", ""
	}
	for name, value := range w.says.Params {
		want[name] = value
	}
	for name, value := range want {
		if q.Get(name) != value {
			w.t.Errorf("%s is %q, want %q", name, q.Get(name), value)
		}
	}
	if address != w.says.Authorize || len(q.Get("state")) != 43 || (q.Get("nonce") == "") != (p.Issuer == "") {
		w.t.Errorf("the browser is sent to %s", at)
	}
}

// expectExchange looks at what the token endpoint got.
func (w *world) expectExchange(p oauth.Provider, base string) {
	w.t.Helper()
	form := w.exchanged
	if form.Get("grant_type") != "authorization_code" || form.Get("code") != theirCode ||
		form.Get("redirect_uri") != base+"/auth/oauth/"+p.Name+"/callback" || form.Has("code_verifier") == p.NoPKCE {
		w.t.Errorf("the token endpoint is asked %v", form)
	}
	secret := "our-secret"
	if p.Name == "apple" {
		secret = form.Get("client_secret") // see TestAppleSecret
	}
	byForm, byHeader := [2]string{form.Get("client_id"), form.Get("client_secret")}, w.basic
	if w.says.Client == "basic" {
		byForm, byHeader = byHeader, byForm
	}
	if byForm != [2]string{"our-app", secret} || byHeader != [2]string{} {
		w.t.Errorf("the client authenticates with %v and header %v", form, w.basic)
	}
}

// What cannot be a declaration is said where it is made, by name.
func TestCatalogueArguments(t *testing.T) {
	good, _ := appleKey(t)
	apple := func(change func(*oauth.AppleKey)) oauth.Provider {
		key := good
		change(&key)
		return oauth.Apple("our-app", key)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, p := range map[string]oauth.Provider{
		"TeamID":        apple(func(k *oauth.AppleKey) { k.TeamID = "" }),
		"or ID":         apple(func(k *oauth.AppleKey) { k.ID = "" }),
		"not PEM":       apple(func(k *oauth.AppleKey) { k.PEM = "key" }),
		"AppleKey.PEM:": apple(func(k *oauth.AppleKey) { k.PEM = strings.Replace(k.PEM, "M", "A", 1) }),
		"on P-256":      apple(func(k *oauth.AppleKey) { k.PEM = pkcs8(t, p384) }),
		"not an ECDSA":  apple(func(k *oauth.AppleKey) { k.PEM = pkcs8(t, providerKey().Key) }),
		"the tenant":    oauth.Microsoft("", "our-app", "our-secret"),
		"no domain":     oauth.Microsoft("contoso/x", "our-app", "our-secret"),
		"Issuer":        oauth.Okta("", "our-app", "our-secret"),
		"the realm":     oauth.Keycloak("https://sso.example.com", "", "our-app", "our-secret"),
		"must be https": oauth.Keycloak("http://sso.example.com", "staff", "our-app", "our-secret"),
		"the slug":      oauth.Authentik("https://sso.example.com", "", "our-app", "our-secret"),
		"user pool":     oauth.Cognito("eu-central-1", "our-app", "our-secret"),
		"ClientID":      oauth.Google("", "our-secret"),
	} {
		_, err := oauth.New(oauth.Options{Providers: []oauth.Provider{p}, Edge: edge})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "provider "+p.Name) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	if _, err := oauth.New(oauth.Options{Providers: []oauth.Provider{apple(func(*oauth.AppleKey) {})}, Edge: edge}); err != nil {
		t.Error(err)
	}
}
