package oauth_test

import (
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

var refreshURL = regexp.MustCompile(`^0; url=(.+)$`)

// connect lets a signed-in person connect an account, and returns the answer to the callback.
func (b *browser) connect(person string) page {
	b.t.Helper()
	p := b.submit("/auth/oauth/example/link", "return_to", "/auth/account?notice=connected").want(200, "Example ID")
	found := refreshURL.FindStringSubmatch(p.header.Get("Refresh"))
	if found == nil {
		b.t.Fatalf("the page does not go on: %v", p.header)
	}
	at, err := url.Parse(found[1])
	if err != nil {
		b.t.Fatal(err)
	}
	return b.get(b.at(at, person).String())
}

func (b *browser) linked() []any {
	b.t.Helper()
	r := b.request("GET", "/auth/linked", nil)
	r.Header.Set("Accept", "application/json")
	return b.do(r).want(200).json()["linked"].([]any)
}

// A person connects an account from the account page, signs in with it elsewhere, and disconnects it again.
func TestConnectAndDisconnect(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	me := b.member("me@example.com")
	p := b.connect("1001").want(303)
	if p.header.Get("Location") != "/auth/account?notice=connected" {
		t.Errorf("the way goes on to %s", p.header.Get("Location"))
	}
	b.get(p.header.Get("Location")).want(200, "The account is connected")
	all := b.linked()
	if len(all) != 1 || all[0].(object)["provider"] != "example" || all[0].(object)["email"] != "ada@id.example" {
		t.Fatalf("connected are %v", all)
	}
	other := s.browser()
	other.signIn("1001").want(303)
	if other.whoami() != me {
		t.Errorf("the connected account signs in %q", other.whoami())
	}
	id := all[0].(object)["id"].(string)
	b.submit("/auth/linked/"+id+"/unlink", "return_to", "/auth/account?notice=disconnected").want(303)
	if len(b.linked()) != 0 || !s.saw(core.EventAccountLinked) || !s.saw(core.EventAccountUnlinked) {
		t.Error("it is still connected, or nobody was told")
	}
	b.submit("/auth/linked/" + id + "/unlink").want(404)
	third := s.browser()
	third.signIn("1001").want(303)
	if third.whoami() == me {
		t.Error("a disconnected account still signs in")
	}
}

// Connecting leads nowhere but to this origin: to the account page, where nothing else is said.
func TestConnectStaysHere(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.member("me@example.com")
	for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		p := b.submit("/auth/oauth/example/link", "return_to", to).want(200)
		at, err := url.Parse(refreshURL.FindStringSubmatch(p.header.Get("Refresh"))[1])
		if err != nil {
			t.Fatal(err)
		}
		if back := b.get(b.at(at, "1001").String()).want(303).header.Get("Location"); back != "/auth/account" {
			t.Errorf("%s leads to %s", to, back)
		}
	}
}

// The last way in stays.
func TestLastWayIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("1001").want(303)
	id := b.linked()[0].(object)["id"].(string)
	b.submit("/auth/linked/"+id+"/unlink").want(403, "last way to sign in")
	if len(b.linked()) != 1 {
		t.Error("it is gone")
	}
}

// Connecting and disconnecting need a recent sign-in, before the person is sent away and after.
func TestConnectNeedsRecentSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.member("me@example.com")
	b.connect("1001").want(303)
	id := b.linked()[0].(object)["id"].(string)
	s.clock.Advance(16 * time.Minute)
	b.submit("/auth/oauth/example/link").want(403, "Confirm that it is you")
	b.submit("/auth/linked/"+id+"/unlink").want(403, "Confirm that it is you")
	b.call("/auth/oauth/example/link", object{"id_token": s.idToken(1, appNonce), "nonce": appNonce},
		"Sec-Fetch-Site", "same-origin").want(403, "reauth_required")
	b.submit("/auth/reauth", "password", goodPassword).want(303)
	b.submit("/auth/linked/" + id + "/unlink").want(303)
}

// Without being signed in, from a foreign page, or with an API key nothing is connected.
func TestConnectIsForItsOwner(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.submit("/auth/oauth/example/link").want(401)
	me := b.member("me@example.com")
	r := b.request("POST", "/auth/oauth/example/link", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).want(403)
	_, key, err := s.Core().CreateKey(t.Context(), me, core.NewKey{Name: "k", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	s.browser().call("/auth/oauth/example/link", object{}, "Authorization", "Bearer "+key).want(403)
}

// The account that a flow was begun for must still be signed in when it ends.
func TestConnectAfterSignOut(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	me := b.member("me@example.com")
	p := b.submit("/auth/oauth/example/link").want(200)
	at, err := url.Parse(refreshURL.FindStringSubmatch(p.header.Get("Refresh"))[1])
	if err != nil {
		t.Fatal(err)
	}
	b.submit("/auth/logout").want(200)
	b.member("other@example.com")
	b.get(b.at(at, "1001").String()).want(403)
	if all, err := s.Core().LinkedAccounts(t.Context(), me); err != nil || len(all) != 0 || len(b.linked()) != 0 {
		t.Errorf("connected are %v, %v", all, err)
	}
}

// What is connected to one account cannot be connected to another.
func TestConnectTaken(t *testing.T) {
	s := newSite(t)
	s.browser().signIn("1001").want(303)
	b := s.browser()
	b.member("me@example.com")
	b.connect("1001").want(409, "connected to another account")
	if len(b.linked()) != 0 {
		t.Error("it is connected")
	}
}

// A program connects with an access token: by an ID token at once, or by an address to go on to.
func TestConnectByProgram(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.member("me@example.com")
	login := b.call("/auth/api/login", object{"identifier": "me@example.com", "password": goodPassword}).want(200)
	program := s.browser()
	bearer := []string{"Authorization", "Bearer " + login.str("access_token")}
	p := program.call("/auth/oauth/example/link", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}, bearer...).want(200)
	if p.str("provider") != "example" || p.str("id") == "" {
		t.Errorf("the answer is %s", p.text)
	}
	if u := program.call("/auth/oauth/example/link", object{}, bearer...).want(200).str("url"); u == "" {
		t.Error("no address to go on to")
	}
	if len(b.linked()) != 1 {
		t.Error("it is not connected")
	}
}

// A1 and A3 over HTTP: an address that somebody wrote down without proving it belongs to whoever proves it at a trusted
// provider. What the squatter planted is gone.
func TestA1SquattedAddress(t *testing.T) {
	s := newSite(t)
	squatter := s.browser()
	id := squatter.member("ada@id.example")
	_, key, err := s.Core().CreateKey(t.Context(), id, core.NewKey{Name: "k", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.signIn("1001").want(303)
	if squatter.whoami() != "" {
		t.Error("the squatter is still signed in")
	}
	s.browser().me(key).want(401)
	squatter.submit("/auth/login", "identifier", "ada@id.example", "password", goodPassword).want(401)
	if b.whoami() == "" || !s.saw(core.EventAccountPurged) {
		t.Error("Ada is not signed in, or nobody was told")
	}
}

// A2 over HTTP: without trust, or without the provider's verification, an address connects nothing and takes nothing.
func TestA2UntrustedAddress(t *testing.T) {
	for name, change := range map[string]func(*plan){
		"not trusted":  func(p *plan) { p.provider.Rules.TrustEmail = false },
		"not verified": func(p *plan) { p.idp.People[0].EmailVerified = false },
		"no claim":     func(p *plan) { p.idp.Claims = func(c map[string]any) { delete(c, "email_verified") } },
		"text":         func(p *plan) { p.idp.Claims = func(c map[string]any) { c["email_verified"] = "yes" } },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			owner := s.browser()
			me := owner.member("ada@id.example")
			b := s.browser()
			b.signIn("1001").want(409, "Sign in")
			if b.whoami() != "" || owner.whoami() != me || len(owner.linked()) != 0 {
				t.Error("an address that nobody proved did something")
			}
		})
	}
}

// Rules over who may sign up hold here too.
func TestSignUpRules(t *testing.T) {
	for name, change := range map[string]func(*plan){
		"none by this provider": func(p *plan) { p.provider.Rules.NoSignUp = true },
		"closed":                func(p *plan) { p.options = append(p.options, oneauth.WithSignUp(core.ClosedSignUp)) },
		"other domains":         func(p *plan) { p.options = append(p.options, oneauth.WithAllowedDomains("example.com")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			b := s.browser()
			b.signIn("1001").want(403, "<html")
			if b.whoami() != "" || s.saw(core.EventSignedUp) {
				t.Error("somebody was signed up")
			}
			if !slices.Contains(s.reasons(), "signup_refused") && !s.saw(core.EventSignUpRefused) {
				t.Errorf("nobody was told: %v", s.reasons())
			}
		})
	}
}
