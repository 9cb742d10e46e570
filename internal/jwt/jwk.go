package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// Limits on what ParseJWKS reads.
const (
	MaxJWKSBytes = 256 << 10
	MaxJWKSKeys  = 100
)

// A JWK is a public key as RFC 7517, RFC 7518 section 6 and RFC 8037 section 2 write it. It has no room for anything
// private.
type JWK struct {
	KeyType string `json:"kty"`           // OKP, EC or RSA
	Curve   string `json:"crv,omitempty"` // Ed25519 or P-256
	X       string `json:"x,omitempty"`
	Y       string `json:"y,omitempty"`
	N       string `json:"n,omitempty"`
	E       string `json:"e,omitempty"`
	KeyID   string `json:"kid"`
	Alg     Alg    `json:"alg"`
	Use     string `json:"use"` // always sig
}

// JWK returns the public half of k; ok is false for HS256, which has none.
func (k *Key) JWK() (_ JWK, ok bool) {
	enc := base64.RawURLEncoding.EncodeToString
	j := JWK{KeyID: k.id, Alg: k.alg, Use: "sig"}
	switch pub := k.public.(type) {
	case ed25519.PublicKey:
		j.KeyType, j.Curve, j.X = "OKP", "Ed25519", enc(pub)
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4, x, y
		if err != nil {
			return JWK{}, false
		}
		j.KeyType, j.Curve, j.X, j.Y = "EC", "P-256", enc(point[1:1+es256Half]), enc(point[1+es256Half:])
	case *rsa.PublicKey:
		j.KeyType, j.N, j.E = "RSA", enc(pub.N.Bytes()), enc(big.NewInt(int64(pub.E)).Bytes())
	default:
		return JWK{}, false
	}
	return j, true
}

// Thumbprint returns the SHA-256 thumbprint of the public key in base64url (RFC 7638, RFC 8037 section 2); ok is false for
// HS256, since the hash of a secret is nothing to show.
func (k *Key) Thumbprint() (_ string, ok bool) {
	j, ok := k.JWK()
	if !ok {
		return "", false
	}
	// The required members in lexicographic order; their values need no escapes.
	var text string
	switch j.KeyType {
	case "OKP":
		text = fmt.Sprintf(`{"crv":"%s","kty":"OKP","x":"%s"}`, j.Curve, j.X)
	case "EC":
		text = fmt.Sprintf(`{"crv":"%s","kty":"EC","x":"%s","y":"%s"}`, j.Curve, j.X, j.Y)
	case "RSA":
		text = fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, j.E, j.N)
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}

// JWKS returns the public keys of the set as a JWK Set (RFC 7517 section 5). HS256 keys are left out, always.
func (s *KeySet) JWKS() ([]byte, error) {
	set := struct {
		Keys []JWK `json:"keys"`
	}{Keys: []JWK{}}
	for _, k := range s.Keys() {
		if j, ok := k.JWK(); ok {
			set.Keys = append(set.Keys, j)
		}
	}
	return json.Marshal(set)
}

// ParseJWKS reads a JWK Set of at most [MaxJWKSBytes] and [MaxJWKSKeys]. As RFC 7517 section 5 says, keys that are not
// understood are left out: another kty, crv, alg or use, no kid, a value that is missing or out of range, and symmetric
// keys above all. What makes the whole set an error that wraps [ErrKey]: wrong JSON, duplicate members, two usable keys of
// one kid, and private key material, since whoever published that has lost it.
func ParseJWKS(data []byte) (*KeySet, error) {
	if len(data) > MaxJWKSBytes {
		return nil, fmt.Errorf("%w: key set of %d bytes, more than %d", ErrKey, len(data), MaxJWKSBytes)
	}
	if err := checkJSON(string(data)); err != nil {
		return nil, fmt.Errorf("%w: key set: %v", ErrKey, err)
	}
	// Maps, since their keys match exactly while fields of structs match in any case.
	var set jwkMembers
	var list []jwkMembers
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%w: key set is not an object", ErrKey)
	}
	if err := json.Unmarshal(set["keys"], &list); err != nil || list == nil {
		return nil, fmt.Errorf("%w: key set has no array of objects named keys", ErrKey)
	}
	if len(list) > MaxJWKSKeys {
		return nil, fmt.Errorf("%w: key set of %d keys, more than %d", ErrKey, len(list), MaxJWKSKeys)
	}
	var keys []*Key
	for _, members := range list {
		k, err := members.key()
		if err != nil {
			return nil, err
		}
		if k != nil {
			keys = append(keys, k)
		}
	}
	return NewKeySet(keys...)
}

// checkJSON reports whether text is one JSON text under the rules for payloads.
func checkJSON(text string) error {
	var s scanner
	s.reset(text)
	s.skip()
	return s.end()
}

// A jwkMembers is a JWK of somebody else's making.
type jwkMembers map[string]json.RawMessage

// text returns a member that is a string, and "" for any other.
func (m jwkMembers) text(name string) string {
	var s string
	if json.Unmarshal(m[name], &s) != nil {
		return ""
	}
	return s
}

// bytes returns a member that is a string in base64url, and nil for any other.
func (m jwkMembers) bytes(name string) []byte {
	b, ok := decodeBase64(nil, m.text(name))
	if !ok {
		return nil
	}
	return b
}

// verifies reports whether use and key_ops (RFC 7517 sections 4.2 and 4.3) allow verifying signatures.
func (m jwkMembers) verifies() bool {
	if _, has := m["use"]; has && m.text("use") != "sig" {
		return false
	}
	if _, has := m["key_ops"]; !has {
		return true
	}
	var ops []string
	return json.Unmarshal(m["key_ops"], &ops) == nil && slices.Contains(ops, "verify")
}

// public returns the algorithm and the public key; ok is false where they are not understood.
func (m jwkMembers) public() (_ Alg, _ crypto.PublicKey, ok bool) {
	switch m.text("kty") {
	case "OKP":
		return EdDSA, ed25519.PublicKey(m.bytes("x")), m.text("crv") == "Ed25519"
	case "EC":
		x, y := m.bytes("x"), m.bytes("y")
		if m.text("crv") != "P-256" || len(x) != es256Half || len(y) != es256Half {
			return "", nil, false
		}
		point := append(append([]byte{4}, x...), y...) // uncompressed, SEC 1 section 2.3.3
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		return ES256, pub, err == nil
	case "RSA":
		e := new(big.Int).SetBytes(m.bytes("e"))
		if e.BitLen() > 31 {
			return "", nil, false
		}
		return RS256, &rsa.PublicKey{N: new(big.Int).SetBytes(m.bytes("n")), E: int(e.Int64())}, true
	}
	return "", nil, false
}

// key returns the key, nil where it is one to leave out.
func (m jwkMembers) key() (*Key, error) {
	if _, private := m["d"]; private {
		return nil, fmt.Errorf("%w: key set contains a private key", ErrKey)
	}
	alg, public, ok := m.public()
	if _, has := m["alg"]; has && m.text("alg") != string(alg) {
		ok = false
	}
	if !ok || !m.verifies() {
		return nil, nil
	}
	k, err := NewVerificationKey(m.text("kid"), alg, public)
	if err != nil {
		return nil, nil // a value out of range, which RFC 7517 section 5 says to leave out
	}
	return k, nil
}
