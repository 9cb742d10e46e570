package identifier

import (
	"strings"

	"golang.org/x/text/width"
)

// phoneSeparators may stand anywhere in a phone number and mean nothing (RFC 3966 section 3 calls them visual).
const phoneSeparators = " -.()/"

// ParsePhone parses an international number of E.164: '+' and 7 to 15 digits, the first not 0. Spaces and - . ( ) / are
// removed. Full-width forms, as an East Asian keyboard types them, are mapped; all other digits outside ASCII are
// refused. A number without '+' is refused, even one that begins with 00: what country it belongs to is not guessed.
func ParsePhone(s string) (Identifier, error) {
	s, err := prepare(Phone, s)
	if err != nil {
		return Identifier{}, err
	}
	rest, found := strings.CutPrefix(strings.TrimSpace(width.Fold.String(s)), "+")
	if !found {
		return Identifier{}, &Error{Phone, "must begin with + and the country code"}
	}
	number := []byte("+")
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case '0' <= c && c <= '9':
			number = append(number, c)
		case strings.IndexByte(phoneSeparators, c) < 0:
			return Identifier{}, &Error{Phone, "has a character that is not allowed"}
		}
	}
	switch digits := len(number) - 1; {
	case digits < 7:
		return Identifier{}, &Error{Phone, "is too short"}
	case digits > 15:
		return Identifier{}, &Error{Phone, "is too long"}
	case number[1] == '0':
		return Identifier{}, &Error{Phone, "must begin with + and the country code"}
	}
	return Identifier{Kind: Phone, Value: string(number), Key: keyOf(Phone, string(number))}, nil
}

// onlyDigits reports whether s is digits and separators, with at least one digit.
func onlyDigits(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.Trim(s, "0123456789"+phoneSeparators) == ""
}
