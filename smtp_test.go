package oneauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/internal/clock"
)

// mailServer is an SMTP server with STARTTLS that refuses the first mails, for now.
type mailServer struct {
	mu     sync.Mutex
	refuse int
	tries  int
	mails  map[string][]string // by recipient
}

// startMailServer returns its port and whom its certificate is from.
func startMailServer(t *testing.T, s *mailServer) (port int, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(s)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.ErrorLog = log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return listener.Addr().(*net.TCPAddr).Port, roots
}

// NewSession implements smtp.Backend.
func (s *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: s, conn: c}, nil
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	to     string
}

func (m *mailSession) Reset()                               {}
func (m *mailSession) Logout() error                        { return nil }
func (m *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.to = to
	return nil
}

func (m *mailSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s := m.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if _, encrypted := m.conn.TLSConnectionState(); !encrypted || s.tries <= s.refuse {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again later"}
	}
	s.mails[m.to] = append(s.mails[m.to], string(data))
	return nil
}

var mailedLink = regexp.MustCompile(`https://app\.example(/auth/verify\?token=[A-Za-z0-9_-]+)`)

// A sign-up's mail goes through the outbox to a mail server over TLS, also when that refuses at first: it is tried again
// later and later. Its link verifies the address.
func TestMailsOverSMTP(t *testing.T) {
	server := &mailServer{refuse: 2, mails: map[string][]string{}}
	port, roots := startMailServer(t, server)
	c := clock.Noon()
	sender, err := mail.NewSMTP(mail.SMTPOptions{
		Host: "127.0.0.1", Port: port, From: "Example <no-reply@app.example>", TLSConfig: &tls.Config{RootCAs: roots}, Now: c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, oneauth.WithSender(core.Email, sender), oneauth.WithEnv(held(c)))
	if w := send(auth, "POST", "/auth/signup", signUpBody(annMail)); w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	deliver := func(after time.Duration, tries, mails int) {
		t.Helper()
		c.Advance(after)
		if err := auth.Core().DeliverPending(t.Context()); err != nil {
			t.Fatal(err)
		}
		if server.tries != tries || len(server.mails[annMail]) != mails {
			t.Fatalf("after %v: %d tries, %d mails; want %d and %d", after, server.tries, len(server.mails[annMail]), tries, mails)
		}
	}
	deliver(0, 1, 0)
	deliver(time.Second, 1, 0) // not yet
	deliver(time.Second, 2, 0)
	deliver(3*time.Second, 2, 0) // the second wait is longer
	deliver(time.Second, 3, 1)
	deliver(24*time.Hour-6*time.Second-time.Minute, 3, 1) // and no more

	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(server.mails[annMail][0])))
	if err != nil {
		t.Fatal(err)
	}
	link := mailedLink.FindStringSubmatch(string(text))
	if link == nil {
		t.Fatalf("no link in %s", text)
	}
	u, err := url.Parse(link[1])
	if err != nil {
		t.Fatal(err)
	}
	w := send(auth, "POST", "/auth/verify", `{"token":"`+u.Query().Get("token")+`"}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"verified":true`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A server whose certificate nobody vouches for gets nothing.
func TestMailsGoToTheRightServerAlone(t *testing.T) {
	server := &mailServer{mails: map[string][]string{}}
	port, _ := startMailServer(t, server)
	sender, err := mail.NewSMTP(mail.SMTPOptions{Host: "127.0.0.1", Port: port, From: "no-reply@app.example"})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, oneauth.WithSender(core.Email, sender))
	send(auth, "POST", "/auth/signup", signUpBody(annMail))
	if err := auth.Core().DeliverPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	if server.tries != 0 {
		t.Error("a mail was sent to a server that nobody vouches for")
	}
}
