package jwt_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// An issuer signs an access token with a custom claim; a resource server that knows the published keys verifies it.
func Example() {
	clock := func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

	key, err := jwt.GenerateKey(rand.Reader, "2030-01", jwt.EdDSA)
	if err != nil {
		log.Fatal(err)
	}
	token, err := jwt.Sign(key, jwt.Claims{
		Issuer: "https://app.example", Subject: "usr_1", Audience: []string{"https://api.example"}, ID: "tok_1",
		ClientID: "first-party", Scope: "read", IssuedAt: clock().Unix(), Expires: clock().Add(15 * time.Minute).Unix(),
	}, map[string]string{"plan": "gold"})
	if err != nil {
		log.Fatal(err)
	}
	issuerKeys, err := jwt.NewKeySet(key)
	if err != nil {
		log.Fatal(err)
	}
	published, err := issuerKeys.JWKS()
	if err != nil {
		log.Fatal(err)
	}

	keys, err := jwt.ParseJWKS(published)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Options{
		Issuer: "https://app.example", Audiences: []string{"https://api.example"}, Now: clock,
		Keys: func() *jwt.KeySet { return keys },
	})
	if err != nil {
		log.Fatal(err)
	}
	claims, err := verifier.Verify(token)
	if err != nil {
		log.Fatal(err)
	}
	var custom struct{ Plan string }
	if err := claims.DecodeCustom(&custom); err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject, claims.Scope, custom.Plan)

	_, err = verifier.Verify(token + "A")
	fmt.Println(errors.Is(err, jwt.ErrInvalid), errors.Is(err, jwt.ErrSignature))
	// Output:
	// usr_1 read gold
	// true true
}
