package core

import (
	"crypto/subtle"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sameSecret compares two digests in constant time.
func sameSecret(x, y []byte) bool {
	return len(x) > 0 && subtle.ConstantTimeCompare(x, y) == 1
}

// clip returns s as storable text of at most n bytes: valid UTF-8 without control characters, and without those that
// change how what is around them reads, such as bidi overrides. The two joiners stay: scripts and emoji need them.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c', r == '\u200d':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
