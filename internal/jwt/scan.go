package jwt

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep objects and arrays of a header or payload may nest; the outermost object counts as one.
	MaxDepth = 32
	// MaxMembers is how many members one object of a header or payload may have.
	MaxMembers = 256

	endOfTime = 253402300800 // 10000-01-01T00:00:00Z, the first second that no NumericDate may reach
)

// A scanner reads one JSON text (RFC 8259) front to back and only once. The first error sticks: every method is then a
// no-op that returns zero values, and the caller looks at err at the end.
type scanner struct {
	src   string
	pos   int
	depth int
	err   error
	names []string // of the members read so far, of all open objects, innermost last
}

func (s *scanner) reset(src string) {
	clear(s.names)
	*s = scanner{src: src, names: s.names[:0]}
}

func (s *scanner) fail(kind error, what string) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: %s at byte %d", kind, what, s.pos)
		s.pos = len(s.src)
	}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes c, which must come next.
func (s *scanner) take(c byte, what string) bool {
	if s.peek() != c || s.err != nil {
		s.fail(ErrMalformed, what)
		return false
	}
	s.pos++
	return true
}

func (s *scanner) end() error {
	if s.err == nil && (s.peek() != 0 || s.pos != len(s.src)) {
		s.fail(ErrMalformed, "trailing bytes")
	}
	return s.err
}

func (s *scanner) enter(open byte, what string) bool {
	if !s.take(open, what) {
		return false
	}
	if s.depth++; s.depth > MaxDepth {
		s.fail(ErrMalformed, "nesting too deep")
		return false
	}
	return true
}

// more reports whether another element follows in the array or object that close ends, and consumes what separates it
// from the one before.
func (s *scanner) more(first bool, close byte) bool {
	if s.peek() == close {
		s.pos++
		s.depth--
		return false
	}
	return s.err == nil && (first || s.take(',', "missing comma"))
}

// member reads a name and its colon.
func (s *scanner) member() string {
	name := s.str()
	s.take(':', "missing colon")
	return name
}

// remember notes the name of a member of the innermost object, whose first name is s.names[base], and refuses a second
// one that is the same.
func (s *scanner) remember(base int, name string, same func(a, b string) bool) {
	if len(s.names)-base >= MaxMembers {
		s.fail(ErrMalformed, "too many members")
		return
	}
	for _, other := range s.names[base:] {
		if same(other, name) {
			s.fail(ErrMalformed, "duplicate member")
			return
		}
	}
	s.names = append(s.names, name)
}

// skip reads one value of any kind, checks it wholly, and forgets it.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '"':
		s.str()
	case c == '{':
		s.skipObject()
	case c == '[':
		s.enter('[', "")
		for first := true; s.err == nil && s.more(first, ']'); first = false {
			s.skip()
		}
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	default:
		s.number()
	}
}

func (s *scanner) skipObject() {
	s.enter('{', "")
	base := len(s.names)
	for first := true; s.err == nil && s.more(first, '}'); first = false {
		s.remember(base, s.member(), equal)
		s.skip()
	}
	clear(s.names[base:])
	s.names = s.names[:base]
}

func equal(a, b string) bool { return a == b }

func (s *scanner) literal(word string) {
	if !strings.HasPrefix(s.src[s.pos:], word) {
		s.fail(ErrMalformed, "unknown literal")
		return
	}
	s.pos += len(word)
}

// str reads a string and returns its value: a part of the source where it has no escapes.
func (s *scanner) str() string {
	if !s.take('"', "string expected") {
		return ""
	}
	start, ascii, escaped := s.pos, true, false
	for i := start; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '"':
			raw := s.src[start:i]
			s.pos = i + 1
			if !ascii && !utf8.ValidString(raw) {
				s.fail(ErrMalformed, "invalid UTF-8")
				return ""
			}
			if escaped {
				return s.unescape(raw)
			}
			return raw
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			s.pos = i
			s.fail(ErrMalformed, "control character")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.fail(ErrMalformed, "unterminated string")
	return ""
}

// number reads a number and returns its text. What a float64 cannot hold is refused.
func (s *scanner) number() string {
	start := s.pos
	if s.pos < len(s.src) && s.src[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.src) && s.src[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return ""
	}
	if s.pos < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return ""
		}
	}
	exponent := s.pos < len(s.src) && s.src[s.pos]|0x20 == 'e'
	if exponent {
		s.pos++
		if s.pos < len(s.src) && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return ""
		}
	}
	text := s.src[start:s.pos]
	if exponent || len(text) > 300 {
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			s.fail(ErrMalformed, "number out of range")
			return ""
		}
	}
	return text
}

// digits consumes one digit or more.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	if s.pos == start {
		s.fail(ErrMalformed, "value expected")
		return false
	}
	return true
}

// text reads the value of a registered claim or header parameter that is a string.
func (s *scanner) text() string {
	if s.peek() != '"' {
		s.fail(ErrClaimType, "string expected")
		return ""
	}
	return s.str()
}

// texts reads the value of a registered claim that is an array of strings.
func (s *scanner) texts() (list []string) {
	if s.peek() != '[' {
		s.fail(ErrClaimType, "array expected")
		return nil
	}
	s.enter('[', "")
	for first := true; s.err == nil && s.more(first, ']'); first = false {
		list = append(list, s.text())
	}
	return list
}

// date reads a NumericDate (RFC 7519 section 2) as whole seconds since 1970.
func (s *scanner) date() int64 {
	if c := s.peek(); c != '-' && c-'0' > 9 {
		s.fail(ErrClaimType, "number expected")
		return 0
	}
	text := s.number()
	if len(text) <= 12 {
		if n, err := strconv.ParseUint(text, 10, 63); err == nil && n < endOfTime {
			return int64(n)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if s.err == nil && (err != nil || !(f >= 0 && f < endOfTime)) {
		s.fail(ErrClaimType, "date out of range")
	}
	if s.err != nil {
		return 0
	}
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*1e9)).Unix()
}
