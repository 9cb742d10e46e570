package password

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of stored hashes. A hash is data: whoever can write one row must not be able to exhaust memory or to occupy a
// slot for minutes.
const (
	maxHashString   = 512       // bytes of the whole string
	maxStoredKiB    = 256 << 10 // memory of one computation
	maxStoredWork   = 1 << 20   // KiB of memory x passes
	maxStoredLanes  = 16
	minStoredSalt   = 4 // NIST SP 800-63B-4 section 3.1.1.2: 32 bits
	maxStoredSalt   = 64
	minStoredKey    = 16
	maxStoredKey    = 64
	maxBcryptCost   = 15
	maxScryptFactor = 32 // r, and p
	maxIterations   = 5_000_000
)

// scheme is one stored hash, parsed and within bounds.
type scheme interface {
	// matches reports whether the hash was made from exactly these bytes.
	matches(password string) (bool, error)
	// memory returns about how many bytes one call of matches allocates.
	memory() uint64
}

// Importable reports whether phc is a hash that [Hasher.Verify] can verify: of a known scheme, well formed, with cost
// and lengths within bounds. The error is ErrUnknownScheme or ErrBadHash with the reason.
//
// Known are, with salt and hash in base64 without padding:
//
//	$argon2id$v=19$m=19456,t=2,p=1$salt$hash
//	$2a$, $2b$, $2y$                                (bcrypt)
//	$scrypt$ln=16,r=8,p=1$salt$hash                 (PHC, passlib)
//	$pbkdf2-sha256$i=600000$salt$hash               (PHC; also $pbkdf2-sha512$, and i=600000,l=32)
//	$pbkdf2-sha256$29000$salt$hash                  (passlib, "." for "+" in base64)
//	pbkdf2_sha256$600000$salt$hash                  (Django: the salt is text, the hash padded base64; also pbkdf2_sha512)
func Importable(phc string) error {
	_, err := parse(phc)
	return err
}

// parse takes a stored hash apart and holds it against the bounds.
func parse(phc string) (scheme, error) {
	if len(phc) > maxHashString {
		return nil, badHash("more than %d bytes", maxHashString)
	}
	fields := strings.Split(phc, "$")
	if fields[0] != "" {
		return parseDjango(fields)
	}
	if len(fields) < 2 {
		return nil, ErrUnknownScheme
	}
	switch fields[1] {
	case "argon2id":
		return parseArgon2id(fields[2:])
	case "2a", "2b", "2y":
		return parseBcrypt(phc, fields[2:])
	case "scrypt":
		return parseScrypt(fields[2:])
	case "pbkdf2-sha256", "pbkdf2-sha512":
		return parsePBKDF2(fields[1], fields[2:])
	}
	return nil, ErrUnknownScheme
}

func badHash(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadHash, fmt.Sprintf(format, args...))
}

// parseParams reads "a=1,b=2" with exactly the given names in the given order, as the PHC string format demands.
func parseParams(s string, names ...string) ([]uint32, error) {
	parts := strings.Split(s, ",")
	if len(parts) != len(names) {
		return nil, badHash("expected the parameters %s", strings.Join(names, ", "))
	}
	values := make([]uint32, len(names))
	for i, name := range names {
		number, ok := strings.CutPrefix(parts[i], name+"=")
		if !ok {
			return nil, badHash("expected the parameter %s", name)
		}
		v, err := parseDecimal(name, number)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// parseDecimal reads a positive decimal number without sign and leading zeros.
func parseDecimal(name, s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 10, 31)
	if err != nil || strconv.FormatUint(v, 10) != s || v == 0 {
		return 0, badHash("parameter %s is not a positive decimal number", name)
	}
	return uint32(v), nil
}

var rawBase64 = base64.RawStdEncoding.Strict()

// parseSaltAndKey decodes the last two fields of a PHC string and bounds their lengths.
func parseSaltAndKey(salt64, key64 string) (salt, key []byte, err error) {
	if salt, err = rawBase64.DecodeString(salt64); err != nil {
		return nil, nil, badHash("salt is not base64")
	}
	if key, err = rawBase64.DecodeString(key64); err != nil {
		return nil, nil, badHash("hash is not base64")
	}
	return salt, key, checkLengths(salt, key)
}

func checkLengths(salt, key []byte) error {
	if len(salt) < minStoredSalt || len(salt) > maxStoredSalt {
		return badHash("salt has %d bytes, must be %d to %d", len(salt), minStoredSalt, maxStoredSalt)
	}
	if len(key) < minStoredKey || len(key) > maxStoredKey {
		return badHash("hash has %d bytes, must be %d to %d", len(key), minStoredKey, maxStoredKey)
	}
	return nil
}
