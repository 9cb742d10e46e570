package idp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/internal/idp"
)

const callback = "https://app.example/callback"

// party is a client of a provider, made of libraries that are not ours.
type party struct {
	t        *testing.T
	provider *idp.Provider
	oidc     *oidc.Provider
	config   oauth2.Config
	mu       sync.Mutex
	skip     time.Duration
}

// enter starts a provider, after change, and a client of it.
func enter(t *testing.T, change func(p *idp.Provider)) *party {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	p, err := idp.New("http://"+server.Listener.Addr().String(), "our-app", "our-secret")
	if err != nil {
		t.Fatal(err)
	}
	c := &party{t: t, provider: p}
	began := time.Now()
	p.RedirectURIs = []string{callback}
	p.Now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return began.Add(c.skip)
	}
	if change != nil {
		change(p)
	}
	server.Config.Handler = p.Handler()
	server.Start()
	t.Cleanup(server.Close)
	if c.oidc, err = oidc.NewProvider(t.Context(), p.Issuer); err != nil {
		return c
	}
	c.config = oauth2.Config{
		ClientID: "our-app", ClientSecret: "our-secret", RedirectURL: callback, Endpoint: c.oidc.Endpoint(), Scopes: []string{"openid"},
	}
	c.config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return c
}

func (c *party) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skip += d
}

// get opens an address without following redirects, and returns where it leads and what it says.
func (c *party) get(address string) (status int, to *url.URL, text string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), "GET", address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	to, _ = resp.Location()
	return resp.StatusCode, to, string(body)
}

// code lets somebody sign in and returns the answer.
func (c *party) code(person, verifier string, options ...oauth2.AuthCodeOption) url.Values {
	c.t.Helper()
	options = append(options, oauth2.S256ChallengeOption(verifier), oidc.Nonce("our-nonce"), oauth2.SetAuthURLParam("person", person))
	_, to, text := c.get(c.config.AuthCodeURL("our-state", options...))
	if to == nil {
		c.t.Fatalf("no way back: %s", text)
	}
	return to.Query()
}

// tokens signs somebody in.
func (c *party) tokens(person string) *oauth2.Token {
	c.t.Helper()
	token, err := c.config.Exchange(c.t.Context(), c.code(person, "a-verifier").Get("code"), oauth2.VerifierOption("a-verifier"))
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

// verify judges the ID token of an answer.
func (c *party) verify(token *oauth2.Token) (*oidc.IDToken, error) {
	raw, _ := token.Extra("id_token").(string)
	return c.oidc.Verifier(&oidc.Config{ClientID: "our-app", SupportedSigningAlgs: []string{oidc.ES256}, Now: c.provider.Now}).
		Verify(c.t.Context(), raw)
}

func refusal(err error) string {
	var refused *oauth2.RetrieveError
	errors.As(err, &refused)
	if refused == nil {
		return ""
	}
	return refused.ErrorCode
}

// Left alone it is a provider that other people's libraries sign in with, and that takes codes and refresh tokens once.
func TestHonest(t *testing.T) {
	c := enter(t, nil)
	answer := c.code("1001", "a-verifier")
	if answer.Get("state") != "our-state" || answer.Get("iss") != c.provider.Issuer {
		t.Errorf("the answer is %v", answer)
	}
	for name, exchange := range map[string]func(ctx context.Context, code string) (*oauth2.Token, error){
		"wrong verifier": func(ctx context.Context, code string) (*oauth2.Token, error) {
			return c.config.Exchange(ctx, code, oauth2.VerifierOption("another"))
		},
		"no verifier": func(ctx context.Context, code string) (*oauth2.Token, error) { return c.config.Exchange(ctx, code) },
		"wrong callback": func(ctx context.Context, code string) (*oauth2.Token, error) {
			return c.config.Exchange(ctx, code, oauth2.VerifierOption("a-verifier"), oauth2.SetAuthURLParam("redirect_uri", "https://evil.example"))
		},
		"too late": func(ctx context.Context, code string) (*oauth2.Token, error) {
			c.advance(time.Minute)
			return c.config.Exchange(ctx, code, oauth2.VerifierOption("a-verifier"))
		},
	} {
		if _, err := exchange(t.Context(), c.code("1001", "a-verifier").Get("code")); refusal(err) != "invalid_grant" {
			t.Errorf("%s: %v", name, err)
		}
	}
	code := c.code("1001", "a-verifier").Get("code")
	first, err := c.config.Exchange(t.Context(), code, oauth2.VerifierOption("a-verifier"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.config.Exchange(t.Context(), code, oauth2.VerifierOption("a-verifier")); refusal(err) != "invalid_grant" {
		t.Errorf("a code twice: %v", err)
	}
	id, err := c.verify(first)
	if err != nil || id.Subject != "1001" || id.Nonce != "our-nonce" {
		t.Errorf("the ID token is %+v, %v", id, err)
	}
	who, err := c.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(first))
	if err != nil || who.Subject != "1001" || who.Email != "ada@id.example" || !who.EmailVerified {
		t.Errorf("UserInfo is %+v, %v", who, err)
	}
	refresh := func(token string) (*oauth2.Token, error) {
		return c.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token}).Token()
	}
	next, err := refresh(first.RefreshToken)
	if err != nil || next.AccessToken == first.AccessToken {
		t.Fatalf("refreshed to %v, %v", next, err)
	}
	if _, err := refresh(first.RefreshToken); refusal(err) != "invalid_grant" {
		t.Errorf("a refresh token twice: %v", err)
	}
	c.provider.Revoke()
	if _, err := refresh(next.RefreshToken); refusal(err) != "invalid_grant" {
		t.Errorf("a revoked refresh token: %v", err)
	}
	c.advance(c.provider.Lifetime)
	if _, err := c.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(next)); err == nil {
		t.Error("UserInfo of an expired token")
	}
	c.config.ClientSecret = "another"
	if _, err := c.config.Exchange(t.Context(), c.code("1001", "a-verifier").Get("code"), oauth2.VerifierOption("a-verifier")); refusal(err) != "invalid_client" {
		t.Errorf("a wrong secret: %v", err)
	}
}

// Its page asks who somebody is. What it does not know leads nowhere, and what is wrong is told to the client.
func TestAuthorize(t *testing.T) {
	c := enter(t, nil)
	good := oauth2.S256ChallengeOption("a-verifier")
	if status, _, text := c.get(c.config.AuthCodeURL("s", good)); status != 200 || !strings.Contains(text, "Ada Lovelace") || !strings.Contains(text, "Cancel") {
		t.Errorf("the page is %d %s", status, text)
	}
	for name, option := range map[string]oauth2.AuthCodeOption{
		"another client": oauth2.SetAuthURLParam("client_id", "their-app"), "no callback": oauth2.SetAuthURLParam("redirect_uri", ""),
		"another callback": oauth2.SetAuthURLParam("redirect_uri", callback+"/more"),
	} {
		if status, to, _ := c.get(c.config.AuthCodeURL("s", good, option)); status != 400 || to != nil {
			t.Errorf("%s: %d %v", name, status, to)
		}
	}
	for name, option := range map[string]oauth2.AuthCodeOption{
		"no PKCE": oauth2.SetAuthURLParam("code_challenge", ""), "plain": oauth2.SetAuthURLParam("code_challenge_method", "plain"),
		"implicit": oauth2.SetAuthURLParam("response_type", "token"),
	} {
		if _, to, text := c.get(c.config.AuthCodeURL("s", good, option)); to == nil || to.Query().Get("error") != "invalid_request" {
			t.Errorf("%s: %v %s", name, to, text)
		}
	}
	if got := c.code("", "a-verifier"); got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("cancelled: %v", got)
	}
	_, to, text := c.get(c.config.AuthCodeURL("s", good, oauth2.SetAuthURLParam("response_mode", "form_post"), oauth2.SetAuthURLParam("person", "1001")))
	if to != nil || !strings.Contains(text, `method="post" action="`+callback+`"`) || !strings.Contains(text, `name="code"`) {
		t.Errorf("form: %v %s", to, text)
	}
}

// After a rotation it signs with a new key, and the keys before stay published.
func TestRotate(t *testing.T) {
	c := enter(t, nil)
	before := c.tokens("1001")
	if err := c.provider.Rotate(); err != nil {
		t.Fatal(err)
	}
	after := c.tokens("1001")
	for name, token := range map[string]*oauth2.Token{"before": before, "after": after} {
		if _, err := c.verify(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if keys := c.provider.Keys(); len(keys) != 2 || keyID(t, before) != keys[0].KeyID || keyID(t, after) != keys[1].KeyID || !keys[1].IsPublic() {
		t.Errorf("%q, then %q of %v", keyID(t, before), keyID(t, after), keys)
	}
}

func keyID(t *testing.T, token *oauth2.Token) string {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	signed, err := jose.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256, jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Signatures[0].Header.KeyID
}

// Each hook makes it lie, and a client that looks can see the lie: else a test that a lie is refused would show nothing.
func TestLies(t *testing.T) {
	claim := func(name string, value any) func(*idp.Provider) {
		return func(p *idp.Provider) { p.Claims = func(c map[string]any) { c[name] = value } }
	}
	for name, c := range map[string]struct {
		lie   func(p *idp.Provider)
		fault string // that a verifier finds
	}{
		"issuer":    {claim("iss", "https://evil.example"), "different provider"},
		"audience":  {claim("aud", "their-app"), "audience"},
		"expired":   {claim("exp", 1), "expired"},
		"not yet":   {claim("nbf", time.Now().Add(time.Hour).Unix()), "before the nbf"},
		"signature": {func(p *idp.Provider) { p.Sign = hmac }, "malformed"},
		"no alg":    {func(p *idp.Provider) { p.Sign = unsigned }, "malformed"},
		"no token":  {func(p *idp.Provider) { p.Answer = func(a map[string]any) { delete(a, "id_token") } }, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			client := enter(t, c.lie)
			if _, err := client.verify(client.tokens("1001")); err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("the verifier says %v", err)
			}
		})
	}
	for name, value := range map[string]any{"nonce": "another", "sub": "", "azp": "their-app", "email_verified": "yes"} {
		t.Run(name, func(t *testing.T) {
			client := enter(t, claim(name, value))
			id, err := client.verify(client.tokens("1001"))
			var claims map[string]any
			if err == nil {
				err = id.Claims(&claims)
			}
			if err != nil || claims[name] != value {
				t.Errorf("the claims are %v, %v", claims, err)
			}
		})
	}
	t.Run("UserInfo", func(t *testing.T) {
		client := enter(t, func(p *idp.Provider) {
			p.ThinIDTokens = true
			p.UserInfo = func(c map[string]any) { c["sub"] = "1002" }
		})
		token := client.tokens("1001")
		who, err := client.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
		id, idErr := client.verify(token)
		if err != nil || idErr != nil || who.Subject != "1002" || id.Subject != "1001" {
			t.Errorf("UserInfo speaks of %+v, %v, the ID token of %+v, %v", who, err, id, idErr)
		}
		var claims map[string]any
		if err := id.Claims(&claims); err != nil || claims["email"] != nil {
			t.Errorf("a thin ID token has %v, %v", claims, err)
		}
	})
	t.Run("Discovery", func(t *testing.T) {
		client := enter(t, func(p *idp.Provider) { p.Discovery = func(d map[string]any) { d["issuer"] = "https://evil.example" } })
		if _, err := oidc.NewProvider(t.Context(), client.provider.Issuer); err == nil {
			t.Error("the document is honest")
		}
	})
	t.Run("Redirect", func(t *testing.T) {
		client := enter(t, func(p *idp.Provider) { p.Redirect = func(q map[string]string) { q["iss"] = "https://evil.example" } })
		if got := client.code("1001", "a-verifier"); got.Get("iss") != "https://evil.example" {
			t.Errorf("the answer is %v", got)
		}
	})
	t.Run("Intercept", func(t *testing.T) {
		client := enter(t, func(p *idp.Provider) {
			p.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/jwks" {
					http.Redirect(w, r, "/jwks", http.StatusFound)
				}
				return r.URL.Path == "/jwks"
			}
		})
		if status, to, _ := client.get(client.provider.Issuer + "/jwks"); status != 302 || to.Path != "/jwks" {
			t.Errorf("answer is %d %v", status, to)
		}
		client.tokens("1001")
	})
}

func hmac(claims []byte) (string, error) {
	return idp.Sign(jose.HS256, []byte("our-secret-our-secret-our-secret"), claims)
}

// unsigned makes a token of alg none.
func unsigned(claims []byte) (string, error) {
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString(claims) + ".", nil
}
