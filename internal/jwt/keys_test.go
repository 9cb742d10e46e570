package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// impostor signs with one key and shows the public half of another.
type impostor struct {
	crypto.Signer
	public crypto.PublicKey
}

func (i impostor) Public() crypto.PublicKey { return i.public }

func TestKeysAreValidated(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	other, _, _ := ed25519.GenerateKey(rand.Reader)
	p384, err1 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p256, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rsa1024 := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	rsaEven := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(0), 2047, 1), E: 65537}
	rsaHuge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8192, 1), E: 65537}
	rsaE3 := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2047, 1), E: 3}
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	signing := func(id string, alg jwt.Alg, private crypto.Signer) error {
		_, err := jwt.NewSigningKey(id, alg, private)
		return err
	}
	public := func(alg jwt.Alg, key crypto.PublicKey) error {
		_, err := jwt.NewVerificationKey("id", alg, key)
		return err
	}
	secret := func(n int) error { _, err := jwt.NewHMACKey("id", make([]byte, n)); return err }
	generated := func(r io.Reader, alg jwt.Alg) error { _, err := jwt.GenerateKey(r, "id", alg); return err }
	parsed := func(alg jwt.Alg, b []byte) error { _, err := jwt.ParseSecret("id", alg, b); return err }
	for name, err := range map[string]error{
		"no id": signing("", jwt.EdDSA, ed), "long id": signing(strings.Repeat("x", 201), jwt.EdDSA, ed),
		"id not UTF-8": signing("\xff", jwt.EdDSA, ed), "no private key": signing("id", jwt.EdDSA, nil),
		"nil EC key": signing("id", jwt.ES256, (*ecdsa.PrivateKey)(nil)), "nil RSA key": signing("id", jwt.RS256, (*rsa.PrivateKey)(nil)),
		"short Ed25519 key": signing("id", jwt.EdDSA, ed[:40]), "halves of two keys": signing("id", jwt.EdDSA, impostor{ed, other}),
		"Ed25519 for ES256": signing("id", jwt.ES256, ed), "Ed25519 for HS256": signing("id", jwt.HS256, ed),
		"P-384": signing("id", jwt.ES256, p384), "P-256 for RS256": signing("id", jwt.RS256, p256),
		"P-256 for no algorithm": signing("id", "", p256), "1024 bits": public(jwt.RS256, rsa1024), "even modulus": public(jwt.RS256, rsaEven),
		"8193 bits": public(jwt.RS256, rsaHuge), "exponent 3": public(jwt.RS256, rsaE3), "no public key": public(jwt.EdDSA, nil),
		"nil public RSA key": public(jwt.RS256, (*rsa.PublicKey)(nil)), "RSA key without modulus": public(jwt.RS256, &rsa.PublicKey{E: 65537}),
		"nil public EC key": public(jwt.ES256, (*ecdsa.PublicKey)(nil)), "31 byte Ed25519 key": public(jwt.EdDSA, other[:31]),
		"point off the curve": public(jwt.ES256, &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}),
		"bytes as public key": public(jwt.EdDSA, []byte(other)), "secret of 31 bytes": secret(31), "no secret": secret(0),
		"no randomness": generated(nil, jwt.EdDSA), "alg none": generated(rand.Reader, "none"), "not PKCS #8": parsed(jwt.EdDSA, []byte("x")),
	} {
		if !errors.Is(err, jwt.ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
	if err := generated(strings.NewReader("too short"), jwt.HS256); err == nil {
		t.Error("a secret from a source that ran dry")
	}
	if err := generated(strings.NewReader("too short"), jwt.EdDSA); err == nil {
		t.Error("a key from a source that ran dry")
	}
}

// A key is its own: changing what it was made from changes nothing.
func TestKeysAreCopies(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signing, err1 := jwt.NewSigningKey("id", jwt.EdDSA, private)
	verifying, err2 := jwt.NewVerificationKey("id", jwt.EdDSA, public)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	token := sign(t, signing, claims(), nil)
	clear(public)
	if _, _, err := jwt.VerifySignature(token, verifying); err != nil {
		t.Error(err)
	}
}

// What MarshalSecret stores, ParseSecret turns into the same key.
func TestSecretsRoundTrip(t *testing.T) {
	for alg, key := range testKeys() {
		stored, err := key.MarshalSecret()
		if err != nil {
			t.Fatal(err)
		}
		again, err := jwt.ParseSecret(key.ID(), alg, stored)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := jwt.VerifySignature(sign(t, again, claims(), nil), key); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if !again.CanSign() || again.Alg() != alg || again.ID() != key.ID() {
			t.Errorf("%s became %s", key, again)
		}
	}
}

// A key that only verifies neither signs nor has a secret.
func TestVerificationKeyCannotSign(t *testing.T) {
	key, err := jwt.NewVerificationKey("id", jwt.EdDSA, testKeys()[jwt.EdDSA].Public())
	if err != nil || key.CanSign() {
		t.Fatal(key, err)
	}
	if _, err := jwt.Sign(key, claims(), nil); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("Sign: %v", err)
	}
	if _, err := key.MarshalSecret(); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("MarshalSecret: %v", err)
	}
	if _, err := jwt.Sign(nil, claims(), nil); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("Sign without a key: %v", err)
	}
}

// Secrets do not reach logs, however a key is printed.
func TestKeysPrintNoSecret(t *testing.T) {
	const secret = "do-not-print-me-do-not-print-me-!"
	key, err := jwt.NewHMACKey("kid-1", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwt.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key, "set", set)
	fmt.Fprintf(&log, "%v %+v %#v %s %q %x %+v", key, key, key, key, key, key, set)
	for _, form := range []string{secret, fmt.Sprint([]byte(secret)), fmt.Sprintf("%x", secret), encode(secret)} {
		if strings.Contains(log.String(), form) {
			t.Errorf("the secret is in %s", log.String())
		}
	}
}

func TestKeySet(t *testing.T) {
	key := testKeys()[jwt.EdDSA]
	if _, err := jwt.NewKeySet(key, key); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("two keys of one id: %v", err)
	}
	if _, err := jwt.NewKeySet(nil); !errors.Is(err, jwt.ErrKey) {
		t.Errorf("a nil key: %v", err)
	}
	set, err := jwt.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	set.Keys()[0] = nil
	if got, ok := set.Lookup("EdDSA"); !ok || got != key || set.Keys()[0] != key {
		t.Error("the set changed")
	}
	var none *jwt.KeySet
	if _, ok := none.Lookup("EdDSA"); ok || len(none.Keys()) != 0 {
		t.Error("the nil set has keys")
	}
}
