package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A sink is an SMTP server that keeps what it accepts.
type sink struct {
	port  int
	roots *x509.CertPool

	noAuth bool          // do not offer AUTH
	stall  chan struct{} // when not nil, DATA waits for it
	maxTLS uint16        // newest version of TLS, 0 for any
	hangUp bool          // close the connection once a message is accepted

	mu     sync.Mutex
	mails  []received
	logins []string // "user:password" of every attempt
}

type received struct {
	from, to, data string
	tls            bool
}

// newSink starts a server with a certificate for host: with STARTTLS, with implicit TLS, or without any.
func newSink(t *testing.T, mode, host string, change ...func(*sink)) *sink {
	t.Helper()
	s := &sink{}
	for _, f := range change {
		f(s)
	}
	cert := s.certificate(t, host)
	server := smtp.NewServer(s)
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: s.maxTLS}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	switch mode {
	case "starttls":
		server.TLSConfig = config
	case "implicit":
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() {
		if s.stall != nil {
			close(s.stall)
		}
		_ = server.Close()
		<-done
	})
	return s
}

func (s *sink) certificate(t *testing.T, host string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (s *sink) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *sink) attempts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.logins...)
}

// NewSession implements smtp.Backend.
func (s *sink) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if s.noAuth {
		return struct{ smtp.Session }{&session{sink: s, conn: c}}, nil
	}
	return &session{sink: s, conn: c}, nil
}

type session struct {
	sink *sink
	conn *smtp.Conn
	got  received
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.sink.mu.Lock()
		defer s.sink.mu.Unlock()
		s.sink.logins = append(s.sink.logins, user+":"+password)
		if user != "app" || password != "s3cret" {
			return errors.New("bad credentials")
		}
		return nil
	}), nil
}

// Reset is called after every message, before RSET and QUIT are answered.
func (s *session) Reset() {
	s.got = received{}
	if s.sink.hangUp && len(s.sink.received()) > 0 {
		_ = s.conn.Conn().Close()
	}
}

func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.got.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch to {
	case "nobody@example.com":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case "full@example.com":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	}
	s.got.to += to
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.sink.stall != nil {
		<-s.sink.stall
	}
	s.got.data = string(data)
	_, s.got.tls = s.conn.TLSConnectionState()
	s.sink.mu.Lock()
	s.sink.mails = append(s.sink.mails, s.got)
	s.sink.mu.Unlock()
	return nil
}
