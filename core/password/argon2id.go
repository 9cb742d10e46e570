package password

import (
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// argon2id is a hash of Argon2id version 1.3 (RFC 9106) without secret and associated data.
type argon2id struct {
	params Params
	salt   []byte
	key    []byte
}

// parseArgon2id reads the fields after "$argon2id$".
func parseArgon2id(fields []string) (scheme, error) {
	if len(fields) != 4 {
		return nil, badHash("argon2id needs version, parameters, salt and hash")
	}
	if fields[0] != "v=19" {
		return nil, badHash("argon2id version is not 19")
	}
	v, err := parseParams(fields[1], "m", "t", "p")
	if err != nil {
		return nil, err
	}
	if v[2] > maxStoredLanes {
		return nil, badHash("argon2id p is %d, at most %d", v[2], maxStoredLanes)
	}
	params := Params{MemoryKiB: v[0], Passes: v[1], Parallelism: uint8(v[2])}
	if err := checkArgon2Cost(params.MemoryKiB, params.Passes, params.Parallelism); err != nil {
		return nil, badHash("%v", err)
	}
	salt, key, err := parseSaltAndKey(fields[2], fields[3])
	if err != nil {
		return nil, err
	}
	return argon2id{params: params, salt: salt, key: key}, nil
}

// checkArgon2Cost bounds memory and work; RFC 9106 section 3.1 demands m >= 8p.
func checkArgon2Cost(memoryKiB, passes uint32, lanes uint8) error {
	switch {
	case memoryKiB < 8*uint32(lanes):
		return fmt.Errorf("argon2id m is %d KiB, at least 8 for each of %d lanes", memoryKiB, lanes)
	case memoryKiB > maxStoredKiB:
		return fmt.Errorf("argon2id m is %d KiB, at most %d", memoryKiB, maxStoredKiB)
	case uint64(memoryKiB)*uint64(passes) > maxStoredWork:
		return fmt.Errorf("argon2id m x t is over %d KiB", maxStoredWork)
	}
	return nil
}

func (a argon2id) memory() uint64 { return uint64(a.params.MemoryKiB) << 10 }

func (a argon2id) derive(password string) []byte {
	p := a.params
	return argon2.IDKey([]byte(password), a.salt, p.Passes, p.MemoryKiB, p.Parallelism, uint32(len(a.key)))
}

func (a argon2id) matches(password string) (bool, error) {
	return subtle.ConstantTimeCompare(a.derive(password), a.key) == 1, nil
}

// String returns the PHC string.
func (a argon2id) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		a.params.MemoryKiB, a.params.Passes, a.params.Parallelism,
		rawBase64.EncodeToString(a.salt), rawBase64.EncodeToString(a.key))
}
