package password

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Reason says why a policy refused a password. Reasons are stable: clients may switch on them.
type Reason string

const (
	TooShort        Reason = "too_short"        // fewer characters than the policy demands
	TooLong         Reason = "too_long"         // more bytes than the policy admits
	NotUTF8         Reason = "not_utf8"         // not valid UTF-8
	Common          Reason = "common"           // on the list of common passwords, or of the policy's own
	ContainsContext Reason = "contains_context" // mainly made of the person's or the application's names
	Guessable       Reason = "guessable"        // a repetition, a sequence, or among the first guesses of a cracker
)

// PolicyError says why a password was refused. It never contains the password.
type PolicyError struct {
	Reason Reason
	Detail string // a sentence for the person
	Score  int    // 0 to 4 as in Score, where strength was the reason; else 0
}

func (e *PolicyError) Error() string {
	return "password refused: " + string(e.Reason) + ": " + e.Detail
}

// Use says how a password is used, which decides how long it must be.
type Use uint8

const (
	Alone      Use = iota // the password is all that is asked for
	WithFactor            // a second factor is required as well
)

// Policy decides which new passwords are accepted, after NIST SP 800-63B-4 section 3.1.1.2. It has no composition rules.
// Start from DefaultPolicy and Validate what you change.
type Policy struct {
	MinLength           int      // characters where the password stands alone; default 15
	MinLengthWithFactor int      // characters where a second factor is required; default 8
	MaxBytes            int      // default 1024
	MinGuessesLog10     float64  // least strength, decimal logarithm of guesses as in Score; default 5
	Application         []string // names of the application, context words for everybody
	Blocked             []string // more common passwords, besides the embedded list; compared case-folded
}

// DefaultPolicy returns 15 characters alone, 8 with a second factor, at most 1,024 bytes, and at least
// 100,000 guesses, a thousand times what throttling lets an attacker try (NIST SP 800-63B-4 section 3.2.2).
func DefaultPolicy() Policy {
	return Policy{MinLength: 15, MinLengthWithFactor: 8, MaxBytes: MaxBytes, MinGuessesLog10: 5}
}

const (
	leastMinLength = 8
	leastMaxBytes  = 4 * 64 // 64 characters must be admitted, and one has up to 4 bytes
)

// Validate says which setting is unsafe or out of range.
func (p Policy) Validate() error {
	switch {
	case p.MinLengthWithFactor < leastMinLength || p.MinLength < p.MinLengthWithFactor:
		return fmt.Errorf("password: Policy.MinLength is %d and MinLengthWithFactor is %d, must be at least %d and in that order",
			p.MinLength, p.MinLengthWithFactor, leastMinLength)
	case p.MaxBytes < leastMaxBytes || p.MaxBytes > MaxBytes:
		return fmt.Errorf("password: Policy.MaxBytes is %d, must be %d to %d", p.MaxBytes, leastMaxBytes, MaxBytes)
	case p.MinLength > leastMaxBytes/4:
		return fmt.Errorf("password: Policy.MinLength is %d, at most %d", p.MinLength, leastMaxBytes/4)
	case !(p.MinGuessesLog10 >= 0 && p.MinGuessesLog10 <= 15):
		return fmt.Errorf("password: Policy.MinGuessesLog10 is %g, must be 0 to 15", p.MinGuessesLog10)
	}
	return nil
}

// Check returns a *PolicyError if password is not acceptable for use. context holds what an attacker would try first for
// this person: identifiers, names, the name of the application. It has no effect on the time a login takes: policies
// apply to new passwords only.
func (p Policy) Check(password string, use Use, context ...string) error {
	if len(password) > p.MaxBytes {
		return refuse(TooLong, "The password has more than %d bytes.", p.MaxBytes)
	}
	if !utf8.ValidString(password) {
		return refuse(NotUTF8, "The password is not valid UTF-8.")
	}
	least := p.MinLength
	if use == WithFactor {
		least = p.MinLengthWithFactor
	}
	if length(password) < least {
		return refuse(TooShort, "The password needs at least %d characters.", least)
	}
	folded := fold(password)
	if common(folded) || p.blocks(folded) {
		return refuse(Common, "The password is among the most common ones.")
	}
	words := contextWords(append(context[:len(context):len(context)], p.Application...))
	if mainlyContext(folded, words) {
		return refuse(ContainsContext, "The password consists mainly of your own or the application's name.")
	}
	if monotonous(folded) || monotonous(strings.ToLower(password)) {
		return refuse(Guessable, "The password is a repetition or a sequence.")
	}
	if s := strength(password, words); s.GuessesLog10 < p.MinGuessesLog10 {
		e := refuse(Guessable, "The password is easy to guess.")
		e.Score = s.Score
		return e
	}
	return nil
}

func refuse(r Reason, format string, args ...any) *PolicyError {
	return &PolicyError{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// length counts code points, of the raw or the NFKC form, whichever has fewer: NFKC makes 18 of the one U+FDFA.
func length(password string) int {
	return min(utf8.RuneCountInString(password), utf8.RuneCountInString(normalise(password)))
}

// fold returns the form in which passwords are compared with lists: NFKC and without case.
func fold(s string) string { return norm.NFKC.String(strings.ToLower(normalise(s))) }

func (p Policy) blocks(folded string) bool {
	for _, b := range p.Blocked {
		if f := fold(b); f == folded || squeeze(f) == squeeze(folded) {
			return true
		}
	}
	return false
}
