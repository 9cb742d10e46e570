package mail

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/oneauth-go/oneauth/core"
)

const (
	maxName  = 64  // runes of a person's name that a mail shows
	maxValue = 200 // runes of any other value
	maxLink  = 2048
)

// linkish finds what mail programs turn into a link by themselves: a scheme, "www.", or a dot followed by what may be
// a top-level domain.
var linkish = regexp.MustCompile(`(?i)://|\bwww\.|\b[a-z][a-z0-9+-]*:[^\s]|\.[\pL\pM]{2}|\.xn--`)

// dots are the characters that IDNA (UTS 46) and some mail programs read as a full stop.
var dots = strings.NewReplacer("。", ".", "．", ".", "｡", ".", "․", ".")

// looksLikeLink reports whether a mail program might make s, or a part of it, clickable. It judges the compatibility
// form without invisible characters, so that neither full-width letters nor joiners hide a host name.
func looksLikeLink(s string) bool {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return linkish.MatchString(dots.Replace(s))
}

// oneLine makes s valid UTF-8 of visible characters: control, formatting (bidi overrides, zero-width spaces),
// private and unassigned characters go, every run of white space becomes one space, and at most max runes stay.
// The two joiners stay, since names in Persian and Indic scripts need them.
func oneLine(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c', r == '\u200d', unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > max {
		s = strings.TrimSpace(string(runes[:max-1])) + "…"
	}
	return s
}

// cleanName returns a person's name fit for a greeting, or "" if there is none or a mail program could turn it into a
// link: whoever signs up with somebody else's address chooses that name, and must not send them anywhere.
func cleanName(s string) string {
	if looksLikeLink(s) {
		return ""
	}
	s = oneLine(s, maxName)
	if looksLikeLink(s) {
		return ""
	}
	return s
}

// cleanValue returns a value of Notice.Data fit for showing. An IP address must be one, an e-mail address stays as it
// is, and whatever else looks like a link is taken apart (evil[.]example) so that it stays readable and is none.
func cleanValue(key, s string) string {
	if key == "ip" {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return ""
		}
		return a.Unmap().String()
	}
	if len(s) > 16*maxValue {
		s = s[:16*maxValue]
	}
	s = oneLine(s, maxValue)
	if !looksLikeLink(s) {
		return s
	}
	if checkAddress(key, s) == nil && !strings.HasPrefix(strings.ToLower(s), "www.") {
		return s
	}
	s = dots.Replace(norm.NFKC.String(s))
	return strings.NewReplacer(".", "[.]", ":", "[:]", "\u200c", "", "\u200d", "").Replace(s)
}

// checkLink accepts an absolute http or https URL that can stand alone on a line.
func checkLink(s string) error {
	fail := func(why string) error { return core.FieldE(core.CodeInvalidField, "link", "link "+why) }
	if len(s) > maxLink {
		return fail("is longer than 2048 bytes")
	}
	if !plain(s) || strings.ContainsAny(s, " <>\"\\") {
		return fail("contains a character that a URL cannot have")
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return fail("is not an absolute http or https URL")
	}
	return nil
}
