package password

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	minContextWord  = 4   // characters; shorter ones appear in honest passwords by chance
	maxContextWord  = 128 // characters of one value that are looked at
	maxContextWords = 64
)

// contextWords returns the folded words of the given values, longest first: each value as a whole and its parts, an
// address without its top-level domain.
func contextWords(values []string) []string {
	seen := make(map[string]bool)
	add := func(word string) {
		if utf8.RuneCountInString(word) >= minContextWord && len(seen) < maxContextWords {
			seen[word] = true
		}
	}
	for _, v := range values {
		v = fold(strings.TrimSpace(strings.ToValidUTF8(cut(v, maxContextWord), "")))
		add(v)
		add(squeeze(v))
		if local, domain, ok := strings.Cut(v, "@"); ok {
			add(local)
			if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
				domain = domain[:dot]
			}
			v = local + " " + domain
		}
		for _, part := range strings.FieldsFunc(v, notWord) {
			add(part)
		}
	}
	words := make([]string, 0, len(seen))
	for w := range seen {
		words = append(words, w)
	}
	sort.Slice(words, func(i, j int) bool {
		if len(words[i]) != len(words[j]) {
			return len(words[i]) > len(words[j])
		}
		return words[i] < words[j]
	})
	return words
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// mainlyContext reports whether context words make up more than half of a folded password, or all but three characters.
func mainlyContext(folded string, words []string) bool {
	rest := folded
	for _, w := range words {
		rest = strings.ReplaceAll(rest, w, "\x00")
	}
	if rest == folded {
		return false
	}
	left := utf8.RuneCountInString(strings.ReplaceAll(rest, "\x00", ""))
	total := utf8.RuneCountInString(folded)
	return left < minContextWord || (total-left)*2 > total
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
