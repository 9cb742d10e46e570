package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
)

// sender returns an SMTP sender for the sink.
func sender(t testing.TB, s *sink, change ...func(*mail.SMTPOptions)) *mail.SMTP {
	t.Helper()
	o := mail.SMTPOptions{Host: "127.0.0.1", Port: s.port, From: "Léa at Lighthouse <no-reply@lighthouse.example>",
		TLSConfig: &tls.Config{RootCAs: s.roots}, HELO: "app.lighthouse.example", Now: clock}
	for _, f := range change {
		f(&o)
	}
	smtp, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return smtp
}

func login(o *mail.SMTPOptions) { o.Username, o.Password = "app", "s3cret" }

func message() mail.Message {
	return mail.Message{Channel: core.Email, To: "ada@example.com", Subject: "Grüße – bestätigen Sie", NoticeID: "ntc_1",
		Text: "Hallo Jörg,\n\nhttps://app.example/auth/verify?token=" + strings.Repeat("a-b_c", 20) + "\n.\nEnde\n",
		HTML: `<p>Hallo Jörg, <a href="https://app.example/">Grüße</a></p>`, SentAt: noon}
}

// parts parses a message as a mail program would: header, text and HTML.
func parts(t *testing.T, data string) (netmail.Header, string, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var list []string
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatal(err, p.Header)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if len(list) != 4 || !strings.HasPrefix(list[0], "text/plain; charset=UTF-8") ||
		!strings.HasPrefix(list[2], "text/html; charset=UTF-8") {
		t.Fatalf("parts %q", list)
	}
	return m.Header, list[1], list[3]
}

func TestSMTPDelivers(t *testing.T) {
	for mode, policy := range map[string]mail.TLSPolicy{"starttls": mail.StartTLS, "implicit": mail.ImplicitTLS} {
		t.Run(mode, func(t *testing.T) {
			s := newSink(t, mode, "127.0.0.1")
			smtp := sender(t, s, login, func(o *mail.SMTPOptions) { o.TLS = policy })
			for range 2 { // the outbox delivers at least once
				if err := smtp.Send(context.Background(), message()); err != nil {
					t.Fatal(err)
				}
			}
			other := message()
			other.NoticeID = "ntc_2"
			if err := smtp.Send(context.Background(), other); err != nil {
				t.Fatal(err)
			}
			got := s.received()
			if len(got) != 3 || !got[0].tls || got[0].from != "no-reply@lighthouse.example" || got[0].to != "ada@example.com" {
				t.Fatalf("received %+v", got)
			}
			if logins := s.attempts(); len(logins) != 3 || logins[0] != "app:s3cret" {
				t.Errorf("logins %v", logins)
			}
			checkDelivered(t, got[0].data)
			ids := map[string]int{}
			for _, r := range got {
				h, _, _ := parts(t, r.data)
				ids[h.Get("Message-Id")]++
			}
			first, _, _ := parts(t, got[0].data)
			if len(ids) != 2 || ids[first.Get("Message-Id")] != 2 || strings.Contains(first.Get("Message-Id"), "ntc_1") {
				t.Errorf("Message-IDs %v", ids)
			}
		})
	}
}

func checkDelivered(t *testing.T, data string) {
	t.Helper()
	m := message()
	h, text, html := parts(t, data)
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if text != m.Text || html != m.HTML {
		t.Errorf("text %q\nhtml %q", text, html)
	}
	from, err := h.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Léa at Lighthouse" ||
		from[0].Address != "no-reply@lighthouse.example" {
		t.Errorf("from %v, %v", from, err)
	}
	if date, err := h.Date(); err != nil || !date.Equal(noon) {
		t.Errorf("date %v, %v", date, err)
	}
	if h.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(h.Get("Message-Id"), "@lighthouse.example>") ||
		h.Get("User-Agent") != "" || h.Get("X-Mailer") != "" {
		t.Errorf("header %v", h)
	}
}

func TestSMTPNeverGoesOnWithoutTLS(t *testing.T) {
	s := newSink(t, "plain", "127.0.0.1")
	if err := sender(t, s, login).Send(context.Background(), message()); err == nil ||
		!strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("a server without STARTTLS: %v", err)
	}
	if len(s.received()) != 0 || len(s.attempts()) != 0 {
		t.Errorf("sent in clear text: %v %v", s.received(), s.attempts())
	}
	if err := sender(t, s, func(o *mail.SMTPOptions) { o.TLS = mail.Opportunistic }).Send(context.Background(),
		message()); err != nil {
		t.Errorf("by explicit choice: %v", err)
	}
	if got := s.received(); len(got) != 1 || got[0].tls {
		t.Errorf("by explicit choice: %+v", got)
	}
	upgraded := newSink(t, "starttls", "127.0.0.1")
	err := sender(t, upgraded,
		func(o *mail.SMTPOptions) { o.TLS = mail.Opportunistic }).Send(context.Background(), message())
	if got := upgraded.received(); err != nil || len(got) != 1 || !got[0].tls {
		t.Errorf("opportunistic with STARTTLS on offer: %v %+v", err, got)
	}
}

func TestSMTPChecksTheCertificate(t *testing.T) {
	for mode, policy := range map[string]mail.TLSPolicy{"starttls": mail.StartTLS, "implicit": mail.ImplicitTLS} {
		for name, change := range map[string]struct {
			host string
			f    func(*mail.SMTPOptions)
		}{
			"for another host": {"mail.example.com", func(*mail.SMTPOptions) {}},
			"of nobody known":  {"127.0.0.1", func(o *mail.SMTPOptions) { o.TLSConfig = nil }},
		} {
			s := newSink(t, mode, change.host)
			smtp := sender(t, s, login, func(o *mail.SMTPOptions) { o.TLS = policy }, change.f)
			err := smtp.Send(context.Background(), message())
			var bad *tls.CertificateVerificationError
			if !errors.As(err, &bad) {
				t.Errorf("%s, %s: %v", mode, name, err)
			}
			if len(s.attempts()) != 0 || len(s.received()) != 0 {
				t.Errorf("%s, %s: the server learnt something", mode, name)
			}
		}
	}
}

func TestSMTPRefusesOldTLS(t *testing.T) {
	s := newSink(t, "starttls", "127.0.0.1", func(s *sink) { s.maxTLS = tls.VersionTLS11 })
	err := sender(t, s, login,
		func(o *mail.SMTPOptions) { o.TLSConfig.MinVersion = tls.VersionTLS10 }).Send(context.Background(), message())
	if err == nil || len(s.attempts()) != 0 || len(s.received()) != 0 {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestSMTPSaysWhatTheServerRefuses(t *testing.T) {
	s := newSink(t, "starttls", "127.0.0.1")
	for to, permanent := range map[string]bool{"nobody@example.com": true, "full@example.com": false} {
		m := message()
		m.To = to
		err := sender(t, s).Send(context.Background(), m)
		if err == nil || errors.Is(err, mail.ErrRejected) != permanent {
			t.Errorf("%s: %v", to, err)
		}
	}
	wrong := sender(t, s, login, func(o *mail.SMTPOptions) { o.Password = "wr0ng" })
	if err := wrong.Send(context.Background(), message()); err == nil || errors.Is(err, mail.ErrRejected) ||
		strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("bad credentials: %v", err)
	}
	mute := newSink(t, "starttls", "127.0.0.1", func(s *sink) { s.noAuth = true })
	if err := sender(t, mute, login).Send(context.Background(), message()); err == nil {
		t.Error("a server without AUTH got the message though credentials are configured")
	}
	if len(s.received())+len(mute.received()) != 0 {
		t.Error("a refused message arrived")
	}
}

func TestSMTPHonoursTheContext(t *testing.T) {
	s := newSink(t, "starttls", "127.0.0.1", func(s *sink) { s.stall = make(chan struct{}) })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := sender(t, s).Send(ctx, message()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow server: %v", err)
	}
	quick := sender(t, s, func(o *mail.SMTPOptions) { o.Timeout = 100 * time.Millisecond })
	if err := quick.Send(context.Background(), message()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow server, own timeout: %v", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	cancel()
	if err := sender(t, s).Send(ctx, message()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("context that has ended: %v", err)
	}
}

func TestSMTPRefusesWhatCouldInjectAHeader(t *testing.T) {
	s := newSink(t, "starttls", "127.0.0.1")
	for _, to := range []string{
		"", "a@example.com\r\nBcc: b@example.com", "a@example.com\n", "a@example.com\x00", "a@example.com, b@example.com",
		"Ada <a@example.com>", "<a@example.com>", "a@evil.example@example.com", `"a b"@example.com`, "a@[127.0.0.1]",
		"a b@example.com",
		"a@example.com (comment)", "a@example.com.", "group: a@example.com;", "a@" + strings.Repeat("x", 300),
		"@example.com", "a@", "a\u202eb@example.com", "a\u200b@example.com", "\xff@example.com",
	} {
		m := message()
		m.To = to
		var e *core.Error
		if err := sender(t, s).Send(context.Background(), m); !errors.As(err, &e) || e.Field != "to" {
			t.Errorf("to %q: %v", to, err)
		}
	}
	for field, change := range map[string]func(*mail.Message){
		"subject": func(m *mail.Message) { m.Subject = "Hi\r\nBcc: b@example.com" },
		"from":    func(m *mail.Message) { m.From = "x <a@example.com>\r\nBcc: b@example.com" },
		"text":    func(m *mail.Message) { m.Text = "" },
		"channel": func(m *mail.Message) { m.Channel = core.SMS },
	} {
		m := message()
		change(&m)
		var e *core.Error
		if err := sender(t, s).Send(context.Background(), m); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	m := message()
	m.NoticeID = "x>\r\nBcc: b@example.com"
	m.From = "billing@lighthouse.example"
	if err := sender(t, s).Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	got := s.received()
	if len(got) != 1 || got[0].from != "billing@lighthouse.example" || strings.Contains(got[0].data, "Bcc") {
		t.Errorf("received %+v", got)
	}
}

func TestSMTPOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*mail.SMTPOptions){
		"Host":               func(o *mail.SMTPOptions) { o.Host = "" },
		"Host must":          func(o *mail.SMTPOptions) { o.Host = "mail.example\r\n" },
		"Port":               func(o *mail.SMTPOptions) { o.Port = 70000 },
		"From":               func(o *mail.SMTPOptions) { o.From = "" },
		"From must":          func(o *mail.SMTPOptions) { o.From = "a@example.com, b@example.com" },
		"Username without":   func(o *mail.SMTPOptions) { o.Username = "app" },
		"Password without":   func(o *mail.SMTPOptions) { o.Password = "x" },
		"Opportunistic":      func(o *mail.SMTPOptions) { login(o); o.TLS = mail.Opportunistic },
		"unknown policy":     func(o *mail.SMTPOptions) { o.TLS = 9 },
		"Timeout":            func(o *mail.SMTPOptions) { o.Timeout = -1 },
		"HELO":               func(o *mail.SMTPOptions) { o.HELO = "a b" },
		"skips verification": func(o *mail.SMTPOptions) { o.TLSConfig = &tls.Config{InsecureSkipVerify: true} },
	} {
		o := mail.SMTPOptions{Host: "mail.example.com", From: "no-reply@example.com"}
		change(&o)
		if _, err := mail.NewSMTP(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
}

// What goes wrong after the server took the message must not make the outbox send it again.
func TestSMTPAcceptedIsDelivered(t *testing.T) {
	s := newSink(t, "starttls", "127.0.0.1", func(s *sink) { s.hangUp = true })
	if err := sender(t, s).Send(context.Background(), message()); err != nil {
		t.Error(err)
	}
	if n := len(s.received()); n != 1 {
		t.Errorf("%d messages", n)
	}
}
