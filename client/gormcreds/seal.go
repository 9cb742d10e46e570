package gormcreds

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

const (
	sealed    = 1  // the first byte of what is sealed; that of JSON is another
	keyIDSize = 8  // bytes
	minKey    = 32 // bytes
)

// key seals credentials.
type key struct {
	id   []byte
	aead cipher.AEAD
}

func newKeys(secrets [][]byte) ([]key, error) {
	var keys []key
	for i, secret := range secrets {
		if len(secret) < minKey {
			return nil, fmt.Errorf("gormcreds: Options.Keys[%d] has %d bytes, and must have at least %d", i, len(secret), minKey)
		}
		derived, err := hkdf.Key(sha256.New, secret, nil, "oneauth gormcreds 1", keyIDSize+32)
		if err != nil {
			return nil, fmt.Errorf("gormcreds: %w", err)
		}
		block, err := aes.NewCipher(derived[keyIDSize:])
		if err != nil {
			return nil, fmt.Errorf("gormcreds: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("gormcreds: %w", err)
		}
		keys = append(keys, key{derived[:keyIDSize], aead})
	}
	return keys, nil
}

// seal encrypts a text for one row: version, id of the key, nonce, ciphertext.
func (k key) seal(text []byte, row string) []byte {
	return k.aead.Seal(append([]byte{sealed}, k.id...), nil, text, []byte(row))
}

// unseal is the opposite. Where there are keys nothing that is not sealed is taken, and the other way round.
func unseal(keys []key, value []byte, row string) ([]byte, error) {
	isSealed := len(value) > 0 && value[0] == sealed
	switch {
	case len(keys) == 0 && isSealed:
		return nil, fmt.Errorf("%w: it is sealed, and no key was given", ErrWrongKey)
	case len(keys) == 0:
		return value, nil
	case !isSealed:
		return nil, fmt.Errorf("%w: it is not sealed", ErrWrongKey)
	}
	id, body := value[1:min(1+keyIDSize, len(value))], value[min(1+keyIDSize, len(value)):]
	for _, k := range keys {
		if !bytes.Equal(k.id, id) {
			continue
		}
		text, err := k.aead.Open(nil, nil, body, []byte(row))
		if err != nil {
			return nil, fmt.Errorf("%w: it was changed, or is of another name", ErrWrongKey)
		}
		return text, nil
	}
	return nil, fmt.Errorf("%w: it was sealed with another", ErrWrongKey)
}
