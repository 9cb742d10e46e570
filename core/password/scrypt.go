package password

import (
	"crypto/subtle"

	"golang.org/x/crypto/scrypt"
)

// scryptHash is a hash of scrypt (RFC 7914).
type scryptHash struct {
	logN, r, p uint32
	salt       []byte
	key        []byte
}

// parseScrypt reads the fields after "$scrypt$".
func parseScrypt(fields []string) (scheme, error) {
	if len(fields) != 3 {
		return nil, badHash("scrypt needs parameters, salt and hash")
	}
	v, err := parseParams(fields[0], "ln", "r", "p")
	if err != nil {
		return nil, err
	}
	s := scryptHash{logN: v[0], r: v[1], p: v[2]}
	if s.logN > 30 || s.r > maxScryptFactor || s.p > maxScryptFactor {
		return nil, badHash("scrypt ln=%d, r=%d, p=%d, at most 30, %d, %d", s.logN, s.r, s.p, maxScryptFactor, maxScryptFactor)
	}
	if s.memory() > maxStoredKiB<<10 {
		return nil, badHash("scrypt needs %d bytes, at most %d", s.memory(), maxStoredKiB<<10)
	}
	if s.memory()>>10*uint64(s.p) > maxStoredWork {
		return nil, badHash("scrypt memory x p is over %d KiB", maxStoredWork)
	}
	s.salt, s.key, err = parseSaltAndKey(fields[1], fields[2])
	return s, err
}

// memory is 128·r·N for the table and 128·r·p for the blocks.
func (s scryptHash) memory() uint64 {
	return 128 * uint64(s.r) * (1<<s.logN + uint64(s.p))
}

func (s scryptHash) matches(password string) (bool, error) {
	key, err := scrypt.Key([]byte(password), s.salt, 1<<s.logN, int(s.r), int(s.p), len(s.key))
	if err != nil {
		return false, badHash("scrypt: %v", err)
	}
	return subtle.ConstantTimeCompare(key, s.key) == 1 && !paddedLikeHMAC(password), nil
}
