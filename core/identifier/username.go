package identifier

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// The least and the greatest length of a username in characters (Unicode code points of its Value).
const (
	minUsername = 2
	maxUsername = 64
)

// ParseUsername parses a name of PRECIS UsernameCasePreserved (RFC 8265) of 2 to 64 characters and one script, with at
// least one letter (so that it is never read as a phone number). Of ASCII punctuation it may have . _ - + and ', but
// neither begin with - + or ' nor begin, end or double a dot.
//
// Value keeps the case, in width-folded NFC; Key is folded beyond UsernameCaseMapped.
func ParseUsername(s string) (Identifier, error) {
	s, err := prepare(Username, s)
	if err != nil {
		return Identifier{}, err
	}
	value, ok := preserve(s)
	if !ok {
		return Identifier{}, &Error{Username, "has a character that is not allowed"}
	}
	switch n := utf8.RuneCountInString(value); {
	case n < minUsername:
		return Identifier{}, &Error{Username, "must have at least 2 characters"}
	case n > maxUsername:
		return Identifier{}, &Error{Username, "must have at most 64 characters"}
	case badDots(value) || strings.ContainsRune("-+'", rune(value[0])):
		return Identifier{}, &Error{Username, "has punctuation in the wrong place"}
	case mixedScripts(value):
		return Identifier{}, &Error{Username, "mixes scripts"}
	}
	letters := false
	for _, r := range value {
		letters = letters || unicode.IsLetter(r)
		if r < utf8.RuneSelf && !alphanumeric(byte(r)) && !strings.ContainsRune("._-+'", r) {
			return Identifier{}, &Error{Username, "has a character that is not allowed"}
		}
	}
	if !letters {
		return Identifier{}, &Error{Username, "must have a letter"}
	}
	mapped, err := precis.UsernameCaseMapped.String(value)
	if err != nil {
		return Identifier{}, &Error{Username, "has a character that is not allowed"}
	}
	return Identifier{Kind: Username, Value: value, Key: keyOf(Username, fold(mapped))}, nil
}
