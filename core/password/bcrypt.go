package password

import (
	"errors"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptMaxBytes is how much of a password bcrypt reads.
const bcryptMaxBytes = 72

// bcryptHash is a whole bcrypt string.
type bcryptHash string

// parseBcrypt reads the fields after "$2b$": two digits of cost, then 22 characters of salt and 31 of hash.
func parseBcrypt(phc string, fields []string) (scheme, error) {
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(fields) != 2 || len(fields[0]) != 2 || len(fields[1]) != 53 || strings.Trim(fields[1], alphabet) != "" {
		return nil, badHash("bcrypt needs two digits of cost and 53 characters of salt and hash")
	}
	cost, err := parseDecimal("cost", strings.TrimPrefix(fields[0], "0"))
	if err != nil {
		return nil, err
	}
	if cost < uint32(bcrypt.MinCost) || cost > maxBcryptCost {
		return nil, badHash("bcrypt cost is %d, must be %d to %d", cost, bcrypt.MinCost, maxBcryptCost)
	}
	return bcryptHash(phc), nil
}

func (bcryptHash) memory() uint64 { return 8 << 10 }

// matches never takes one password for another that bcrypt cannot tell from it: bcrypt reads 72 bytes and repeats the
// password, ended by one NUL, to fill its key, so that whatever follows, and "a" and "a\x00a", would be alike. Such a
// password costs the same work and does not match; its owner needs a reset.
func (b bcryptHash) matches(password string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(b), []byte(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, badHash("bcrypt: %v", err)
	}
	return len(password) <= bcryptMaxBytes && strings.IndexByte(password, 0) < 0, nil
}
