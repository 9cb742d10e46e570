package jwt

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape returns the value of the inside of a JSON string that has escapes (RFC 8259 section 7). Half a surrogate pair
// stands for no character and is refused.
func (s *scanner) unescape(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return b.String()
		}
		b.WriteString(raw[:i])
		r, size := escape(raw[i:])
		if size == 0 {
			s.fail(ErrMalformed, "wrong escape")
			return ""
		}
		b.WriteRune(r)
		raw = raw[i+size:]
	}
}

// escape decodes the escape sequence that esc begins with; a size of 0 says that there is none.
func escape(esc string) (r rune, size int) {
	if len(esc) < 2 {
		return 0, 0
	}
	switch c := esc[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := hexEscape(esc)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hexEscape(esc[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hexEscape decodes the \uXXXX that esc begins with.
func hexEscape(esc string) (rune, bool) {
	if len(esc) < 6 || esc[0] != '\\' || esc[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(esc[2:6]) {
		if c-'0' > 9 && c|0x20-'a' > 5 {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(esc[2:6], 16, 16)
	return rune(n), err == nil
}
