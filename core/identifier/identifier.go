// Package identifier turns what a person types to say who they are (an e-mail address, a phone number, a username)
// into two strings: the Value that is stored, shown and written to, and the Key that must be unique in a tenant.
//
// Everything that a reader or a mail server could take for the same name has the same Key: letters of another case or
// width, composed and decomposed accents, the Kelvin sign, the dotless i, ß and ss, a Cyrillic word made only of
// letters that look Latin. So nobody can sign up beside an existing account under a name that passes for it
// (CVE-2019-19844), and a counter keyed by it cannot be split. The other half of the defence is the caller's: look up
// by Key, but send mail to the stored Value, never to what a request typed.
//
// Two addresses with one Key are one account, yet need not be one mailbox. Before a provider's word that a person owns
// an address is taken as a proof of the stored one, ask [Identifier.SameAddress].
package identifier

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// A Kind is a sort of identifier.
type Kind string

const (
	Email    Kind = "email"    // an addr-spec of RFC 5321, internationalised after RFC 6531
	Phone    Kind = "phone"    // an E.164 number
	Username Kind = "username" // a name of RFC 8265 without '@', leading '+', or without any letter
)

// MaxKey is the greatest length of a Key in bytes.
const MaxKey = 200

// maxInput bounds the work on hostile input: nothing longer, in bytes, can be an identifier of any kind.
const maxInput = 1024

// An Identifier is one parsed, canonical name. Parsing its Value again yields the same Identifier.
type Identifier struct {
	Kind  Kind
	Value string // what is stored and mailed to
	Key   string // what must be unique; at most MaxKey bytes of valid UTF-8 without control characters
}

// Error says why a string is no identifier of a kind. It never repeats the input, so that it is safe to show and to log.
type Error struct {
	Kind   Kind
	Reason string // a sentence part for the person, such as "has two @ signs"
}

// Error returns the kind and the reason.
func (e *Error) Error() string { return string(e.Kind) + " " + e.Reason }

// Parse parses s as an identifier of the given kind. The error is an *[Error].
func Parse(kind Kind, s string) (Identifier, error) {
	switch kind {
	case Email:
		return ParseEmail(s)
	case Phone:
		return ParsePhone(s)
	case Username:
		return ParseUsername(s)
	}
	return Identifier{}, &Error{kind, "is not a kind of identifier"}
}

// Guess parses what was typed into the one box of a login form: with an '@' it is an e-mail address; with a leading
// '+', or with digits and phone separators alone, a phone number; else a username. A Value always guesses as its own
// kind. The error is an *[Error] of the kind that was guessed.
func Guess(s string) (Identifier, error) {
	if len(s) > maxInput {
		return Identifier{}, &Error{Username, "is too long"}
	}
	folded := strings.TrimSpace(width.Fold.String(s))
	switch {
	case strings.Contains(folded, "@"):
		return ParseEmail(s)
	case strings.HasPrefix(folded, "+"), onlyDigits(folded):
		return ParsePhone(s)
	}
	return ParseUsername(s)
}

// SameAddress reports whether mail or a message to i and to o reaches the same person as far as can be told from
// outside: equal phone numbers or usernames, and e-mail addresses that differ at most in the case of ASCII letters.
// It is stricter than equal Keys, where straße@example.com and strasse@example.com meet.
func (i Identifier) SameAddress(o Identifier) bool {
	if i.Kind != o.Kind || i.Key == "" || i.Key != o.Key {
		return false
	}
	return i.Kind == Username || lowerASCII(i.Value) == lowerASCII(o.Value)
}

// String returns the Value.
func (i Identifier) String() string { return i.Value }

// prepare is what all kinds begin with: bounded length, valid UTF-8, surrounding white space removed.
func prepare(kind Kind, s string) (string, error) {
	if len(s) > maxInput {
		return "", &Error{kind, "is too long"}
	}
	if !utf8.ValidString(s) {
		return "", &Error{kind, "is not valid UTF-8"}
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return "", &Error{kind, "is empty"}
	}
	return s, nil
}

var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// keyOf encodes kind and folded name. It is injective, up to SHA-256 collisions: the first byte after the kind, ':' or
// '#', tells a plain key from a hashed one, and no kind contains either.
func keyOf(kind Kind, folded string) string {
	if key := string(kind) + ":" + folded; len(key) <= MaxKey {
		return key
	}
	sum := sha256.Sum256([]byte(folded))
	return string(kind) + "#" + keyEncoding.EncodeToString(sum[:])
}
