// Package seal encrypts small secrets at rest and derives subkeys from a master secret.
//
// A [Keyring] holds a current master secret and older ones. Sealing uses the current, opening any: to rotate, put the new
// secret first and keep the old one behind it on every node, Reseal what NeedsReseal, then drop the old one.
//
// A sealed blob is
//
//	version (1 byte, 1) | key id (8 bytes) | nonce (12 bytes) | ciphertext and tag (AES-256-GCM, NIST SP 800-38D)
//
// The key and its id are HKDF-SHA-256 outputs (RFC 5869) of the master secret under different labels: neither gives
// another away. Version, key id and the strings given as bind are authenticated, so a blob opens only in the record and
// field it was sealed for. Nonces are 96 random bits; below 2^32 blobs per master secret the chance of a collision is
// under 2^-32.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MinSecretBytes is the least length of a master secret.
const MinSecretBytes = 32

// Overhead is how many bytes a blob is longer than its plaintext.
const Overhead = headerBytes + nonceBytes + tagBytes

const (
	version     = 1
	keyIDBytes  = 8
	headerBytes = 1 + keyIDBytes
	nonceBytes  = 12
	tagBytes    = 16
	keyBytes    = 32
)

// What HKDF is told, so that no two uses share a key. Uses named by callers stand under a label of their own.
const (
	infoSeal   = "oneauth seal v1"
	infoKeyID  = "oneauth key id v1"
	infoSubkey = "oneauth subkey v1:"
)

var (
	// ErrUnknownKey: the blob was sealed under a master secret that is not in the keyring.
	ErrUnknownKey = errors.New("seal: sealed under a master secret that is not in the keyring")
	// ErrCorrupt: the blob is no sealed blob, was altered, or was sealed for another record or field.
	ErrCorrupt = errors.New("seal: blob is corrupt or belongs elsewhere")
)

type keyID [keyIDBytes]byte

// master is one master secret and what is derived from it.
type master struct {
	id     keyID
	secret []byte
	aead   cipher.AEAD
}

// Keyring seals, opens and derives. It is safe for concurrent use. It never shows a secret when formatted, logged or
// marshalled, as a pointer or as a value.
type Keyring struct {
	// open returns the keys. They hide behind a function since fmt reaches through unexported fields, where it cannot
	// call methods, and follows pointers there under a verb that does not fit.
	open func() *keys
}

type keys struct {
	masters []master // the current one first

	mu   sync.Mutex // serialises rand
	rand io.Reader
}

// New returns a keyring that seals under current and opens blobs of current and old ones. Each secret needs at least
// MinSecretBytes bytes of high entropy; the same one twice is refused. rand, the source of nonces, must be
// cryptographically secure. The secrets are copied.
func New(rand io.Reader, current []byte, old ...[]byte) (*Keyring, error) {
	if rand == nil {
		return nil, errors.New("seal: New needs a source of randomness")
	}
	k := &keys{rand: rand}
	for i, secret := range append([][]byte{current}, old...) {
		m, err := newMaster(secret)
		if err != nil {
			return nil, fmt.Errorf("seal: %s: %w", secretName(i), err)
		}
		for j, other := range k.masters {
			if m.id == other.id {
				return nil, fmt.Errorf("seal: %s is the same as %s", secretName(i), secretName(j))
			}
		}
		k.masters = append(k.masters, m)
	}
	return &Keyring{open: func() *keys { return k }}, nil
}

func secretName(i int) string {
	if i == 0 {
		return "the current secret"
	}
	return fmt.Sprintf("old secret %d", i)
}

func newMaster(secret []byte) (master, error) {
	if len(secret) < MinSecretBytes {
		return master{}, fmt.Errorf("%d bytes, at least %d are needed", len(secret), MinSecretBytes)
	}
	if uniform(secret) {
		return master{}, errors.New("all bytes are the same")
	}
	m := master{secret: append([]byte(nil), secret...)}
	id, err := hkdf.Key(sha256.New, m.secret, nil, infoKeyID, keyIDBytes)
	if err != nil {
		return master{}, err
	}
	m.id = keyID(id)
	key, err := hkdf.Key(sha256.New, m.secret, nil, infoSeal, keyBytes)
	if err != nil {
		return master{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return master{}, err
	}
	m.aead, err = cipher.NewGCM(block)
	return m, err
}

// uniform reports whether all bytes are equal, as in a buffer that was never filled.
func uniform(b []byte) bool {
	for _, c := range b[1:] {
		if c != b[0] {
			return false
		}
	}
	return true
}

// KeyID returns the id of the current master secret in hexadecimal. It is no secret.
func (k *Keyring) KeyID() string { return fmt.Sprintf("%x", k.open().masters[0].id) }

// Seal encrypts plaintext under the current master secret and binds it to the given strings, such as the kind, id and
// field of the record that will hold it. It fails only if the source of randomness does.
func (k *Keyring) Seal(plaintext []byte, bind ...string) ([]byte, error) {
	keys := k.open()
	m := keys.masters[0]
	blob := make([]byte, headerBytes+nonceBytes, len(plaintext)+Overhead)
	blob[0] = version
	copy(blob[1:], m.id[:])
	nonce := blob[headerBytes:]
	keys.mu.Lock()
	_, err := io.ReadFull(keys.rand, nonce)
	keys.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("seal: drawing a nonce: %w", err)
	}
	return m.aead.Seal(blob, nonce, plaintext, associated(blob[:headerBytes], bind)), nil
}

// Open decrypts a blob that was sealed with the same bind. Errors: ErrUnknownKey, ErrCorrupt.
func (k *Keyring) Open(blob []byte, bind ...string) ([]byte, error) {
	m, err := k.find(blob)
	if err != nil {
		return nil, err
	}
	header, rest := blob[:headerBytes], blob[headerBytes:]
	plaintext, err := m.aead.Open(nil, rest[:nonceBytes], rest[nonceBytes:], associated(header, bind))
	if err != nil {
		return nil, ErrCorrupt
	}
	return plaintext, nil
}

// NeedsReseal reports whether blob was sealed under anything but the current master secret. It says nothing about
// whether the blob is intact.
func (k *Keyring) NeedsReseal(blob []byte) bool {
	m, err := k.find(blob)
	return err != nil || m.id != k.open().masters[0].id
}

// Reseal opens a blob and seals its plaintext under the current master secret with the same bind.
// Errors: ErrUnknownKey, ErrCorrupt, a failure of the source of randomness.
func (k *Keyring) Reseal(blob []byte, bind ...string) ([]byte, error) {
	plaintext, err := k.Open(blob, bind...)
	if err != nil {
		return nil, err
	}
	return k.Seal(plaintext, bind...)
}

// find returns the master secret that a blob names.
func (k *Keyring) find(blob []byte) (master, error) {
	if len(blob) < Overhead || blob[0] != version {
		return master{}, ErrCorrupt
	}
	for _, m := range k.open().masters {
		if subtle.ConstantTimeCompare(m.id[:], blob[1:headerBytes]) == 1 {
			return m, nil
		}
	}
	return master{}, ErrUnknownKey
}

// associated returns the associated data: the header, then the number of strings and each with its length before it, so
// that no two lists of strings give the same bytes.
func associated(header []byte, bind []string) []byte {
	ad := append([]byte(nil), header...)
	ad = binary.BigEndian.AppendUint64(ad, uint64(len(bind)))
	for _, s := range bind {
		ad = binary.BigEndian.AppendUint64(ad, uint64(len(s)))
		ad = append(ad, s...)
	}
	return ad
}
