// Package mail turns a [core.Notice] into a message that a person can read, and brings it to them.
//
// A [Courier] renders the notice (subject, text and HTML from one catalogue of texts per locale) and hands the
// [Message] to the [Sender] of its channel: [Console] and [Mailbox] for development, [SMTP] for production, or one of
// the application's own, for instance for SMS. Templates and texts are embedded; each can be replaced on its own, and
// [New] renders all of them once, so that a broken one is found when the program starts and not when somebody waits
// for a reset link.
//
// Everything that comes from a person or a request (name, device, address) is treated as hostile: it cannot break out
// of HTML, add a header, hide text with control characters or become a link in the reader's mail program.
package mail

import (
	"context"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core"
)

// A Message is a rendered notice, ready to be sent.
type Message struct {
	Channel  core.Channel
	To       string    // a bare address (RFC 5321 addr-spec) or a phone number (E.164): the stored one
	From     string    // empty for the sender's own; else an address, with or without display name
	Subject  string    // one line; empty for SMS
	Text     string    // the plain text part, lines end in LF
	HTML     string    // the HTML part; empty for SMS
	SentAt   time.Time // becomes the Date header
	NoticeID string    // of the notice; equal for every delivery of the same one
}

// A Sender brings a message to its person. An error means that it was not accepted and should be tried again later,
// unless errors.Is(err, [ErrRejected]). Send must be safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// maxAddress is the longest address that SMTP can carry (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const maxAddress = 254

// checkAddress accepts a bare e-mail address and nothing around it: no display name, comment, list, quoted local part,
// domain literal, white space or control character. field names the input in the error.
func checkAddress(field, s string) error {
	fail := func(why string) error {
		return core.FieldE(core.CodeInvalidEmail, field, fmt.Sprintf("%s %s", field, why))
	}
	if s == "" {
		return fail("is empty")
	}
	if len(s) > maxAddress {
		return fail(fmt.Sprintf("is longer than %d bytes", maxAddress))
	}
	if !plain(s) || strings.ContainsAny(s, " \"()<>[],;:\\") || strings.Count(s, "@") != 1 {
		return fail("is not one bare address")
	}
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return fail("is not one bare address")
	}
	return nil
}

// checkPhone accepts a phone number in E.164 form: a plus sign and 2 to 15 digits that do not begin with 0.
func checkPhone(field, s string) error {
	digits, plus := strings.CutPrefix(s, "+")
	ok := plus && len(digits) >= 2 && len(digits) <= 15 && digits[0] != '0'
	for _, r := range digits {
		ok = ok && r >= '0' && r <= '9'
	}
	if !ok {
		return core.FieldE(core.CodeInvalidPhone, field, field+" is not a phone number in E.164 form")
	}
	return nil
}

// plain reports whether s is valid UTF-8 of visible characters and spaces on one line.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
