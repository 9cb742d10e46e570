package oauth_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/oneauth-go/oneauth/oauth"
)

// The client secret of Apple is a token that the developer's key signs, good for minutes, made for each exchange.
func TestAppleSecret(t *testing.T) {
	key, private := appleKey(t)
	w, s := enter(t, oauth.Apple("our-app", key), recorded(t, "apple"))
	for range 2 {
		w.signIn(s.browser(), "apple").want(303)
		signed, err := jose.ParseSigned(w.exchanged.Get("client_secret"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := signed.Verify(&private.PublicKey)
		if err != nil || signed.Signatures[0].Header.KeyID != key.ID {
			t.Fatalf("key %q: %v", signed.Signatures[0].Header.KeyID, err)
		}
		var claims map[string]any
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		now := float64(s.clock.Now().Unix())
		want := map[string]any{
			"iss": key.TeamID, "sub": "our-app", "aud": "https://appleid.apple.com", "iat": now, "exp": now + 300,
		}
		for name, value := range want {
			if claims[name] != value {
				t.Errorf("%s is %v, want %v", name, claims[name], value)
			}
		}
		s.clock.Advance(time.Hour)
	}
}

// The form that Apple sends beside the code is not signed: a browser that changes it gets another name and nothing else,
// and one that damages it is let in without.
func TestAppleForm(t *testing.T) {
	a := recorded(t, "apple")
	w, s := enter(t, declared(t, "apple"), a)
	for name, user := range map[string]map[string]any{
		"":         {"name": 5},
		"Eve":      {"name": map[string]any{"firstName": "Eve"}, "email": "eve@example.com", "sub": "1"},
		"Ada King": {"name": map[string]any{"firstName": "Ada", "lastName": "King"}},
	} {
		a.User = user
		b := s.browser()
		w.signIn(b, "apple").want(303)
		if l := b.onlyLink(); l.Name != name || l.Subject != a.Profile.Subject || l.Email != a.Profile.Email {
			t.Errorf("%v: linked is %+v", user, l)
		}
	}
}

// Apple may name itself anew in its discovery document or its tokens: a person stays who they are.
func TestAppleRenamed(t *testing.T) {
	a := recorded(t, "apple")
	w, s := enter(t, declared(t, "apple"), a)
	b := s.browser()
	w.signIn(b, "apple").want(303)
	ada := b.whoami()
	a.IDToken["iss"] = "https://account.apple.com"
	s.clock.Advance(48 * time.Hour)
	a.object("GET https://appleid.apple.com/.well-known/openid-configuration")["issuer"] = "https://account.apple.com"
	again := s.browser()
	w.signIn(again, "apple").want(303)
	if again.whoami() != ada || again.onlyLink().Issuer != "https://appleid.apple.com" {
		t.Errorf("first %q, then %q as %+v", ada, again.whoami(), again.onlyLink())
	}
	a.IDToken["iss"] = "https://appleid.apple.com.evil.example"
	stranger := s.browser()
	if p := w.signIn(stranger, "apple"); p.status < 400 || stranger.whoami() != "" {
		t.Errorf("answer is %d", p.status)
	}
}

// Google's tokens once named it without https://. That is the same Google.
func TestGoogleWithoutScheme(t *testing.T) {
	a := recorded(t, "google")
	w, s := enter(t, declared(t, "google"), a)
	b, again := s.browser(), s.browser()
	w.signIn(b, "google").want(303)
	a.IDToken["iss"] = "accounts.google.com"
	w.signIn(again, "google").want(303)
	if again.whoami() != b.whoami() || again.onlyLink().Issuer != "https://accounts.google.com" {
		t.Errorf("first %q, then %q as %+v", b.whoami(), again.whoami(), again.onlyLink())
	}
}

// An Android app brings an ID token for the web client, with its own client as authorized party, where that is declared.
func TestGoogleNative(t *testing.T) {
	for _, declaredHere := range []bool{true, false} {
		p, a := declared(t, "google"), recorded(t, "google")
		a.IDToken["azp"] = "our-android-app"
		if declaredHere {
			p.NativeClientIDs = []string{"our-android-app"}
		}
		w, s := enter(t, p, a)
		answer := s.browser().call("/auth/oauth/google/token", object{"id_token": w.idToken(appNonce), "nonce": appNonce})
		if want := map[bool]int{true: 200, false: 400}[declaredHere]; answer.status != want {
			t.Errorf("declared %v: answer is %d %s", declaredHere, answer.status, answer.text)
		}
	}
}

// X tells an address where it is asked for one.
func TestXEmail(t *testing.T) {
	p, a := declared(t, "x"), recorded(t, "x")
	p.Scopes = append(p.Scopes, "users.email")
	p.UserInfoURL += ",confirmed_email"
	p.Rules.TrustEmail = true
	me := a.object("GET https://api.x.com/2/users/me?user.fields=profile_image_url")
	me["data"].(map[string]any)["confirmed_email"] = "ada@example.com"
	a.Answers = map[string]any{
		"POST https://api.x.com/2/oauth2/token": a.Answers["POST https://api.x.com/2/oauth2/token"], "GET " + p.UserInfoURL: me,
	}
	w, s := enter(t, p, a)
	b := s.browser()
	w.signIn(b, "x").want(303)
	_, identities, err := s.Core().User(t.Context(), b.whoami())
	if err != nil || len(identities) != 1 || !identities[0].Verified || identities[0].Value != "ada@example.com" {
		t.Errorf("identities are %+v, %v", identities, err)
	}
}
