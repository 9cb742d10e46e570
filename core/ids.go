package core

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// The prefixes of ids, for people who read logs.
const (
	userPrefix    = "usr"
	servicePrefix = "svc"
	sessionPrefix = "ses"
	attemptPrefix = "att"
	eventPrefix   = "evt"
	noticePrefix  = "msg"
)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewID returns an id such as usr_01kaw2r5h0f8n3t6y9d2c7b4vz: 48 bits of time in milliseconds and 80 random bits, in 26
// lower-case characters of Crockford's base32, so that ids sort by the time they were made. Ids are not secrets.
func (a *Auth) NewID(prefix string) (string, error) {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(a.now().UnixMilli())<<16)
	if _, err := io.ReadFull(a.env.Rand, raw[6:]); err != nil {
		return "", fmt.Errorf("draw an id: %w", err)
	}
	return prefix + "_" + encodeID(raw), nil
}

func encodeID(raw [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// decodeID is the exact inverse of encodeID: what it accepts encodes to the same text.
func decodeID(s string) (raw [16]byte, ok bool) {
	if len(s) != 26 || s[0] > '7' {
		return raw, false
	}
	var hi, lo uint64
	for i := range len(s) {
		d := strings.IndexByte(crockford, s[i])
		if d < 0 {
			return raw, false
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(d)
	}
	binary.BigEndian.PutUint64(raw[:8], hi)
	binary.BigEndian.PutUint64(raw[8:], lo)
	return raw, true
}

// newSecret returns n random bytes.
func (a *Auth) newSecret(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(a.env.Rand, b); err != nil {
		return nil, fmt.Errorf("draw a secret: %w", err)
	}
	return b, nil
}

var b64 = base64.RawURLEncoding.Strict()

// digest is how a random secret of 128 bits or more is stored.
func digest(secret []byte) []byte {
	h := sha256.Sum256(secret)
	return h[:]
}
