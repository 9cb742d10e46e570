package core

import (
	"crypto/sha256"
	"math/big"
	"strings"
)

// API keys are written in base58: no look-alikes, and a double click selects the whole.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

var big58 = big.NewInt(58)

// encode58 writes b as a number of exactly n base58 digits; n is enough for len(b) bytes.
func encode58(b []byte, n int) string {
	x, digit := new(big.Int).SetBytes(b), new(big.Int)
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		x.DivMod(x, big58, digit)
		out[i] = base58[digit.Int64()]
	}
	return string(out)
}

// decode58 is the exact inverse of encode58 for size bytes.
func decode58(s string, size int) ([]byte, bool) {
	x := new(big.Int)
	for i := range len(s) {
		d := strings.IndexByte(base58, s[i])
		if d < 0 {
			return nil, false
		}
		x.Mul(x, big58).Add(x, big.NewInt(int64(d)))
	}
	if x.BitLen() > size*8 {
		return nil, false
	}
	return x.FillBytes(make([]byte, size)), true
}

const (
	keyPrefix      = "oak_"
	keyIDBytes     = 12
	keyIDDigits    = 17 // 58^17 > 2^96
	keySecretBytes = 32
	keySumBytes    = 4
	keySumDigits   = 50 // 58^50 > 2^288
)

// keyText writes an API key: oak_<id>_<secret and checksum>. The checksum covers all that is in front of it, so that a
// scanner or a typo is told from a real key without a look at the store.
func keyText(id string, secret []byte) string {
	return keyPrefix + id + "_" + encode58(append(secret[:keySecretBytes:keySecretBytes], keySum(id, secret)...), keySumDigits)
}

func keySum(id string, secret []byte) []byte {
	h := sha256.New()
	h.Write([]byte("oneauth api key " + id + " "))
	h.Write(secret)
	return h.Sum(nil)[:keySumBytes]
}

// parseKey takes apart what keyText wrote, and nothing else.
func parseKey(key string) (id string, secret []byte, ok bool) {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	if !ok || len(rest) != keyIDDigits+1+keySumDigits || rest[keyIDDigits] != '_' {
		return "", nil, false
	}
	id = rest[:keyIDDigits]
	if _, ok := decode58(id, keyIDBytes); !ok {
		return "", nil, false
	}
	raw, ok := decode58(rest[keyIDDigits+1:], keySecretBytes+keySumBytes)
	if !ok {
		return "", nil, false
	}
	secret = raw[:keySecretBytes]
	return id, secret, sameSecret(raw[keySecretBytes:], keySum(id, secret))
}
