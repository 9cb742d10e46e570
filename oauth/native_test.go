package oauth_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

const appNonce = "a-nonce-of-the-app"

// idToken is what the platform's own sign-in gives to an app.
func (s *site) idToken(person int, nonce string) string {
	s.t.Helper()
	token, err := s.idp.IDToken(s.idp.People[person], nonce)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

type object = map[string]any

// A native app brings an ID token and the nonce that it drew, and gets tokens.
func TestNativeSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	p := b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce, "scope": "read"}).want(200)
	ada := b.me(p.str("access_token")).want(200).text
	if p.str("scope") != "read" || p.str("refresh_token") == "" || b.whoami() != "" {
		t.Errorf("the answer is %s", p.text)
	}
	sum := sha256.Sum256([]byte(appNonce))
	p = b.call("/auth/oauth/example/token", object{
		"id_token": s.idToken(0, hex.EncodeToString(sum[:])), "nonce": appNonce, "client_id": "app", "device_name": "phone",
	}).want(200)
	if b.me(p.str("access_token")).want(200).text != ada {
		t.Error("the same person is somebody else")
	}
	s.browser().signIn("1001").want(303)
}

// An app's own client id at the provider is an audience where it is declared, and nowhere else.
func TestNativeAudience(t *testing.T) {
	other := func(claims map[string]any) { claims["aud"] = "our-ios-app" }
	s := newSite(t, func(p *plan) { p.provider.NativeClientIDs = []string{"our-ios-app"}; p.idp.Claims = other })
	b := s.browser()
	b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}).want(200)
	b.signIn("1001").want(503) // the web's audience is the web's alone
	s = newSite(t, func(p *plan) { p.idp.Claims = other })
	s.browser().call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}).want(400, "invalid_grant")
}

// An ID token is good once, also for many who come with it at once.
func TestNativeOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	body := object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}
	var mu sync.Mutex
	var wg sync.WaitGroup
	good := 0
	for range 32 {
		wg.Go(func() {
			p := b.call("/auth/oauth/example/token", body)
			mu.Lock()
			defer mu.Unlock()
			if p.status == 200 {
				good++
			} else if p.status != 400 {
				t.Errorf("answer is %d %s", p.status, p.text)
			}
		})
	}
	wg.Wait()
	if good != 1 {
		t.Errorf("%d sessions of one ID token", good)
	}
}

// A token that was used is used however it is written: with white space, as JSON, with other bits where none count, or with
// the other signature that ECDSA has for it.
func TestNativeOnceInEverySpelling(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	token := s.idToken(0, appNonce)
	b.call("/auth/oauth/example/token", object{"id_token": token, "nonce": appNonce}).want(200)
	part := strings.Split(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(part[2])
	if err != nil {
		t.Fatal(err)
	}
	other := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:]))
	other.FillBytes(signature[32:])
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[2][len(part[2])-1])
	for name, spelled := range map[string]string{
		"as it was":       token,
		"white space":     token + "\n",
		"a space inside":  part[0] + "." + part[1] + ". " + part[2],
		"unused bits":     token[:len(token)-1] + alphabet[last^1:last^1+1],
		"other signature": part[0] + "." + part[1] + "." + base64.RawURLEncoding.EncodeToString(signature),
		"JSON":            `{"protected":"` + part[0] + `","payload":"` + part[1] + `","signature":"` + part[2] + `","x":"y.` + part[1] + `.z"}`,
	} {
		if p := b.call("/auth/oauth/example/token", object{"id_token": spelled, "nonce": appNonce}); p.status != 400 || p.str("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, p.status, p.text)
		}
	}
}

// A token is good to its last second, and used until after it.
func TestNativeOnceToTheEnd(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	body := object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}
	b.call("/auth/oauth/example/token", body).want(200)
	s.clock.Advance(s.idp.Lifetime)
	b.call("/auth/oauth/example/token", body).want(400, "used before")
}

func TestNativeInput(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	good := s.idToken(0, appNonce)
	for name, c := range map[string]struct {
		body  object
		code  string
		field string
	}{
		"no token":      {object{"nonce": appNonce}, "invalid_request", "id_token"},
		"no nonce":      {object{"id_token": good}, "invalid_request", "nonce"},
		"wrong nonce":   {object{"id_token": good, "nonce": "other"}, "invalid_grant", "id_token"},
		"no token's":    {object{"id_token": s.idToken(0, ""), "nonce": appNonce}, "invalid_grant", "id_token"},
		"no JWT":        {object{"id_token": "x.y.z", "nonce": appNonce}, "invalid_grant", "id_token"},
		"long":          {object{"id_token": strings.Repeat("x", 20000), "nonce": appNonce}, "invalid_request", "id_token"},
		"cut":           {object{"id_token": good[:len(good)-4], "nonce": appNonce}, "invalid_grant", "id_token"},
		"strange scope": {object{"id_token": good, "nonce": appNonce, "scope": "admin"}, "invalid_scope", ""},
		"number":        {object{"id_token": 1, "nonce": appNonce}, "invalid_request", "id_token"},
	} {
		if p := b.call("/auth/oauth/example/token", c.body).want(400); p.str("error") != c.code || p.str("field") != c.field {
			t.Errorf("%s: %s", name, p.text)
		}
	}
	fresh := s.idToken(0, appNonce)
	b.call("/auth/oauth/example/token", object{"id_token": fresh, "nonce": appNonce, "client_id": "nobody"}).want(401, "invalid_client")
	b.call("/auth/oauth/example/token", object{"id_token": fresh, "nonce": appNonce, "client_id": "plain"}).want(400, "unauthorized_client")
	s.clock.Advance(s.idp.Lifetime + time.Second)
	b.call("/auth/oauth/example/token", object{"id_token": fresh, "nonce": appNonce}).want(400, "invalid_grant")
}

// A confidential client proves that it is one.
func TestNativeClientSecret(t *testing.T) {
	const secret = "a-secret-of-the-confidential-client"
	s := newSite(t, func(p *plan) {
		p.options = append(p.options, oneauth.WithClients(
			core.ClientConfig{ID: "backend", Secrets: []string{secret}, RedirectURIs: []string{"https://backend.example/cb"}}))
	})
	b := s.browser()
	for given, want := range map[string]int{"": 401, "another-secret-that-is-long-enough": 401, secret: 200} {
		b.call("/auth/oauth/example/token", object{
			"id_token": s.idToken(0, appNonce), "nonce": appNonce, "client_id": "backend", "client_secret": given,
		}).want(want)
	}
}

// A provider that has no ID tokens has no native sign-in.
func TestNativeNeedsOpenID(t *testing.T) {
	s := newSite(t, func(p *plan) { p.provider = plainProvider(p.idp.Issuer) })
	p := s.browser().call("/auth/oauth/example/token", object{"id_token": "x", "nonce": "y"})
	if p.status != 404 {
		t.Errorf("answer is %d %s", p.status, p.text)
	}
}

// A disabled person gets nothing by the native way either.
func TestNativeDisabled(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	p := b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}).want(200)
	ada := b.me(p.str("access_token")).want(200).text
	if err := s.Users().Disable(t.Context(), ada, "test"); err != nil {
		t.Fatal(err)
	}
	b.call("/auth/oauth/example/token", object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}).want(400, "invalid_grant")
	if !s.saw(core.EventSignInFailed) {
		t.Error("no event")
	}
}
