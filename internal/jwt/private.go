package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
)

// generatedRSABits is the size of the RSA keys that GenerateKey makes.
const generatedRSABits = 2048

// GenerateKey draws a new signing key with randomness from random, which must be cryptographically secure. For some
// algorithms the standard library prefers the system's source to the one given. Errors wrap [ErrKey] or come from random.
func GenerateKey(random io.Reader, id string, alg Alg) (*Key, error) {
	if random == nil {
		return nil, fmt.Errorf("%w: no source of randomness", ErrKey)
	}
	var private crypto.Signer
	var err error
	switch alg {
	case EdDSA:
		seed := make([]byte, ed25519.SeedSize)
		_, err = io.ReadFull(random, seed)
		private = ed25519.NewKeyFromSeed(seed)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case RS256:
		private, err = rsa.GenerateKey(random, generatedRSABits)
	case HS256:
		secret := make([]byte, MinSecretBytes)
		if _, err := io.ReadFull(random, secret); err != nil {
			return nil, fmt.Errorf("jwt: drawing a secret: %w", err)
		}
		return NewHMACKey(id, secret)
	default:
		return nil, fmt.Errorf("%w: unknown algorithm %q", ErrKey, string(alg))
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: generating a key: %w", err)
	}
	return NewSigningKey(id, alg, private)
}

// MarshalSecret returns the private half for storage: PKCS #8 in DER, or the bare secret of an HS256 key. Whoever reads it
// can issue tokens, so it must be sealed before it is written anywhere. Keys that only verify, and keys in a device, have
// nothing to return: the error wraps [ErrKey].
func (k *Key) MarshalSecret() ([]byte, error) {
	if k.secret != nil {
		return bytes.Clone(k.secret), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, fmt.Errorf("%w: %s has no private half that can be stored", ErrKey, k)
	}
	return der, nil
}

// ParseSecret makes the key again that [Key.MarshalSecret] was called on. Errors wrap [ErrKey].
func ParseSecret(id string, alg Alg, secret []byte) (*Key, error) {
	if alg == HS256 {
		return NewHMACKey(id, secret)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: not a PKCS #8 private key", ErrKey)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: a %T cannot sign", ErrKey, parsed)
	}
	return NewSigningKey(id, alg, private)
}
