package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// es256Half is the length of each of the two numbers of an ES256 signature (RFC 7518 section 3.4).
const es256Half = 32

// signatureLen returns how many bytes a signature by k has.
func (k *Key) signatureLen() int {
	switch pub := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.SignatureSize
	case *ecdsa.PublicKey:
		return 2 * es256Half
	case *rsa.PublicKey:
		return pub.Size()
	}
	return sha256.Size
}

// verify reports whether signature is k's over input.
func (k *Key) verify(input, signature []byte) bool {
	switch pub := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(pub, input, signature)
	case *ecdsa.PublicKey:
		if len(signature) != 2*es256Half {
			return false
		}
		digest := sha256.Sum256(input)
		r := new(big.Int).SetBytes(signature[:es256Half])
		s := new(big.Int).SetBytes(signature[es256Half:])
		return ecdsa.Verify(pub, digest[:], r, s)
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], signature) == nil
	}
	if k.secret == nil {
		return false
	}
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	m.hmac.Reset()
	m.hmac.Write(input)
	return subtle.ConstantTimeCompare(m.hmac.Sum(m.sum[:0]), signature) == 1
}

// sign returns k's signature over input in JWS form.
func (k *Key) sign(input []byte) ([]byte, error) {
	if k.secret != nil {
		m := k.macs.Get().(*mac)
		defer k.macs.Put(m)
		m.hmac.Reset()
		m.hmac.Write(input)
		return m.hmac.Sum(nil), nil
	}
	if k.signer == nil {
		return nil, fmt.Errorf("%w: %s has no private half", ErrKey, k)
	}
	if k.alg == EdDSA {
		return k.signer.Sign(nil, input, crypto.Hash(0))
	}
	digest := sha256.Sum256(input)
	signature, err := k.signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || k.alg != ES256 {
		return signature, err
	}
	return fromASN1(signature)
}

// fromASN1 turns an ECDSA signature as crypto.Signer makes it into the two numbers side by side that JWS asks for.
func fromASN1(der []byte) ([]byte, error) {
	var n struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &n)
	if err != nil || len(rest) != 0 || n.R.Sign() < 0 || n.S.Sign() < 0 ||
		n.R.BitLen() > es256Half*8 || n.S.BitLen() > es256Half*8 {
		return nil, fmt.Errorf("%w: the signer returned no ASN.1 signature", ErrKey)
	}
	out := make([]byte, 2*es256Half)
	n.R.FillBytes(out[:es256Half])
	n.S.FillBytes(out[es256Half:])
	return out, nil
}
