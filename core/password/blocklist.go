package password

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/frequency"
)

// commonText holds common passwords of 8 and more characters, one a line, in folded form and without separators.
//
//go:embed common.txt
var commonText string

// blocklist is the embedded list together with the frequency list of zxcvbn, keyed by the squeezed form.
var blocklist = sync.OnceValue(func() map[string]struct{} {
	list := make(map[string]struct{})
	add := func(word string) {
		if utf8.RuneCountInString(word) >= leastMinLength {
			list[squeeze(fold(word))] = struct{}{}
		}
	}
	for word := range strings.Lines(commonText) {
		add(strings.TrimSpace(word))
	}
	for _, word := range frequency.Lists["Passwords"].List {
		add(word)
	}
	return list
})

const (
	maxSuffix = 4  // bytes of digits and symbols that do not make a common password uncommon,
	minStem   = 12 // if it has so many bytes itself; what follows shorter ones is left to the estimate of strength
)

// common reports whether a folded password is on the list, written with or without separators, perhaps followed by a few
// digits and symbols.
func common(folded string) bool {
	s := squeeze(folded)
	stem := strings.TrimRightFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(s)-len(stem) > maxSuffix || len(stem) < minStem {
		stem = s
	}
	list := blocklist()
	_, whole := list[s]
	_, stemmed := list[stem]
	return whole || stemmed
}

// squeeze drops spaces and the punctuation that people put between words. What consists of nothing else stays as it is.
func squeeze(folded string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.,'", r) {
			return -1
		}
		return r
	}, folded)
	if s == "" {
		return folded
	}
	return s
}
