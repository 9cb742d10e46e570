package identifier

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// preserve applies PRECIS UsernameCasePreserved: width-folded, NFC, free of control, bidirectional, format and
// compatibility characters. It also refuses the joiners that RFC 8264 lets stand in some contexts, since they cannot be
// seen, and the few strings that a second application would change.
func preserve(s string) (string, bool) {
	out, err := precis.UsernameCasePreserved.String(s)
	if err != nil || strings.ContainsFunc(out, invisible) {
		return "", false
	}
	again, err := precis.UsernameCasePreserved.String(out)
	return out, err == nil && again == out
}

func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// fold maps a name to what it has in common with all that pass for it: compatibility normalisation and full case
// folding (Unicode section 3.13), the dotted and dotless i of Turkic languages as i, and look-alikes.
func fold(s string) string {
	if isASCII(s) {
		return lowerASCII(s)
	}
	s = strings.NewReplacer("İ", "i", "ı", "i").Replace(norm.NFKC.String(s))
	s = norm.NFKC.String(cases.Fold().String(s))
	s = norm.NFC.String(strings.ReplaceAll(norm.NFD.String(s), "i\u0307", "i"))
	return latinise(s)
}

// lookAlikes gives the Latin letter that a folded Cyrillic or Greek letter, or its capital, is mistaken for.
var lookAlikes = pairs("аaвbеeкkмmнhоoрpсcтtуyхxіiјjѕsһhԁdԛqԝwѵvӏlгrьb" + "αaβbεeζzηnιiκkμuνvοoρpτtυuχxγy")

func pairs(s string) map[rune]rune {
	m := make(map[rune]rune)
	var from rune
	for _, r := range s {
		if from == 0 {
			from = r
			continue
		}
		m[from], from = r, 0
	}
	return m
}

// latinise rewrites a word whose letters could all be taken for Latin ones (a whole-script confusable of UTS #39
// section 4.2); a word with any letter that could not be is left alone.
func latinise(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		like, found := lookAlikes[r]
		switch {
		case found:
			r = like
		case r > unicode.MaxASCII && !unicode.IsDigit(r):
			return s
		}
		out = append(out, r)
	}
	return string(out)
}

// mixedScripts reports whether s fails the "highly restrictive" level of UTS #39 section 5.2: letters of one script, or
// Latin with the scripts that Chinese, Japanese and Korean write beside it. A Cyrillic letter in a Latin word fails.
func mixedScripts(s string) bool {
	if isASCII(s) {
		return false
	}
	scripts := make(map[string]bool)
	for _, r := range s {
		if !unicode.In(r, unicode.Common, unicode.Inherited) {
			scripts[scriptOf(r)] = true
		}
	}
	if len(scripts) <= 1 {
		return false
	}
	for _, together := range []string{"Latin Han Hiragana Katakana", "Latin Han Bopomofo", "Latin Han Hangul"} {
		outside := false
		for script := range scripts {
			outside = outside || !strings.Contains(together, script)
		}
		if !outside {
			return false
		}
	}
	return true
}

func scriptOf(r rune) string {
	for _, common := range []string{"Latin", "Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Greek", "Arabic"} {
		if unicode.Is(unicode.Scripts[common], r) {
			return common
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] > unicode.MaxASCII {
			return false
		}
	}
	return true
}

// lowerASCII lowers ASCII letters and leaves all others as they are.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}
