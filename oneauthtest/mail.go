package oneauthtest

import (
	"regexp"
	"testing"

	"github.com/oneauth-go/oneauth/core/mail"
)

// Mail delivers what is in the outbox, and returns the newest message. It fails when nothing was ever sent.
func (a *App) Mail(t testing.TB) mail.Message {
	t.Helper()
	messages := a.delivered(t)
	if len(messages) == 0 {
		t.Fatal("oneauthtest: no mail was sent")
	}
	return messages[0]
}

// linkRE finds the link of a message in its text.
var linkRE = regexp.MustCompile(`https?://\S+[?&](?:token|invite)=[^\s&]+`)

// Link delivers what is in the outbox, and returns the link of the newest message that has one, such as that which
// verifies an address, or an invitation. It fails when there is none.
func (a *App) Link(t testing.TB) string {
	t.Helper()
	for _, m := range a.delivered(t) {
		if link := linkRE.FindString(m.Text); link != "" {
			return link
		}
	}
	t.Fatal("oneauthtest: no mail with a link was sent")
	return ""
}

// delivered returns all messages, newest first.
func (a *App) delivered(t testing.TB) []mail.Message {
	t.Helper()
	if err := a.Core().DeliverPending(t.Context()); err != nil {
		t.Fatalf("oneauthtest: outbox: %v", err)
	}
	return a.mailbox.Messages()
}
