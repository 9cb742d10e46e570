package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// AppleKey is a private key for Sign in with Apple, which signs the client secrets.
type AppleKey struct {
	TeamID string // ten characters, from the membership page of the developer account
	ID     string // ten characters, in the name of the key's file
	PEM    string // what the .p8 file has: PKCS #8, ECDSA on P-256
}

const (
	appleIssuer  = "https://appleid.apple.com"
	appleRenamed = "https://account.apple.com" // which its discovery document named for a day in June 2025
	// appleSecretLifetime is how long a client secret is good, which is made for each exchange. Apple allows six months.
	appleSecretLifetime = 5 * time.Minute
)

// Apple declares Sign in with Apple. clientID is that of the Services ID; put the bundle ids of iOS apps into
// NativeClientIDs. Apple takes no callback on plain http or localhost.
//
// Apple tells the name once, at the first sign-in, in a form parameter that it does not sign. It is good for the profile
// and nothing else. Addresses are trusted: Apple verifies them, and forwards mail itself for those of
// privaterelay.appleid.com.
func Apple(clientID string, key AppleKey) Provider {
	p := OIDC("apple", appleIssuer, clientID, "")
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Namespace = appleIssuer
	p.ValidIssuer = func(issuer, _ string, _ json.RawMessage) bool { return issuer == appleIssuer || issuer == appleRenamed }
	p.Scopes = []string{"openid", "email", "name"}
	p.FormPost = true
	p.Profile = appleProfile
	p.Rules.TrustEmail = true
	signer, err := key.signer()
	p.fault = err
	p.SecretOf = func(_ context.Context, now time.Time) (string, error) { return key.secret(signer, clientID, now) }
	return p
}

// signer reads the key.
func (k AppleKey) signer() (jose.Signer, error) {
	if k.TeamID == "" || k.ID == "" {
		return nil, errors.New("AppleKey: TeamID or ID is missing")
	}
	block, _ := pem.Decode([]byte(k.PEM))
	if block == nil {
		return nil, errors.New("AppleKey.PEM is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("AppleKey.PEM: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("AppleKey.PEM is not an ECDSA key on P-256")
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: k.ID}}, nil)
}

// secret signs a client secret.
func (k AppleKey) secret(signer jose.Signer, clientID string, now time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{k.TeamID, clientID, appleIssuer, now.Unix(), now.Add(appleSecretLifetime).Unix()})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// appleProfile adds the name. The form's address is left alone: that of the ID token is the signed one.
func appleProfile(ctx context.Context, a *Answer) (Profile, error) {
	who, err := StandardProfile(ctx, a)
	if err != nil || len(a.User) == 0 {
		return who, err
	}
	var form struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal(a.User, &form) == nil { // what a browser may have damaged keeps nobody out
		who.Name = strings.TrimSpace(form.Name.First + " " + form.Name.Last)
	}
	return who, nil
}
