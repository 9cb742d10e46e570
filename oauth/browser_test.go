package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oauth"
)

// A browser goes to the provider and comes back signed in, where it wanted to go. The second time it is the same user.
func TestBrowserSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	start := b.get("/auth/oauth/example?return_to=%2Fwelcome%3Fa%3D1").want(303)
	at := start.location()
	q := at.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) != 43 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != s.url+"/auth/oauth/example/callback" {
		t.Errorf("the provider is asked %s", at)
	}
	p := b.get(b.at(at, "1001").String()).want(303)
	if p.header.Get("Location") != "/welcome?a=1" {
		t.Errorf("answer is %v", p.header)
	}
	for _, h := range []http.Header{start.header, p.header} { // their addresses have what is for one party alone
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("answer is %v", h)
		}
	}
	ada := b.whoami()
	user, identities, err := s.Core().User(t.Context(), ada)
	if err != nil || user.Name != "Ada Lovelace" || len(identities) != 1 || !identities[0].Verified {
		t.Errorf("user is %+v, %+v, %v", user, identities, err)
	}
	other := s.browser()
	other.signIn("1001").want(303)
	if other.whoami() != ada {
		t.Errorf("Ada is %q in the other browser and %q in the first", other.whoami(), ada)
	}
	third := s.browser()
	third.signIn("1002").want(303)
	if third.whoami() == ada || third.whoami() == "" {
		t.Errorf("Charles is %q", third.whoami())
	}
	session := b.do(b.request("GET", "/auth/session", nil)).want(200).json()["session"].(map[string]any)
	if amr := session["amr"].([]any); len(amr) != 1 || amr[0] != core.MethodFederated {
		t.Errorf("amr is %v", amr)
	}
}

// The session that the browser had before is over (session fixation), and the cookie of the flow goes.
func TestBrowserSignInReplacesTheSession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first := b.member("first@example.com")
	before, err := s.Core().ListSessions(t.Context(), first)
	if err != nil || len(before) != 1 {
		t.Fatal(before, err)
	}
	b.signIn("1001").want(303)
	after, err := s.Core().ListSessions(t.Context(), first)
	if err != nil || len(after) != 0 || b.whoami() == first {
		t.Errorf("%d sessions of before, %v; signed in is %s", len(after), err, b.whoami())
	}
	site, _ := url.Parse(s.url)
	for _, c := range b.http.Jar.Cookies(site) {
		if strings.Contains(c.Name, "-flow-") {
			t.Errorf("cookie %s is still there", c.Name)
		}
	}
}

// A person who cancels at the provider sees a page that says so, and nothing has happened.
func TestBrowserCancel(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("").want(403, "<html", "did not agree", "Continue with Example ID")
	if b.whoami() != "" || len(s.reasons()) != 1 || s.reasons()[0] != "provider_refused" {
		t.Errorf("signed in is %q, events %v", b.whoami(), s.reasons())
	}
}

// A provider that answers with a form is answered with a redirect to the same address, to which the browser sends its
// cookies: the form itself came from another site, without them.
func TestFormPost(t *testing.T) {
	s := newSite(t, func(p *plan) { p.provider.FormPost = true })
	b, foreign := s.browser(), s.browser()
	at := b.begin()
	if at.Query().Get("response_mode") != "form_post" {
		t.Errorf("the provider is asked %s", at)
	}
	q := at.Query()
	q.Del("response_mode")
	at.RawQuery = q.Encode()
	back := b.at(at, "1001").Query()
	r := foreign.request("POST", "/auth/oauth/example/callback", strings.NewReader(
		url.Values{"code": {back.Get("code")}, "state": {back.Get("state")}, "iss": {back.Get("iss")}, "user": {`{"name":{"firstName":"Ada"}}`}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.idp.Issuer)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	next := foreign.do(r).want(303).location()
	if strings.Contains(next.String(), "firstName") {
		t.Errorf("what the form tells of a person is in the address: %s", next)
	}
	foreign.get(next.String()).want(400, "<html")
	b.get(next.String()).want(303)
	if b.whoami() == "" {
		t.Error("nobody is signed in")
	}
}

// Forms are taken for a provider that answers with them, and nothing else of a provider takes requests of other sites.
func TestFormPostIsForThoseWhoAskForIt(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	back := b.at(b.begin(), "1001").Query()
	for _, path := range []string{"/auth/oauth/example/callback", "/auth/oauth/example", "/auth/oauth/example/link"} {
		r := b.request("POST", path, strings.NewReader(back.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.idp.Issuer)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := b.do(r); p.status < 400 || p.status >= 500 {
			t.Errorf("%s: %d %s", path, p.status, p.text)
		}
	}
	b.get("/auth/oauth/example/callback?" + back.Encode()).want(303)
}

// What Apple's form tells of a person reaches the declaration's Profile, and nothing else does.
func TestFormPostUser(t *testing.T) {
	var told string
	s := newSite(t, func(p *plan) {
		p.provider.FormPost = true
		p.provider.Profile = oauthProfile(&told)
	})
	b := s.browser()
	at := b.begin()
	q := at.Query()
	q.Del("response_mode")
	at.RawQuery = q.Encode()
	back := b.at(at, "1001").Query()
	next := b.submit("/auth/oauth/example/callback", "code", back.Get("code"), "state", back.Get("state"), "iss", back.Get("iss"),
		"user", `{"name":{"firstName":"Augusta"}}`).want(303).location()
	forged := *next
	f := forged.Query()
	f.Set("user", "Zm9yZ2Vk")
	forged.RawQuery = f.Encode()
	b.get(next.String()).want(303)
	if told != `{"name":{"firstName":"Augusta"}}` {
		t.Errorf("the profile was told %q", told)
	}
}

// Without pages of its own a program gets problems as JSON.
func TestProgramsGetProblems(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	r := b.request("GET", "/auth/oauth/example/callback?code=x&state=y", nil)
	r.Header.Set("Accept", "application/json")
	p := b.do(r).want(400)
	if p.str("code") != "invalid_request" || p.str("field") != "state" {
		t.Errorf("answer is %s", p.text)
	}
	b.get("/auth/oauth/nobody").want(404)
}

// A flow that takes too long is over.
func TestFlowExpires(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	back := b.at(b.begin(), "1001")
	s.clock.Advance(10 * time.Minute)
	b.get(back.String()).want(400, "<html", "begin again")
	if b.whoami() != "" {
		t.Error("somebody is signed in")
	}
}

// A browser that begins over and over keeps few flows.
func TestFlowsAreFew(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	site, _ := url.Parse(s.url)
	for range 30 {
		b.begin()
		n := 0
		for _, c := range b.http.Jar.Cookies(site) {
			if strings.Contains(c.Name, "-flow-") {
				n++
			}
		}
		if n > 9 {
			t.Fatalf("%d flows are kept", n)
		}
	}
	b.signIn("1001").want(303)
}

// Flows that are large are fewer, so that a request's cookies stay within the 8 KiB that servers take.
func TestFlowsFitIntoAHeader(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	site, _ := url.Parse(s.url)
	for range 12 {
		b.begin("return_to", "/"+strings.Repeat("x", 1500))
		size := 0
		for _, c := range b.http.Jar.Cookies(site) {
			size += len(c.Name) + len(c.Value)
		}
		if size > 8192 {
			t.Fatalf("%d bytes of cookies", size)
		}
	}
	b.signIn("1001", "return_to", "/"+strings.Repeat("x", 2000)).want(303)
}

// Two tabs may sign in at the same time.
func TestTwoTabs(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	one, two := b.begin("return_to", "/one"), b.begin("return_to", "/two")
	if p := b.get(b.at(two, "1001").String()).want(303); p.header.Get("Location") != "/two" {
		t.Errorf("the second tab goes to %s", p.header.Get("Location"))
	}
	if p := b.get(b.at(one, "1001").String()).want(303); p.header.Get("Location") != "/one" {
		t.Errorf("the first tab goes to %s", p.header.Get("Location"))
	}
}

// An ID token with the subject alone is completed at the UserInfo endpoint.
func TestThinIDToken(t *testing.T) {
	s := newSite(t, func(p *plan) { p.idp.ThinIDTokens = true })
	b := s.browser()
	b.signIn("1001").want(303)
	if u, identities, err := s.Core().User(t.Context(), b.whoami()); err != nil || u.Name != "Ada Lovelace" || !identities[0].Verified {
		t.Errorf("user is %+v %+v, %v", u, identities, err)
	}
}

// What UserInfo adds overwrites nothing that is signed, and verifies no address but its own.
func TestUserInfoAddsOnly(t *testing.T) {
	s := newSite(t, func(p *plan) {
		p.idp.Claims = func(c map[string]any) {
			delete(c, "name")
			delete(c, "email_verified")
			c["email"], c["locale"] = "victim@example.com", "de"
		}
	})
	b := s.browser()
	b.signIn("1001").want(303)
	l := b.onlyLink()
	if l.Email != "victim@example.com" || l.Verified || l.Locale != "de" || l.Name != "Ada Lovelace" {
		t.Errorf("linked is %+v", l)
	}
}

// Pages offer what is configured.
func TestPagesOfferProviders(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.get("/auth/login?return_to=/x").want(200, "Continue with Example ID", "/auth/oauth/example?return_to=%2Fx")
	b.get("/auth/signup").want(200, "Continue with Example ID")
	b.signIn("1001").want(303)
	b.get("/auth/account").want(200, "Connected accounts", "Example ID", "ada@id.example", "Send link") // and no Disconnect: it is the last way in
}

// Options that cannot work are refused at the start, by name.
func TestDeclarationsAreChecked(t *testing.T) {
	good := oauth.OIDC("example", "https://id.example", "app", "secret")
	for want, change := range map[string]func(*oauth.Provider){
		"name":            func(p *oauth.Provider) { p.Name = "No Name" },
		"ClientID":        func(p *oauth.Provider) { p.ClientID = "" },
		"must be https":   func(p *oauth.Provider) { p.Issuer = "http://id.example" },
		"openid":          func(p *oauth.Provider) { p.Scopes = []string{"email"} },
		"AuthURL":         func(p *oauth.Provider) { p.Issuer = "" },
		"NativeClientIDs": func(p *oauth.Provider) { *p = plainProvider("https://id.example"); p.NativeClientIDs = []string{"x"} },
		"Profile":         func(p *oauth.Provider) { *p = plainProvider("https://id.example"); p.Profile = nil },
	} {
		p := good
		change(&p)
		if _, err := oauth.New(oauth.Options{Providers: []oauth.Provider{p}, Edge: edge}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := oauth.New(oauth.Options{Providers: []oauth.Provider{good, good}, Edge: edge}); err == nil {
		t.Error("a provider may be there twice")
	}
	if _, err := oauth.New(oauth.Options{Providers: []oauth.Provider{good}}); err == nil {
		t.Error("an Edge may be missing")
	}
	if _, err := oauth.New(oauth.Options{Edge: edge}); err == nil {
		t.Error("providers may be missing")
	}
}
