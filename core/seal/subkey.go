package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// SubkeyBytes is the length of a subkey.
const SubkeyBytes = 32

// Subkey returns the key that the current master secret has for use, a constant such as "refresh-token". Different uses
// have independent keys; the same use has the same key on every node.
func (k *Keyring) Subkey(use string) [SubkeyBytes]byte { return k.open().masters[0].subkey(use) }

// Subkeys returns the keys for use of all master secrets, the current one first: make with the first, accept any.
func (k *Keyring) Subkeys(use string) [][SubkeyBytes]byte {
	masters := k.open().masters
	subkeys := make([][SubkeyBytes]byte, len(masters))
	for i, m := range masters {
		subkeys[i] = m.subkey(use)
	}
	return subkeys
}

func (m master) subkey(use string) [SubkeyBytes]byte {
	b, err := hkdf.Key(sha256.New, m.secret, nil, infoSubkey+use, SubkeyBytes)
	if err != nil { // only for a length over 255 hashes, or a secret shorter than New admits
		panic("seal: " + err.Error())
	}
	return [SubkeyBytes]byte(b)
}
