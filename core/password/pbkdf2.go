package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// pbkdf2Hash is a hash of PBKDF2 (RFC 8018 section 5.2) with HMAC-SHA-256 or HMAC-SHA-512.
type pbkdf2Hash struct {
	sha512     bool
	iterations uint32
	salt       []byte
	key        []byte
}

// parsePBKDF2 reads the fields after "$pbkdf2-sha256$" in the PHC form and in the one of passlib.
func parsePBKDF2(id string, fields []string) (scheme, error) {
	if len(fields) != 3 {
		return nil, badHash("pbkdf2 needs iterations, salt and hash")
	}
	count, phc := strings.CutPrefix(fields[0], "i=")
	length := ""
	if phc {
		count, length, _ = strings.Cut(count, ",l=")
	}
	iterations, err := parseDecimal("i", count)
	if err != nil {
		return nil, err
	}
	plus := func(s string) string { return strings.ReplaceAll(s, ".", "+") }
	salt, key, err := parseSaltAndKey(plus(fields[1]), plus(fields[2]))
	if err != nil {
		return nil, err
	}
	if length != "" {
		if l, err := parseDecimal("l", length); err != nil || int(l) != len(key) {
			return nil, badHash("pbkdf2 l is not the length of the hash")
		}
	}
	return newPBKDF2(id == "pbkdf2-sha512", iterations, salt, key)
}

// parseDjango reads "pbkdf2_sha256$iterations$salt$hash".
func parseDjango(fields []string) (scheme, error) {
	if fields[0] != "pbkdf2_sha256" && fields[0] != "pbkdf2_sha512" {
		return nil, ErrUnknownScheme
	}
	if len(fields) != 4 {
		return nil, badHash("%s needs iterations, salt and hash", fields[0])
	}
	iterations, err := parseDecimal("iterations", fields[1])
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.Strict().DecodeString(fields[3])
	if err != nil {
		return nil, badHash("hash is not base64")
	}
	salt := []byte(fields[2])
	if err := checkLengths(salt, key); err != nil {
		return nil, err
	}
	return newPBKDF2(fields[0] == "pbkdf2_sha512", iterations, salt, key)
}

func newPBKDF2(wide bool, iterations uint32, salt, key []byte) (scheme, error) {
	if iterations > maxIterations {
		return nil, badHash("%d iterations, at most %d", iterations, maxIterations)
	}
	return pbkdf2Hash{sha512: wide, iterations: iterations, salt: salt, key: key}, nil
}

func (pbkdf2Hash) memory() uint64 { return 4 << 10 }

func (p pbkdf2Hash) matches(password string) (bool, error) {
	var key []byte
	var err error
	if p.sha512 {
		key, err = pbkdf2.Key(sha512.New, password, p.salt, int(p.iterations), len(p.key))
	} else {
		key, err = pbkdf2.Key(sha256.New, password, p.salt, int(p.iterations), len(p.key))
	}
	if err != nil {
		return false, badHash("pbkdf2: %v", err)
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && !paddedLikeHMAC(password), nil
}

// paddedLikeHMAC reports whether HMAC cannot tell password from a shorter one: it pads its key with NUL bytes
// (RFC 2104 section 2), so "a" and "a\x00" are one key. Such a password does not match.
func paddedLikeHMAC(password string) bool { return strings.HasSuffix(password, "\x00") }
