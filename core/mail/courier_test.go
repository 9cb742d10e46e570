package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
)

var noon = time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// courier returns a courier over a mailbox, for mail and SMS; change may alter the options.
func courier(t testing.TB, change ...func(*mail.Options)) (*mail.Courier, *mail.Mailbox) {
	t.Helper()
	box := mail.NewMailbox(0, clock)
	o := mail.Options{App: "Lighthouse", Support: "help@lighthouse.example", Now: clock,
		Senders: map[core.Channel]mail.Sender{core.Email: box, core.SMS: box}}
	for _, f := range change {
		f(&o)
	}
	c, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, box
}

// notice is one as the core would put it into the outbox.
func notice(template string) core.Notice {
	return core.Notice{ID: "ntc_1", Channel: core.Email, To: "ada@example.com", Template: template, Name: "Ada",
		Link: "https://app.example/auth/verify?token=a-b_c&x=1", Expires: noon.Add(time.Hour), At: noon}
}

// deliver sends n and returns the message that arrived.
func deliver(t testing.TB, c *mail.Courier, box *mail.Mailbox, n core.Notice) mail.Message {
	t.Helper()
	if err := c.Deliver(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	return box.Messages()[0]
}

var builtIns = []string{core.NoticeVerify, core.NoticeReset, core.NoticePasswordChanged, core.NoticeSignUpTaken,
	core.NoticeSignUpOtherTaken, core.NoticeNewSignIn, core.NoticeIdentityChanged}

func Example() {
	courier, err := mail.New(mail.Options{
		App:     "Lighthouse",
		Senders: map[core.Channel]mail.Sender{core.Email: mail.Console(os.Stdout)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = courier.Deliver(context.Background(), core.Notice{
		ID: "ntc_1", Channel: core.Email, To: "ada@example.com", Template: core.NoticeReset, Name: "Ada",
		Link:    "https://lighthouse.example/auth/password/reset?token=k3y",
		Expires: time.Date(2026, time.March, 5, 13, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// --- email to ada@example.com ---
	// Subject: Set a new password for Lighthouse
	//
	// Hello Ada,
	//
	// Somebody asked to reset the password of your Lighthouse account. With the link below you choose a new one.
	//
	// Choose a new password:
	//
	// https://lighthouse.example/auth/password/reset?token=k3y
	//
	// The link works until 5 March 2026, 13:00 UTC, and only once.
	//
	// If this was not you, ignore this message: your password stays as it is. Nobody from Lighthouse will ever ask you for this link.
	//
	// --
	// Lighthouse sent you this message because of something that happened with your account or address. It is sent automatically.
	// ---
}

func TestEveryTemplateInEveryLocale(t *testing.T) {
	c, box := courier(t)
	if got := c.Locales(); len(got) != 2 || got[0] != "en" || got[1] != "de" {
		t.Fatalf("locales %v", got)
	}
	for _, locale := range c.Locales() {
		for _, name := range builtIns {
			t.Run(locale+"/"+name, func(t *testing.T) {
				n := notice(name)
				n.Locale = locale
				n.Data = map[string]string{"device": "Firefox on Linux", "ip": "203.0.113.7", "change": "added",
					"value": "b@example.com"}
				m := deliver(t, c, box, n)
				for part, s := range map[string]string{"subject": m.Subject, "text": m.Text, "html": m.HTML} {
					for _, bad := range []string{"{{", "{app}", "<no value>", "Zgotmpl"} {
						if strings.Contains(s, bad) {
							t.Errorf("%s contains %q:\n%s", part, bad, s)
						}
					}
				}
				if strings.Count(m.Text, n.Link) != 1 || !strings.Contains(m.Text, "\n"+n.Link+"\n") {
					t.Errorf("the text does not have the link once, on its own line:\n%s", m.Text)
				}
				if want := `href="` + html.EscapeString(n.Link) + `"`; strings.Count(m.HTML, want) != 1 {
					t.Errorf("the HTML does not have %s once:\n%s", want, m.HTML)
				}
				if !strings.Contains(m.Subject, "Lighthouse") || !strings.Contains(m.Text, "Ada,") {
					t.Errorf("subject %q, text\n%s", m.Subject, m.Text)
				}
				if !strings.Contains(m.HTML, `<html lang="`+locale+`" dir="ltr">`) {
					t.Error("the HTML does not name its language")
				}
				for _, remote := range []string{"<img", "<script", "<link", "url(", "@import", "<table"} {
					if strings.Contains(m.HTML, remote) {
						t.Errorf("the HTML contains %s", remote)
					}
				}
				if m.SentAt != noon || m.NoticeID != "ntc_1" || m.To != "ada@example.com" {
					t.Errorf("message %+v", m)
				}
			})
		}
	}
}

func TestLocaleIsMatched(t *testing.T) {
	c, box := courier(t)
	for locale, greeting := range map[string]string{
		"de": "Hallo Ada", "de-AT": "Hallo Ada", "DE_ch": "Hallo Ada", "en-GB": "Hello Ada", "": "Hello Ada",
		"fr": "Hello Ada", "not a locale!": "Hello Ada", "../../etc": "Hello Ada",
	} {
		n := notice(core.NoticeVerify)
		n.Locale = locale
		if m := deliver(t, c, box, n); !strings.HasPrefix(m.Text, greeting) {
			t.Errorf("locale %q: %s", locale, m.Text)
		}
	}
	german, box := courier(t, func(o *mail.Options) { o.Locale = "de-DE" })
	if m := deliver(t, german, box, notice(core.NoticeReset)); !strings.Contains(m.Text,
		"gilt bis 5. März 2026, 13:00 Uhr (UTC)") {
		t.Errorf("default locale de-DE:\n%s", m.Text)
	}
}

func TestMailsSayWhatToDoWhenItWasSomebodyElse(t *testing.T) {
	c, box := courier(t)
	for name, want := range map[string]string{
		core.NoticeVerify:           "Confirm only if you created this account",
		core.NoticeReset:            "If this was not you, ignore this message",
		core.NoticePasswordChanged:  "reset your password at once",
		core.NoticeNewSignIn:        "change your password at once",
		core.NoticeIdentityChanged:  "If this was not you",
		core.NoticeSignUpTaken:      "your account is unchanged",
		core.NoticeSignUpOtherTaken: "there is nothing to do",
	} {
		m := deliver(t, c, box, notice(name))
		if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
			t.Errorf("%s does not say %q", name, want)
		}
	}
}

func TestDetailsOfASignIn(t *testing.T) {
	c, box := courier(t)
	n := notice(core.NoticeNewSignIn)
	n.Link = ""
	n.Data = map[string]string{"device": "Firefox on Linux", "ip": "::ffff:203.0.113.7"}
	m := deliver(t, c, box, n)
	if want := "\nDevice: Firefox on Linux\nIP address: 203.0.113.7\nTime: 5 March 2026, 12:00 UTC\n"; !strings.Contains(m.Text, want) {
		t.Errorf("got\n%s", m.Text)
	}
	if strings.Contains(m.HTML, `class="button"`) {
		t.Error("a button that leads nowhere")
	}
	n.Template, n.Data = core.NoticeIdentityChanged, map[string]string{"change": "removed", "value": "old@example.com"}
	if m = deliver(t, c, box, n); !strings.Contains(m.Text, "\nRemoved: old@example.com\n") {
		t.Errorf("got\n%s", m.Text)
	}
}

func TestSMSIsShortAndTextOnly(t *testing.T) {
	c, box := courier(t)
	for _, locale := range c.Locales() {
		for _, name := range builtIns {
			n := notice(name)
			n.Channel, n.To, n.Locale = core.SMS, "+4930123456", locale
			m := deliver(t, c, box, n)
			if m.HTML != "" || m.Subject != "" || m.Channel != core.SMS {
				t.Errorf("%s: %+v", name, m)
			}
			if words := strings.ReplaceAll(m.Text, n.Link, ""); len([]rune(words)) > 130 {
				t.Errorf("%s in %s: %d characters beside the link", name, locale, len([]rune(words)))
			}
			if wantLink := name == core.NoticeVerify || name == core.NoticeReset; strings.HasSuffix(m.Text,
				"\n"+n.Link) != wantLink {
				t.Errorf("%s: %q", name, m.Text)
			}
		}
	}
}

func TestBadNoticesAreRefusedByField(t *testing.T) {
	c, box := courier(t, func(o *mail.Options) { delete(o.Senders, core.SMS) })
	for name, change := range map[string]struct {
		field string
		f     func(*core.Notice)
	}{
		"no sender":          {"channel", func(n *core.Notice) { n.Channel = core.SMS; n.To = "+4930123456" }},
		"no address":         {"to", func(n *core.Notice) { n.To = "" }},
		"second header":      {"to", func(n *core.Notice) { n.To = "a@example.com\r\nBcc: b@example.com" }},
		"two addresses":      {"to", func(n *core.Notice) { n.To = "a@example.com,b@example.com" }},
		"unknown":            {"template", func(n *core.Notice) { n.Template = "../verify" }},
		"no link":            {"link", func(n *core.Notice) { n.Link = "" }},
		"script link":        {"link", func(n *core.Notice) { n.Link = "javascript:alert(1)" }},
		"relative link":      {"link", func(n *core.Notice) { n.Link = "//evil.example/verify" }},
		"two-line link":      {"link", func(n *core.Notice) { n.Link += "\nhttps://evil.example" }},
		"link with userinfo": {"link", func(n *core.Notice) { n.Link = "https://app.example@evil.example/" }},
	} {
		n := notice(core.NoticeVerify)
		change.f(&n)
		err := c.Deliver(context.Background(), n)
		var e *core.Error
		if !errors.As(err, &e) || e.Field != change.field {
			t.Errorf("%s: %v, want field %s", name, err, change.field)
		}
		if change.field == "channel" && !strings.Contains(err.Error(), `"sms"`) {
			t.Errorf("the error does not name the channel: %v", err)
		}
	}
	if n := len(box.Messages()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestOverrides(t *testing.T) {
	own := fstest.MapFS{
		"verify.txt.tmpl": {Data: []byte("Hi {{.Name}}, here you go:\n{{.Link}}\n")},
		"reset.html.tmpl": {Data: []byte(`{{define "content"}}<a href="{{.Link}}">Reset for {{.Name}}</a>{{end}}{{template "layout.html.tmpl" .}}`)},
		"README.md":       {Data: []byte("not a template")},
	}
	c, box := courier(t, func(o *mail.Options) {
		o.Templates = own
		o.Texts = map[string]map[string]string{
			"en": {"verify.subject": "Welcome aboard {app}", "invite.subject": "Join {app}",
				"invite.heading": "Join", "invite.lead": "Come in, {data.team} waits."},
			"de":    {"invite.subject": "Komm zu {app}", "invite.heading": "Komm", "invite.lead": "Komm, {data.team} wartet."},
			"de-CH": {"greeting": "Grüezi {name},"},
		}
	})
	m := deliver(t, c, box, notice(core.NoticeVerify))
	if m.Subject != "Welcome aboard Lighthouse" || !strings.HasPrefix(m.Text, "Hi Ada, here you go:\nhttps://") ||
		!strings.Contains(m.HTML, "Confirm your e-mail address") {
		t.Errorf("verify: %+v", m)
	}
	n := notice(core.NoticeReset)
	n.Name = "<i>Ada"
	if m = deliver(t, c, box, n); !strings.Contains(m.HTML, "Reset for &lt;i&gt;Ada") ||
		!strings.Contains(m.HTML, `class="card"`) {
		t.Errorf("reset: %s", m.HTML)
	}
	n = notice(core.NoticePasswordChanged)
	n.Locale = "de-CH"
	if m = deliver(t, c, box, n); !strings.HasPrefix(m.Text, "Grüezi Ada,") || !strings.Contains(m.Text, "Passwort") {
		t.Errorf("de-CH: %s", m.Text)
	}
	n = notice("invite")
	n.Data = map[string]string{"team": "the crew"}
	if m = deliver(t, c, box, n); m.Subject != "Join Lighthouse" || !strings.Contains(m.Text, "Come in, the crew waits.") {
		t.Errorf("invite: %+v", m)
	}
	n.Channel, n.To = core.SMS, "+4930123456"
	if m = deliver(t, c, box, n); m.Text != "Join Lighthouse\n"+n.Link {
		t.Errorf("invite by SMS: %q", m.Text)
	}
}

func TestBrokenOptionsAreFoundAtConstruction(t *testing.T) {
	file := func(name, text string) func(*mail.Options) {
		return func(o *mail.Options) { o.Templates = fstest.MapFS{name: {Data: []byte(text)}} }
	}
	text := func(locale, key, text string) func(*mail.Options) {
		return func(o *mail.Options) { o.Texts = map[string]map[string]string{locale: {key: text}} }
	}
	for want, change := range map[string]func(*mail.Options){
		"App must be":                      func(o *mail.Options) { o.App = "" },
		"App must be a name":               func(o *mail.Options) { o.App = "A\r\nBcc: x" },
		"Support":                          func(o *mail.Options) { o.Support = "javascript:alert(1)" },
		"Senders is empty":                 func(o *mail.Options) { o.Senders = nil },
		`channel "sms" is nil`:             func(o *mail.Options) { o.Senders[core.SMS] = nil },
		`no texts for "xx"`:                func(o *mail.Options) { o.Locale = "xx" },
		"verify.html.tmpl":                 file("verify.html.tmpl", "{{.Link"),
		"can't evaluate field Lnk":         file("reset.txt.tmpl", "{{.Lnk}}"),
		"does not have the link":           file("verify.txt.tmpl", "Hello"),
		"has no href":                      file("verify.html.tmpl", "{{.Link}}"),
		"verfiy.html.tmpl":                 file("verfiy.html.tmpl", "x"),
		`no text "hedding"`:                file("verify.html.tmpl", `<a href="{{.Link}}">{{.T "hedding"}}</a>`),
		"unknown placeholder {nmae}":       text("de", "verify.lead", "Hallo {nmae}"),
		"a { without its }":                text("de", "verify.lead", "Hallo {name"),
		`unknown key "verify.titel"`:       text("de", "verify.titel", "Hallo"),
		`locale fr lacks`:                  text("fr", "verify.lead", "Bonjour"),
		"not a BCP 47 locale":              text("no such locale", "verify.lead", "x"),
		`lacks "invite.heading"`:           text("en", "invite.subject", "x"),
		`names 1 months`:                   text("en", "months", "x"),
		"neither ltr nor rtl":              text("en", "direction", "up"),
		`locale de lacks "verify.subject"`: text("de", "verify.subject", ""),
	} {
		box := mail.NewMailbox(1, clock)
		o := mail.Options{App: "Lighthouse", Senders: map[core.Channel]mail.Sender{core.Email: box}}
		change(&o)
		if _, err := mail.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestPreview(t *testing.T) {
	c, box := courier(t)
	for _, locale := range c.Locales() {
		for _, name := range c.Templates() {
			if m, err := c.Preview(locale, name); err != nil || m.Subject == "" || m.Text == "" || m.HTML == "" {
				t.Errorf("%s in %s: %v", name, locale, err)
			}
		}
	}
	if _, err := c.Preview("en", "nothing"); err == nil {
		t.Error("preview of an unknown template")
	}
	if len(box.Messages()) != 0 {
		t.Error("a preview was sent")
	}
}

func TestDeliverConcurrently(t *testing.T) {
	c, box := courier(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			n := notice(builtIns[i%len(builtIns)])
			n.Locale = []string{"en", "de"}[i%2]
			if err := c.Deliver(context.Background(), n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(box.Messages()); n != 32 {
		t.Errorf("%d messages", n)
	}
}

func TestConsoleLeavesTheTerminalAlone(t *testing.T) {
	var out bytes.Buffer
	err := mail.Console(&out).Send(context.Background(), mail.Message{Channel: core.Email,
		To: "a@example.com\x1b[2J", Subject: "x\r\ny",
		Text: "hello\x1b]0;title\x07\nworld\n"})
	if err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.ContainsAny(s, "\x1b\x07\r") || !strings.Contains(s, "\nworld\n") {
		t.Errorf("wrote %q", s)
	}
}
