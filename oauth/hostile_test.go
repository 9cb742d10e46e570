package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
)

// refused expects that a sign-in ends with a page or a way back to the login page, an event, and no session.
func (s *site) refused(t *testing.T, b *browser, p page, status int) {
	t.Helper()
	if p.status != status || !strings.Contains(p.text, "<html") {
		t.Errorf("answer is %d %s", p.status, p.text)
	}
	if b.whoami() != "" || s.saw(core.EventSignedUp) || s.saw(core.EventSignedIn) {
		t.Error("somebody is signed in")
	}
	if len(s.reasons()) == 0 {
		t.Error("nobody was told")
	}
	for _, part := range []string{"our-secret", "oauth:", "panic"} {
		if strings.Contains(p.text, part) {
			t.Errorf("the page has %q: %s", part, p.text)
		}
	}
}

// A provider, or whoever stands in between, that lies in an ID token signs nobody in (OpenID Connect Core section 3.1.3.7).
func TestA25HostileIDTokens(t *testing.T) {
	claim := func(name string, value any) func(*plan) {
		return func(p *plan) {
			p.idp.Claims = func(c map[string]any) {
				if c[name] = value; value == nil {
					delete(c, name)
				}
			}
		}
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := func(header string) func(*plan) {
		return func(p *plan) {
			p.idp.Sign = func(claims []byte) (string, error) {
				b64 := base64.RawURLEncoding
				return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(claims) + ".", nil
			}
		}
	}
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(*plan){
		"another issuer":       claim("iss", "https://evil.example"),
		"no issuer":            claim("iss", nil),
		"another audience":     claim("aud", "their-app"),
		"no audience":          claim("aud", nil),
		"several audiences":    claim("aud", []string{"our-app", "their-app"}),
		"another party":        claim("azp", "their-app"),
		"no subject":           claim("sub", ""),
		"another nonce":        claim("nonce", "another"),
		"no nonce":             claim("nonce", nil),
		"expired":              claim("exp", now.Add(-time.Second).Unix()),
		"no expiry":            claim("exp", nil),
		"of the future":        claim("iat", now.Add(time.Hour).Unix()),
		"not yet":              claim("nbf", now.Add(time.Hour).Unix()),
		"no signature":         unsigned(`{"alg":"none"}`),
		"no signature, in ES":  unsigned(`{"alg":"ES256","kid":"key-1"}`),
		"another's key":        signedBy(jose.ES256, jose.JSONWebKey{Key: stranger, KeyID: "key-1"}),
		"unknown key":          signedBy(jose.ES256, jose.JSONWebKey{Key: stranger, KeyID: "key-9"}),
		"a key in the header":  signedBy(jose.ES256, stranger),
		"HMAC of the secret":   signedBy(jose.HS256, []byte("our-secret-our-secret-our-secret-our-secret")),
		"no token":             func(p *plan) { p.idp.Answer = func(a map[string]any) { delete(a, "id_token") } },
		"a number":             func(p *plan) { p.idp.Answer = func(a map[string]any) { a["id_token"] = 1 } },
		"an error":             func(p *plan) { p.idp.Answer = func(a map[string]any) { clear(a); a["error"] = "no" } },
		"HMAC of a public key": hmacOfPublicKey,
		"another's UserInfo": func(p *plan) {
			p.idp.ThinIDTokens = true
			p.idp.UserInfo = func(c map[string]any) { c["sub"] = "1002" }
		},
		"UserInfo of nobody": func(p *plan) {
			p.idp.ThinIDTokens = true
			p.idp.UserInfo = func(c map[string]any) { delete(c, "sub") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			b := s.browser()
			s.refused(t, b, b.signIn("1001"), 503)
			native := b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce})
			if bad := name != "no token" && name != "a number" && name != "an error" && !strings.Contains(name, "UserInfo") &&
				name != "another nonce" && name != "no nonce"; bad && native.status != 400 {
				t.Errorf("native: %d %s", native.status, native.text)
			}
		})
	}
}

func signedBy(alg jose.SignatureAlgorithm, key any) func(*plan) {
	return func(p *plan) {
		p.idp.Sign = func(claims []byte) (string, error) { return idp.Sign(alg, key, claims) }
	}
}

// hmacOfPublicKey signs with the bytes of the published key, as if it were a shared secret.
func hmacOfPublicKey(p *plan) {
	public, err := json.Marshal(p.idp.Keys()[0])
	if err != nil {
		panic(err)
	}
	signedBy(jose.HS256, public)(p)
}

// Answers that are not what was asked for: of another provider (mix-up, RFC 9207), with another's code, with two values.
func TestA25HostileCallbacks(t *testing.T) {
	for name, change := range map[string]func(s *site, b *browser, q url.Values){
		"of another issuer": func(_ *site, _ *browser, q url.Values) { q.Set("iss", "https://evil.example") },
		"of no issuer":      func(_ *site, _ *browser, q url.Values) { q.Del("iss") },
		"with no code":      func(_ *site, _ *browser, q url.Values) { q.Del("code") },
		"with a wrong code": func(_ *site, _ *browser, q url.Values) { q.Set("code", "guessed") },
		"with a long code":  func(_ *site, _ *browser, q url.Values) { q.Set("code", strings.Repeat("x", 4097)) },
		"with two codes":    func(_ *site, _ *browser, q url.Values) { q.Add("code", "x") },
		"with two states":   func(_ *site, _ *browser, q url.Values) { q.Add("state", "x") },
		"with no state":     func(_ *site, _ *browser, q url.Values) { q.Del("state") },
		"with a made state": func(_ *site, _ *browser, q url.Values) { q.Set("state", strings.Repeat("x", 43)) },
		"with a long state": func(_ *site, _ *browser, q url.Values) { q.Set("state", strings.Repeat("x", 129)) },
		"with an error":     func(_ *site, _ *browser, q url.Values) { q.Set("error", "server_error"); q.Del("code") },
		"with markup": func(_ *site, _ *browser, q url.Values) {
			q.Set("error", "<script>")
			q.Set("error_description", "<script>")
		},
		"with a forged person": func(_ *site, _ *browser, q url.Values) { q.Set("user", "AAAA") },
		"with a swapped code": func(s *site, _ *browser, q url.Values) { // somebody else's: its PKCE is not ours
			other := s.browser()
			q.Set("code", other.at(other.begin(), "1002").Query().Get("code"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser()
			back := b.at(b.begin(), "1001")
			q := back.Query()
			change(s, b, q)
			back.RawQuery = q.Encode()
			p := b.get(back.String())
			s.refused(t, b, p, p.status)
			if p.status != 400 && p.status != 503 || strings.Contains(p.text, "<script>") {
				t.Errorf("answer is %d %s", p.status, p.text)
			}
		})
	}
}

// A state is bound to the browser that began, and good once: a victim's browser cannot be signed in as somebody else
// (login CSRF), nor a callback be replayed.
func TestStateIsBoundAndGoodOnce(t *testing.T) {
	s := newSite(t)
	attacker, victim := s.browser(), s.browser()
	back := attacker.at(attacker.begin(), "1001").String()
	s.refused(t, victim, victim.get(back), 400)
	victim.begin()
	s.refused(t, victim, victim.get(back), 400)
	attacker.get(back).want(303)

	// The same browser again, with the cookie put back.
	b := s.browser()
	site, _ := url.Parse(s.url)
	back = b.at(b.begin(), "1002").String()
	cookies := b.http.Jar.Cookies(site)
	b.get(back).want(303)
	before := b.whoami()
	b.http.Jar.SetCookies(site, cookies)
	b.get(back).want(400)
	if b.whoami() != before {
		t.Error("a replay changed the session")
	}
}

// A callback that arrives many times at once signs in once.
func TestCallbackAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	back := b.at(b.begin(), "1001").String()
	site, _ := url.Parse(s.url)
	cookies := b.http.Jar.Cookies(site)
	var mu sync.Mutex
	var wg sync.WaitGroup
	good := 0
	for range 32 {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), "GET", back, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for _, c := range cookies {
				r.AddCookie(c)
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if resp.StatusCode == 303 {
				good++
			}
		})
	}
	wg.Wait()
	if good != 1 {
		t.Errorf("%d sessions of one callback", good)
	}
}

// The state of one provider is nothing at another's callback.
func TestStateOfAnotherProvider(t *testing.T) {
	s := newSite(t, func(p *plan) {
		second := p.provider
		second.Name = "second"
		p.options = append(p.options, oneauth.WithProviders(second))
	})
	b := s.browser()
	back := b.at(b.begin(), "1001")
	back.Path = "/auth/oauth/second/callback"
	s.refused(t, b, b.get(back.String()), 400)
}

// Two flow cookies of one name, and cookies that somebody planted, are nothing.
func TestPlantedFlowCookie(t *testing.T) {
	s := newSite(t)
	attacker, victim := s.browser(), s.browser()
	site, _ := url.Parse(s.url)
	back := attacker.at(attacker.begin(), "1001")
	state := victim.begin().Query().Get("state")
	stolen := attacker.http.Jar.Cookies(site)[0]
	planted := &http.Cookie{Name: victim.http.Jar.Cookies(site)[0].Name, Value: stolen.Value}
	victim.http.Jar.SetCookies(site, []*http.Cookie{planted})
	s.refused(t, victim, victim.get(back.String()), 400)
	swapped := *back // the attacker's code, with the victim's state over the attacker's flow
	q := swapped.Query()
	q.Set("state", state)
	swapped.RawQuery = q.Encode()
	s.refused(t, victim, victim.get(swapped.String()), 400)
	r := attacker.request("GET", back.String(), nil)
	r.AddCookie(stolen)
	s.refused(t, attacker, attacker.do(r), 400)
}

// A provider that is down, slow, huge, or leads elsewhere is a page within the time limit, at the start and at the callback.
func TestProviderFails(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"error": func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		},
		"html": func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("<html>")); return true },
		"redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusFound)
			return true
		},
		"empty": func(http.ResponseWriter, *http.Request) bool { return true },
		"huge": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			chunk := []byte(`{"x":"` + strings.Repeat("x", 1<<16))
			for range 32 {
				if _, err := w.Write(chunk); err != nil {
					break
				}
			}
			return true
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody sees that the client has gone
			<-r.Context().Done()
			return true
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			impatient := func(p *plan) {
				p.options = append(p.options, oneauth.WithProviderClient(&http.Client{Timeout: 200 * time.Millisecond}))
			}
			for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"} {
				s := newSite(t, impatient, func(p *plan) {
					p.idp.ThinIDTokens = true
					p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == path && answer(w, r) }
				})
				b := s.browser()
				p := b.get("/auth/oauth/example")
				if path != "/.well-known/openid-configuration" {
					p = b.get(b.at(p.want(303).location(), "1001").String())
				}
				s.refused(t, b, p, 503)
			}
		})
	}
}

// A discovery document that speaks for another issuer, or sends secrets over plain http, is refused.
func TestHostileDiscovery(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":   func(d map[string]any) { d["issuer"] = "https://evil.example" },
		"plain token":      func(d map[string]any) { d["token_endpoint"] = "http://evil.example/token" },
		"plain keys":       func(d map[string]any) { d["jwks_uri"] = "http://evil.example/jwks" },
		"plain UserInfo":   func(d map[string]any) { d["userinfo_endpoint"] = "http://evil.example/userinfo" },
		"script as login":  func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" },
		"no keys":          func(d map[string]any) { delete(d, "jwks_uri") },
		"no authorization": func(d map[string]any) { delete(d, "authorization_endpoint") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(p *plan) { p.idp.Discovery = change })
			b := s.browser()
			s.refused(t, b, b.get("/auth/oauth/example"), 503)
		})
	}
}

// A provider that comes back is asked again; what was discovered stays good while it is down.
func TestProviderComesBack(t *testing.T) {
	s := newSite(t)
	down := func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	s.idp.Intercept = down
	s.browser().get("/auth/oauth/example").want(503)
	s.idp.Intercept = nil
	s.browser().signIn("1001").want(303)
	s.idp.Intercept = down
	s.clock.Advance(25 * time.Hour)
	s.browser().get("/auth/oauth/example").want(303)
}

// return_to leads nowhere but to this origin.
func TestReturnToStaysHere(t *testing.T) {
	s := newSite(t)
	for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/%2f/evil.example"} {
		if p := s.browser().signIn("1001", "return_to", to).want(303); p.header.Get("Location") != "/" {
			t.Errorf("%s leads to %s", to, p.header.Get("Location"))
		}
	}
}

// Hundreds at once are each themselves, in whichever way they come: by browser, by a program's code, with an ID token.
func TestParallelSignIns(t *testing.T) {
	s := newSite(t)
	s.idp.People = nil
	for i := range 200 {
		name := "person-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		s.idp.People = append(s.idp.People, idp.Person{Subject: name, Name: name, Email: name + "@id.example", EmailVerified: true})
	}
	var wg sync.WaitGroup
	for i, who := range s.idp.People {
		ways := []func() string{
			func() string {
				b := s.browser()
				b.signIn(who.Subject).want(303)
				return b.whoami()
			},
			func() string {
				b := s.browser()
				return b.me(b.redeem(b.appCode(who.Subject)).want(200).str("access_token")).want(200).text
			},
			func() string {
				b := s.browser()
				p := b.call("/auth/oauth/example/token", object{"id_token": s.idToken(i, appNonce), "nonce": appNonce}).want(200)
				return b.me(p.str("access_token")).want(200).text
			},
		}
		for _, way := range ways {
			wg.Go(func() {
				u, _, err := s.Core().User(t.Context(), way())
				if err != nil || u.Name != who.Name {
					t.Errorf("%s is %+v, %v", who.Name, u, err)
				}
			})
		}
	}
	wg.Wait()
}

func FuzzCallback(f *testing.F) {
	f.Add("code=a&state=b&iss=c")
	f.Add("error=access_denied&state=x&state=y")
	f.Add("code=%zz&state=%00&user=AAAA")
	s := newSite(f)
	f.Fuzz(func(t *testing.T, query string) {
		r, err := http.NewRequest("GET", s.url+"/auth/oauth/example/callback?"+query, nil)
		if err != nil {
			return
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return // the query is none that HTTP carries
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 400 || len(resp.Cookies()) > 0 {
			t.Errorf("%q: %d %v", query, resp.StatusCode, resp.Cookies())
		}
	})
}
