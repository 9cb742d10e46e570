package password

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/matching"
	"golang.org/x/text/unicode/norm"
)

// estimated is how many characters of a password are estimated at a time; the time grows with the square.
const estimated = 100

// Score is an estimate of how hard a password is to guess.
type Score struct {
	Score        int     // 0 (among the first guesses) to 4 (hard to guess offline)
	GuessesLog10 float64 // decimal logarithm of the guesses that a cracker needs
}

// scoreSteps are the decimal logarithms of guesses at which a score of 1, 2, 3 and 4 begins.
var scoreSteps = [...]float64{6.3, 8.3, 10.3, 12.3}

// Strength estimates a password with zxcvbn, for a strength meter. context is what the person would be guessed by. Of a
// password of more than 100 characters the first and the last 100 are estimated and the better counts.
func Strength(password string, context ...string) Score {
	if !utf8.ValidString(password) {
		password = strings.ToValidUTF8(password, "?")
	}
	return strength(cut(password, MaxBytes), contextWords(context))
}

func strength(password string, words []string) Score {
	ascii := toASCII(password)
	inputs := make([]string, len(words))
	for i, w := range words {
		inputs[i] = toASCII(w)
	}
	bits := entropy(ascii[:min(len(ascii), estimated)], inputs)
	if len(ascii) > estimated {
		bits = max(bits, entropy(ascii[len(ascii)-estimated:], inputs))
	}
	s := Score{GuessesLog10: bits * math.Log10(2)}
	for _, step := range scoreSteps {
		if s.GuessesLog10 >= step {
			s.Score++
		}
	}
	return s
}

// entropy returns the bits of an ASCII password. Substitutions such as "4" for "a" are undone here, in one way: the
// library tries all combinations, which takes seconds for a password that is made for it.
func entropy(ascii string, inputs []string) float64 {
	unit, times := period(ascii)
	bits := estimate(unit, inputs)
	if plain := unleet.Replace(unit); plain != unit {
		bits = min(bits, estimate(plain, inputs)+2)
	}
	return bits + math.Log2(float64(times))
}

func estimate(ascii string, inputs []string) float64 {
	if ascii == "" {
		return 0
	}
	return zxcvbn.PasswordStrength(ascii, inputs, matching.FilterL33tMatcher).Entropy
}

var unleet = strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "3", "e", "6", "g", "1", "i", "!", "i",
	"0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")

// toASCII maps a password to printable ASCII, which is all that zxcvbn handles: accents are dropped, any other character
// becomes a symbol that depends on the character alone, so that repetitions stay repetitions.
func toASCII(s string) string {
	const symbols = "~^`;:/?=\"\\#&*)}]>"
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		default:
			b.WriteByte(symbols[int(r)%len(symbols)])
		}
	}
	return b.String()
}

// period returns the shortest string that, repeated, begins and fills s, and how often it is begun: "abcabcab" has the
// period "abc", 3 times.
func period(s string) (unit string, times int) {
	if s == "" {
		return s, 1
	}
	// border[i] is the length of the longest proper prefix of s[:i+1] that is also its suffix.
	border := make([]int, len(s))
	for i, k := 1, 0; i < len(s); i++ {
		for k > 0 && s[i] != s[k] {
			k = border[k-1]
		}
		if s[i] == s[k] {
			k++
		}
		border[i] = k
	}
	n := len(s) - border[len(s)-1]
	if n > len(s)/2 {
		return s, 1
	}
	return s[:n], (len(s) + n - 1) / n
}

const (
	minPeriod   = 8 // characters that must pass before a password repeats itself
	minDistinct = 4 // different characters
)

// monotonous reports whether a folded password is a short block repeated, has hardly any different characters, or mostly
// stays or runs up or down the alphabet, in any script.
func monotonous(folded string) bool {
	if unit, times := period(folded); times > 1 && utf8.RuneCountInString(unit) < minPeriod {
		return true
	}
	runes := []rune(folded)
	distinct := make(map[rune]struct{}, len(runes))
	steps := 0
	for i, r := range runes {
		distinct[r] = struct{}{}
		if i > 0 && r-runes[i-1] >= -1 && r-runes[i-1] <= 1 {
			steps++
		}
	}
	jumps := len(runes) - 1 - steps
	return len(distinct) < minDistinct || jumps < minPeriod && steps >= 3*jumps
}
