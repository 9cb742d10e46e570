package identifier

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The limits of RFC 5321 section 4.5.3.1, in bytes; 254 follows from the path limit of 256 with its angle brackets.
const (
	maxLocal = 64
	maxEmail = 254
)

// domains maps and checks domain names after IDNA2008 (RFC 5891 section 5) and UTS #46, non-transitional: ß stays ß.
// Hyphens in third and fourth place are left to checkDomain, since such ASCII domains exist.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false), idna.VerifyDNSLength(true),
	idna.Transitional(false))

// ParseEmail parses a bare address, local@domain. The local part is a dot-atom of RFC 5321 or its UTF-8 form of
// RFC 6531, also acceptable to PRECIS UsernameCasePreserved (RFC 8265), of one script; the domain has at least two
// labels and is no IP address. Display names, comments, quoted local parts and lists are refused. No provider's private
// rules (dots, plus signs) are applied.
//
// Value keeps the case of the local part, in width-folded NFC; its domain is in lower-case A-labels. Key is folded.
func ParseEmail(s string) (Identifier, error) {
	s, err := prepare(Email, s)
	if err != nil {
		return Identifier{}, err
	}
	local, domain, found := strings.Cut(s, "@")
	if !found {
		return Identifier{}, &Error{Email, "has no @ sign"}
	}
	if strings.Contains(domain, "@") {
		return Identifier{}, &Error{Email, "has two @ signs"}
	}
	if local, err = parseLocal(local); err != nil {
		return Identifier{}, err
	}
	if domain, err = parseDomain(domain); err != nil {
		return Identifier{}, err
	}
	value := local + "@" + domain
	if len(value) > maxEmail {
		return Identifier{}, &Error{Email, "is longer than 254 bytes"}
	}
	return Identifier{Kind: Email, Value: value, Key: keyOf(Email, fold(local)+"@"+domain)}, nil
}

func parseLocal(s string) (string, error) {
	local, ok := preserve(s)
	if !ok {
		return "", &Error{Email, "has a character before the @ sign that is not allowed"}
	}
	switch {
	case local == "":
		return "", &Error{Email, "has nothing before the @ sign"}
	case len(local) > maxLocal:
		return "", &Error{Email, "has more than 64 bytes before the @ sign"}
	case badDots(local):
		return "", &Error{Email, "has a dot in the wrong place before the @ sign"}
	case mixedScripts(local):
		return "", &Error{Email, "mixes scripts before the @ sign"}
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; c < utf8.RuneSelf && !alphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(c)) {
			return "", &Error{Email, "has a character before the @ sign that is not allowed"}
		}
	}
	return local, nil
}

func parseDomain(s string) (string, error) {
	invalid := &Error{Email, "has no valid domain after the @ sign"}
	if s == "" {
		return "", invalid
	}
	ascii, err := domains.ToASCII(s)
	if err != nil || !checkDomain(ascii) {
		return "", invalid
	}
	unicode, err := domains.ToUnicode(ascii)
	if err != nil {
		return "", invalid
	}
	for label := range strings.SplitSeq(unicode, ".") {
		if mixedScripts(label) {
			return "", &Error{Email, "has a domain that mixes scripts in one label"}
		}
	}
	if again, err := domains.ToASCII(unicode); err != nil || again != ascii {
		return "", invalid
	}
	return ascii, nil
}

// checkDomain holds an ASCII domain against RFC 1034 and 1123, whatever the IDNA tables let through: two labels or
// more, letters, digits and inner hyphens, and a last label that is no number, which excludes IPv4 addresses.
func checkDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; c != '-' && (!alphanumeric(c) || 'A' <= c && c <= 'Z') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return strings.Trim(last, "0123456789") != ""
}

// badDots reports a dot at either end or beside another.
func badDots(s string) bool {
	return strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..")
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
