package mail_test

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/oneauth-go/oneauth/core"
)

// Whoever signs up with a stranger's address chooses the name in the mail that the stranger gets.
func TestHostileNames(t *testing.T) {
	c, box := courier(t)
	for _, name := range []string{
		"https://evil.example/prize", "go to www.evil", "evil.example", "Win at evil．example now", "evil。com", "EVIL.COM",
		"evil.\u200bcom", "evil\u2024com", "evil.xn--p1ai", "evil.рф", "mailto:x@evil", "a@evil.com", "ｅｖｉｌ.ｃｏｍ",
		"evil.\u200dcom",
		"evil.\x00com", "javascript:alert(1)", "\u202emoc.live", "e\xffvil.com", "ｈｔｔｐ：／／ｅｖｉｌ", "ｗｗｗ.ｅ",
	} {
		n := notice(core.NoticeVerify)
		n.Name = name
		m := deliver(t, c, box, n)
		if !strings.HasPrefix(m.Text, "Hello,\n") || !strings.Contains(m.HTML, ">Hello,<") {
			t.Errorf("name %q survives: %.40q", name, m.Text)
		}
	}
	n := notice(core.NoticeVerify)
	n.Name = "<b>Bob\r\nBcc: x</b>\u202e\x1b[31m" + strings.Repeat("y", 500)
	m := deliver(t, c, box, n)
	if strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, "&lt;b&gt;Bob") {
		t.Errorf("not escaped: %s", m.HTML)
	}
	line, _, _ := strings.Cut(m.Text, "\n")
	if len([]rune(line)) > 80 || strings.ContainsFunc(line, unicode.IsControl) || strings.ContainsRune(line, '\u202e') {
		t.Errorf("greeting %q", line)
	}
	for _, name := range []string{"Ada Lovelace", "Jean-Luc O’Neill", "J. R. R. Tolkien", "Dr. Müller", "محمد",
		"李小龍", "می\u200cخواهم"} {
		n.Name = name
		if m := deliver(t, c, box, n); !strings.HasPrefix(m.Text, "Hello "+name+",\n") {
			t.Errorf("name %q became %.40q", name, m.Text)
		}
	}
}

func TestHostileDeviceAndAddress(t *testing.T) {
	c, box := courier(t)
	n := notice(core.NoticeNewSignIn)
	n.Link = ""
	n.Data = map[string]string{
		"device": "Call us: https://evil.example/x\r\n\r\n<script>alert(1)</script> www.evil.example",
		"ip":     "1.2.3.4 evil.example",
		"value":  "www.evil.example/login",
	}
	m := deliver(t, c, box, n)
	for _, bad := range []string{"://evil", "evil.example", "<script>", "\r", "1.2.3.4", "IP address"} {
		if strings.Contains(m.Text, bad) && bad != "<script>" || strings.Contains(m.HTML, bad) {
			t.Errorf("%q got through:\n%s", bad, m.Text)
		}
	}
	if !strings.Contains(m.Text, "evil[.]example") {
		t.Errorf("the device cannot be read any more:\n%s", m.Text)
	}
}

func FuzzNotice(f *testing.F) {
	f.Add("Ada", "Firefox", "a@example.com", "https://app.example/v?token=x", "de")
	f.Add("http://evil.example", "\u202e.com\x00", "a@b\r\nBcc: c", "javascript:x", "\xff")
	c, box := courier(f)
	f.Fuzz(func(t *testing.T, name, device, to, link, locale string) {
		n := core.Notice{ID: "x", Channel: core.Email, To: to, Template: core.NoticeVerify, Locale: locale, Name: name,
			Link: link, Data: map[string]string{"device": device}}
		if c.Deliver(context.Background(), n) != nil {
			return
		}
		m := box.Messages()[0]
		if strings.ContainsFunc(m.Subject+m.To, unicode.IsControl) {
			t.Errorf("control characters in %q or %q", m.Subject, m.To)
		}
		words := strings.Replace(strings.ReplaceAll(m.Text, "help@lighthouse.example", ""), link, "", 1)
		if strings.Contains(words, "://") || strings.Contains(strings.ToLower(words), "www.") {
			t.Errorf("a link of a stranger in\n%s", m.Text)
		}
		for _, r := range m.Text {
			if r != '\n' && unicode.IsControl(r) {
				t.Errorf("control character %q in the text", r)
			}
		}
		if strings.Count(m.HTML, "<a ") != 2 || strings.Contains(m.HTML, "<script") {
			t.Errorf("foreign markup in\n%s", m.HTML)
		}
	})
}

// A name that somebody asked for is shown in the mail to an address that may be a stranger's: it leads nowhere.
func TestHostileTakenName(t *testing.T) {
	c, box := courier(t)
	n := notice(core.NoticeSignUpOtherTaken)
	n.Data = map[string]string{"taken": "www.evil.example/login <b>now</b>\r\nBcc: x@evil.example"}
	m := deliver(t, c, box, n)
	for _, bad := range []string{"evil.example", "<b>", "\r"} {
		if strings.Contains(m.Subject+m.HTML, bad) || bad != "<b>" && strings.Contains(m.Text, bad) {
			t.Errorf("%q got through:\n%s", bad, m.Text)
		}
	}
}
