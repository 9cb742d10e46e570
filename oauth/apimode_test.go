package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
)

const verifier = "a-verifier-of-the-app-that-is-long-enough-0123456789"

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// appStart are the parameters with which an app begins. Pairs replace some of them.
func appStart(pairs ...string) []string {
	v := form([]string{
		"mode", "api", "client_id", "app", "redirect_uri", appRedirect, "code_challenge", challenge(verifier),
		"code_challenge_method", "S256", "state", "app-state", "response_type", "code",
	})
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	var out []string
	for name, values := range v {
		out = append(out, name, values[0])
	}
	return out
}

// appCode signs a person in through API mode and returns the code that the app gets.
func (b *browser) appCode(person string, pairs ...string) string {
	b.t.Helper()
	return b.signIn(person, appStart(pairs...)...).want(303).location().Query().Get("code")
}

// redeem exchanges a code. Pairs replace parameters.
func (b *browser) redeem(code string, pairs ...string) page {
	b.t.Helper()
	v := form([]string{
		"grant_type", "authorization_code", "code", code, "redirect_uri", appRedirect, "code_verifier", verifier, "client_id", "app",
	})
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	r := b.request("POST", "/auth/token", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// refresh exchanges a refresh token of the app.
func (b *browser) refresh(token string) page {
	b.t.Helper()
	r := b.request("POST", "/auth/token", strings.NewReader(
		url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// me asks the site's API with an access token.
func (b *browser) me(token string) page {
	b.t.Helper()
	r := b.request("GET", "/me", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return b.do(r)
}

// API mode: the app's browser gets a code at its registered redirect URI, and the token endpoint a pair of tokens for it.
// No token is in an address, and the browser is signed in to nothing.
func TestAPIMode(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	answer := b.signIn("1001", appStart("scope", "read", "device_name", "Ada's phone")...).want(303)
	to := answer.location()
	q := to.Query()
	if answer.header.Get("Referrer-Policy") != "no-referrer" || answer.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer is %v", answer.header)
	}
	if !strings.HasPrefix(to.String(), appRedirect+"?") || q.Get("state") != "app-state" || q.Get("iss") != s.url || len(q) != 3 {
		t.Errorf("the app gets %s", to)
	}
	if b.whoami() != "" {
		t.Error("the browser is signed in")
	}
	p := b.redeem(q.Get("code")).want(200)
	if p.str("scope") != "read" || p.str("token_type") != "Bearer" || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer is %s", p.text)
	}
	ada := b.me(p.str("access_token")).want(200).text
	session, err := s.Core().Session(t.Context(), p.str("session_id"))
	if err != nil || session.UserID != ada || session.ClientID != "app" || session.DeviceName != "Ada's phone" {
		t.Errorf("session is %+v, %v", session, err)
	}
	b.refresh(p.str("refresh_token")).want(200)
}

// golang.org/x/oauth2 is a client of API mode.
func TestAPIModeByXOAuth2(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	cfg := oauth2.Config{
		ClientID: "app", RedirectURL: "http://127.0.0.1:49152/callback", Scopes: []string{"read", "write"},
		Endpoint: oauth2.Endpoint{AuthURL: s.url + "/auth/oauth/example?mode=api", TokenURL: s.url + "/auth/token"},
	}
	proof := oauth2.GenerateVerifier()
	at := b.get(cfg.AuthCodeURL("state-of-x", oauth2.S256ChallengeOption(proof))).want(303).location()
	to := b.get(b.at(at, "1001").String()).want(303).location()
	if to.Host != "127.0.0.1:49152" || to.Query().Get("state") != "state-of-x" {
		t.Fatalf("the app gets %s", to)
	}
	token, err := cfg.Exchange(t.Context(), to.Query().Get("code"), oauth2.VerifierOption(proof))
	if err != nil {
		t.Fatal(err)
	}
	b.me(token.AccessToken).want(200)
	token.Expiry = time.Now().Add(-time.Hour)
	if next, err := cfg.TokenSource(t.Context(), token).Token(); err != nil || next.AccessToken == token.AccessToken {
		t.Errorf("refreshed to %v, %v", next, err)
	}
}

// A registered redirect URI with a query keeps it.
func TestAPIModeKeepsTheQuery(t *testing.T) {
	s := newSite(t)
	to := s.browser().signIn("1001", appStart("redirect_uri", "https://spa.example/cb?from=oneauth")...).want(303).location()
	if to.Query().Get("from") != "oneauth" || to.Query().Get("code") == "" || to.Host != "spa.example" {
		t.Errorf("the app gets %s", to)
	}
}

// A code that comes twice ends what it gave: one of the two who had it is a thief.
func TestCodeUsedTwice(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	code := b.appCode("1001")
	p := b.redeem(code).want(200)
	b.me(p.str("access_token")).want(200)
	if got := b.redeem(code).want(400); got.str("error") != "invalid_grant" {
		t.Errorf("answer is %s", got.text)
	}
	b.me(p.str("access_token")).want(401)
	if _, err := s.Core().Session(t.Context(), p.str("session_id")); err == nil {
		t.Error("the session lives")
	}
}

// Of many who redeem one code at once at most one gets tokens, and then they are worthless.
func TestCodeRedeemedAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	code := b.appCode("1001")
	var mu sync.Mutex
	var given []page
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			p := b.redeem(code)
			mu.Lock()
			defer mu.Unlock()
			if p.status == 200 {
				given = append(given, p)
			} else if p.status != 400 {
				t.Errorf("answer is %d %s", p.status, p.text)
			}
		})
	}
	wg.Wait()
	if len(given) > 1 {
		t.Fatalf("%d pairs were given", len(given))
	}
	for _, p := range given {
		b.me(p.str("access_token")).want(401)
	}
}

// Who has a code without all that it was asked for with gets nothing, learns nothing, and spoils nothing.
func TestCodeIsBound(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	code := b.appCode("1001")
	for _, pairs := range [][]string{
		{"code_verifier", verifier + "x"},
		{"code_verifier", challenge(verifier)},
		{"redirect_uri", "http://127.0.0.1/callback"},
		{"client_id", "other"},
	} {
		if p := b.redeem(code, pairs...).want(400); p.str("error") != "invalid_grant" || p.str("field") != "" {
			t.Errorf("%v: %s", pairs, p.text)
		}
	}
	b.redeem(code, "client_id", "plain").want(400, "unauthorized_client")
	b.redeem(code, "client_id", "nobody").want(401, "invalid_client")
	p := b.redeem(code).want(200)
	b.redeem(code, "code_verifier", verifier+"x").want(400)
	b.redeem(code, "client_id", "other").want(400)
	b.me(p.str("access_token")).want(200)
}

func TestCodeExpires(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	code := b.appCode("1001")
	s.clock.Advance(time.Minute)
	b.redeem(code).want(400, "invalid_grant")
	late := b.appCode("1001")
	p := b.redeem(late).want(200)
	s.clock.Advance(59 * time.Minute)
	b.redeem(late).want(400, "invalid_grant")
	if _, err := s.Core().Session(t.Context(), p.str("session_id")); err == nil {
		t.Error("the session outlives the reuse of its code after an hour less a minute")
	}
}

// Between callback and token endpoint the account may be disabled or disconnected.
func TestCodeOfAnAccountThatChanged(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first := b.redeem(b.appCode("1001")).want(200)
	ada := b.me(first.str("access_token")).want(200).text
	code := b.appCode("1001")
	if err := s.Users().Disable(t.Context(), ada, "test"); err != nil {
		t.Fatal(err)
	}
	b.redeem(code).want(400, "invalid_grant")
	if back := b.signIn("1001", appStart()...).want(303).location().Query(); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("the app gets %v", back)
	}
}

// Every parameter of the token request missing, doubled, too long or of the wrong form.
func TestTokenRequestInput(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	code := b.appCode("1001")
	for _, name := range []string{"code", "redirect_uri", "code_verifier"} {
		if p := b.redeem(code, name, "").want(400); p.str("error") != "invalid_request" || p.str("field") != name {
			t.Errorf("without %s: %s", name, p.text)
		}
		r := b.request("POST", "/auth/token", strings.NewReader("grant_type=authorization_code&client_id=app&code="+code+
			"&redirect_uri="+url.QueryEscape(appRedirect)+"&code_verifier="+verifier+"&"+name+"=again"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		b.do(r).want(400, "invalid_request")
	}
	for _, long := range []string{strings.Repeat("x", 43), strings.Repeat("x", 60000), "ünïcode", "\x00"} {
		b.redeem(long).want(400, "invalid_grant")
	}
	b.redeem(code, "client_id", "").want(400, "unauthorized_client")
	b.redeem(code).want(200)
}

// A program whose request is wrong is told so at its redirect URI, if that is known to be its own; else nobody is sent
// anywhere.
func TestAPIModeStartInput(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	for name, pairs := range map[string][]string{
		"unknown client":        {"client_id", "nobody"},
		"no client":             {"client_id", ""},
		"client without a code": {"client_id", "plain"},
		"no redirect":           {"redirect_uri", ""},
		"foreign redirect":      {"redirect_uri", "https://evil.example/cb"},
		"longer redirect":       {"redirect_uri", appRedirect + "/more"},
		"redirect with query":   {"redirect_uri", appRedirect + "?x=1"},
		"redirect with user":    {"redirect_uri", "http://x@127.0.0.1/callback"},
		"loopback by name":      {"redirect_uri", "http://localhost/callback"},
		"other mode":            {"mode", "implicit"},
		"long state":            {"state", strings.Repeat("x", 513)},
		"long redirect":         {"redirect_uri", "http://127.0.0.1/" + strings.Repeat("x", 1000)},
	} {
		if p := b.get("/auth/oauth/example?" + form(appStart(pairs...)).Encode()); p.status != 400 || p.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", name, p.status, p.header.Get("Location"))
		}
	}
	for name, c := range map[string]struct {
		pairs []string
		code  string
	}{
		"no state":          {[]string{"state", ""}, "invalid_request"},
		"no challenge":      {[]string{"code_challenge", ""}, "invalid_request"},
		"plain challenge":   {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"short challenge":   {[]string{"code_challenge", "short"}, "invalid_request"},
		"strange challenge": {[]string{"code_challenge", strings.Repeat("ü", 21) + "x"}, "invalid_request"},
		"implicit":          {[]string{"response_type", "token"}, "invalid_request"},
		"strange scope":     {[]string{"scope", `"`}, "invalid_scope"},
	} {
		to := b.get("/auth/oauth/example?" + form(appStart(c.pairs...)).Encode()).want(303).location()
		q := to.Query()
		if !strings.HasPrefix(to.String(), appRedirect) || q.Get("error") != c.code || q.Get("iss") != s.url {
			t.Errorf("%s: the app gets %s", name, to)
		}
		if name != "no state" && q.Get("state") != "app-state" {
			t.Errorf("%s: state is %q", name, q.Get("state"))
		}
	}
	for _, name := range []string{"mode", "client_id", "redirect_uri", "state", "code_challenge", "scope", "return_to"} {
		b.get("/auth/oauth/example?"+form(appStart()).Encode()+"&"+name+"=a&"+name+"=b").want(400, "<html")
	}
}

// Whoever declines, or whom the rules keep out, is told to the app in the words of RFC 6749.
func TestAPIModeErrors(t *testing.T) {
	s := newSite(t, func(p *plan) { p.provider.Rules.NoSignUp = true })
	b := s.browser()
	for _, person := range []string{"", "1001"} {
		if q := b.signIn(person, appStart()...).want(303).location().Query(); q.Get("error") != "access_denied" || q.Get("state") != "app-state" {
			t.Errorf("person %q: the app gets %v", person, q)
		}
	}
	if n := len(s.reasons()); n != 2 {
		t.Errorf("events are %v", s.reasons())
	}
	if s.saw(core.EventSignedUp) {
		t.Error("somebody was signed up")
	}
}
