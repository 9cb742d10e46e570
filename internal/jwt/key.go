package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// An Alg is a signature algorithm by its JOSE name (RFC 7518 section 3.1, RFC 8037 section 3.1).
type Alg string

// The supported algorithms.
const (
	EdDSA Alg = "EdDSA" // Ed25519; Ed448 is not supported
	ES256 Alg = "ES256" // ECDSA on P-256 with SHA-256
	RS256 Alg = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	HS256 Alg = "HS256" // HMAC-SHA-256, a secret shared between issuer and verifier
)

// Limits on keys.
const (
	MinRSABits     = 2048 // RFC 7518 section 3.3
	MaxRSABits     = 8192 // beyond it one verification takes milliseconds
	MinSecretBytes = 32   // RFC 7518 section 3.2
	MaxKeyIDBytes  = 200

	maxSignature = MaxRSABits / 8
)

// A Key signs or verifies with one algorithm. It is immutable, safe for concurrent use, and prints without its secret.
type Key struct {
	id     string
	alg    Alg
	public crypto.PublicKey // nil for HS256
	signer crypto.Signer    // nil for a key that only verifies, and for HS256
	secret []byte           // HS256 only
	header string           // encoded header of an access token
	macs   sync.Pool        // of *mac
}

// A mac is an HMAC whose key schedule is done, with room for a sum.
type mac struct {
	hmac interface {
		Reset()
		Write([]byte) (int, error)
		Sum([]byte) []byte
	}
	sum [sha256.Size]byte
}

// NewSigningKey makes a key that signs and verifies with EdDSA (ed25519), ES256 (P-256) or RS256 (at least [MinRSABits]
// bits). private may live in a device: it is asked for signatures as [crypto.Signer] says, with a nil source of
// randomness, which makes ECDSA deterministic (RFC 6979). It signs once here, to show that its halves belong together.
// Errors wrap [ErrKey].
func NewSigningKey(id string, alg Alg, private crypto.Signer) (*Key, error) {
	if !usable(private) {
		return nil, fmt.Errorf("%w: private key is nil or cut short", ErrKey)
	}
	k, err := NewVerificationKey(id, alg, private.Public())
	if err != nil {
		return nil, err
	}
	k.signer = private
	probe := []byte("jwt: do the halves belong together?")
	signature, err := k.sign(probe)
	if err != nil {
		return nil, fmt.Errorf("%w: trial signature: %w", ErrKey, err)
	}
	if !k.verify(probe, signature) {
		return nil, fmt.Errorf("%w: the private and public halves do not belong together", ErrKey)
	}
	return k, nil
}

// usable reports whether private can be asked for its public half without a panic.
func usable(private crypto.Signer) bool {
	switch p := private.(type) {
	case nil:
		return false
	case ed25519.PrivateKey:
		return len(p) == ed25519.PrivateKeySize
	case *ecdsa.PrivateKey:
		return p != nil
	case *rsa.PrivateKey:
		return p != nil
	}
	return true
}

// NewVerificationKey makes a key that only verifies: public is an ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey, as
// alg asks. Errors wrap [ErrKey].
func NewVerificationKey(id string, alg Alg, public crypto.PublicKey) (*Key, error) {
	own, err := copyPublic(alg, public)
	if err != nil {
		return nil, err
	}
	return newKey(&Key{id: id, alg: alg, public: own})
}

// NewHMACKey makes an HS256 key. secret needs [MinSecretBytes] bytes or more, drawn at random; it is copied. Such a key is
// never exported. Errors wrap [ErrKey].
func NewHMACKey(id string, secret []byte) (*Key, error) {
	if len(secret) < MinSecretBytes {
		return nil, fmt.Errorf("%w: HS256 secret of %d bytes, at least %d are needed", ErrKey, len(secret), MinSecretBytes)
	}
	k := &Key{id: id, alg: HS256, secret: bytes.Clone(secret)}
	k.macs.New = func() any { return &mac{hmac: hmac.New(sha256.New, k.secret)} }
	return newKey(k)
}

// newKey checks what all keys share.
func newKey(k *Key) (*Key, error) {
	if k.id == "" || len(k.id) > MaxKeyIDBytes {
		return nil, fmt.Errorf("%w: id of %d bytes, between 1 and %d are needed", ErrKey, len(k.id), MaxKeyIDBytes)
	}
	k.id = strings.Clone(k.id)
	header, err := encodeHeader(k, TypeAccessToken)
	if err != nil {
		return nil, fmt.Errorf("%w: id is not valid UTF-8", ErrKey)
	}
	k.header = header
	return k, nil
}

// copyPublic checks public and returns a copy that the caller cannot change.
func copyPublic(alg Alg, public crypto.PublicKey) (crypto.PublicKey, error) {
	switch pub := public.(type) {
	case ed25519.PublicKey:
		if alg == EdDSA && len(pub) == ed25519.PublicKeySize {
			return slices.Clone(pub), nil
		}
	case *ecdsa.PublicKey:
		if alg == ES256 && pub != nil && pub.Curve == elliptic.P256() {
			point, err := pub.Bytes()
			if err != nil {
				return nil, fmt.Errorf("%w: not a point on P-256", ErrKey)
			}
			return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		}
	case *rsa.PublicKey:
		if alg == RS256 && pub != nil && pub.N != nil {
			return &rsa.PublicKey{N: new(big.Int).Set(pub.N), E: pub.E}, checkRSA(pub)
		}
	}
	return nil, fmt.Errorf("%w: a %T is not a public key for %q", ErrKey, public, string(alg))
}

func checkRSA(pub *rsa.PublicKey) error {
	if n := pub.N.BitLen(); n < MinRSABits || n > MaxRSABits {
		return fmt.Errorf("%w: RSA modulus of %d bits, between %d and %d are needed", ErrKey, n, MinRSABits, MaxRSABits)
	}
	if pub.N.Bit(0) == 0 || pub.N.Sign() < 0 {
		return fmt.Errorf("%w: RSA modulus is not an odd positive number", ErrKey)
	}
	if pub.E < 65537 || pub.E > 1<<31-1 || pub.E%2 == 0 {
		return fmt.Errorf("%w: RSA exponent must be odd and between 65537 and 2^31-1", ErrKey)
	}
	return nil
}

// ID returns the kid.
func (k *Key) ID() string { return k.id }

// Alg returns the one algorithm that the key is for.
func (k *Key) Alg() Alg { return k.alg }

// Public returns the public key; nil for HS256.
func (k *Key) Public() crypto.PublicKey { return k.public }

// CanSign reports whether the key has its private half.
func (k *Key) CanSign() bool { return k.signer != nil || k.secret != nil }

// String names the key without its secret.
func (k *Key) String() string { return fmt.Sprintf("%s key %q", k.alg, k.id) }

// GoString is String: %#v shows no secret either.
func (k *Key) GoString() string { return k.String() }

// LogValue is String: logs show no secret either.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
