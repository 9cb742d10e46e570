package mail

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/oneauth-go/oneauth/core"
)

// ErrRejected marks an error of [SMTP] after which trying again is of no use: the server refused the message for good
// (a reply of 500 to 599, RFC 5321 section 4.2.1), for instance since the mailbox does not exist.
var ErrRejected = errors.New("refused by the server for good")

// A TLSPolicy says how the connection to the SMTP server is encrypted.
type TLSPolicy uint8

const (
	// StartTLS upgrades the connection before anything is sent, and fails if the server does not offer it (RFC 3207).
	StartTLS TLSPolicy = iota
	// ImplicitTLS speaks TLS from the first byte (RFC 8314, section 3.3).
	ImplicitTLS
	// Opportunistic upgrades if the server offers it and else goes on in clear text, which whoever sits between can
	// bring about: links that sign people in are then readable on the way. For relays on a trusted network; cannot be
	// used with credentials.
	Opportunistic
)

// SMTPOptions say how to reach the server. Host and From are required.
type SMTPOptions struct {
	Host      string           // name or IP address, which the certificate must be for
	Port      int              // default 587, with ImplicitTLS 465
	Username  string           // empty for no authentication
	Password  string           // required with Username
	From      string           // "no-reply@example.com" or "Example <no-reply@example.com>"
	TLS       TLSPolicy        // default StartTLS, mandatory
	TLSConfig *tls.Config      // for own roots or client certificates; at least TLS 1.2 is used whatever it says
	Timeout   time.Duration    // of one delivery from dialling to the last reply; default 30 s
	HELO      string           // how we introduce ourselves; default the host name of this machine
	Now       func() time.Time // dates the messages that have no SentAt; default time.Now
}

// SMTP sends messages through an SMTP server, one connection for each. Build it with [NewSMTP].
type SMTP struct {
	from    netmail.Address
	addr    string
	host    string
	tls     *tls.Config
	policy  TLSPolicy
	timeout time.Duration
	now     func() time.Time
	options []gomail.Option
}

var _ Sender = (*SMTP)(nil)

// NewSMTP checks o and returns the sender. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	if o.Host == "" || !plain(o.Host) || strings.ContainsAny(o.Host, " /@[]") {
		return nil, errors.New("mail: SMTPOptions.Host must be a host name or IP address")
	}
	if o.Port == 0 {
		o.Port = map[TLSPolicy]int{ImplicitTLS: 465}[o.TLS]
	}
	if o.Port == 0 {
		o.Port = 587
	}
	if o.Port < 1 || o.Port > 65535 {
		return nil, fmt.Errorf("mail: SMTPOptions.Port %d is not a TCP port", o.Port)
	}
	from, err := parseFrom("SMTPOptions.From", o.From)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if o.Timeout < 0 {
		return nil, errors.New("mail: SMTPOptions.Timeout is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &SMTP{
		from: from, addr: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), host: o.Host,
		policy: o.TLS, timeout: o.Timeout, now: o.Now,
	}
	if s.tls, err = tlsConfig(o); err != nil {
		return nil, err
	}
	if s.options, err = clientOptions(o, s.tls); err != nil {
		return nil, err
	}
	return s, nil
}

// tlsConfig returns a copy of the configured one that names the server and is not older than TLS 1.2.
func tlsConfig(o SMTPOptions) (*tls.Config, error) {
	c := &tls.Config{}
	if o.TLSConfig != nil {
		c = o.TLSConfig.Clone()
	}
	if c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil {
		return nil, errors.New("mail: SMTPOptions.TLSConfig skips verification: set RootCAs, or verify in VerifyConnection")
	}
	if c.ServerName == "" {
		c.ServerName = o.Host
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c, nil
}

// clientOptions puts o in the words of go-mail, and tries them.
func clientOptions(o SMTPOptions, config *tls.Config) ([]gomail.Option, error) {
	options := []gomail.Option{gomail.WithPort(o.Port), gomail.WithTimeout(o.Timeout), gomail.WithTLSConfig(config)}
	switch o.TLS {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case Opportunistic:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		return nil, fmt.Errorf("mail: SMTPOptions.TLS: unknown policy %d", o.TLS)
	}
	switch {
	case o.Username == "" && o.Password != "":
		return nil, errors.New("mail: SMTPOptions.Password without Username")
	case o.Username != "" && o.Password == "":
		return nil, errors.New("mail: SMTPOptions.Username without Password")
	case o.Username != "" && o.TLS == Opportunistic:
		return nil, errors.New("mail: SMTPOptions.TLS: Opportunistic cannot be used with credentials, which need TLS")
	case o.Username != "":
		options = append(options, gomail.WithUsername(o.Username), gomail.WithPassword(o.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain,
				gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	if o.HELO != "" {
		if !plain(o.HELO) || strings.Contains(o.HELO, " ") {
			return nil, errors.New("mail: SMTPOptions.HELO must be a host name")
		}
		options = append(options, gomail.WithHELO(o.HELO))
	}
	if _, err := gomail.NewClient(o.Host, options...); err != nil {
		return nil, fmt.Errorf("mail: SMTPOptions: %w", err)
	}
	return options, nil
}

// Send delivers m to the server, or says why it could not; it gives up when ctx ends or the timeout is over. Once the
// server has accepted the message, whatever goes wrong afterwards is not an error: it would be sent twice.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var conn net.Conn
	stop := func() bool { return true }
	defer func() {
		stop()
		if conn != nil {
			_ = conn.Close()
		}
	}()
	dial := func(dialCtx context.Context, network, _ string) (c net.Conn, err error) {
		if conn, err = s.dial(dialCtx, network); err != nil {
			return nil, err
		}
		c = conn
		stop = context.AfterFunc(ctx, func() { _ = c.Close() }) // go-mail heeds ctx while it dials, not afterwards
		return c, nil
	}
	client, err := gomail.NewClient(s.host, append(slices.Clip(s.options), gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	if strings.Contains(err.Error(), os.ErrDeadlineExceeded.Error()) {
		<-ctx.Done() // the connection's deadline is the context's, whose own timer may be a moment behind
	}
	var failed *gomail.SendError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("smtp: %s: %w", s.addr, errors.Join(ctx.Err(), err))
	case errors.As(err, &failed) && failed.ErrorCode() >= 500 && failed.ErrorCode() < 600:
		return fmt.Errorf("smtp: %s: %w: %w", s.addr, ErrRejected, err)
	}
	return fmt.Errorf("smtp: %s: %w", s.addr, err)
}

// dial connects, with TLS at once where that is the policy: go-mail leaves it to whoever brings an own dialler.
func (s *SMTP) dial(ctx context.Context, network string) (net.Conn, error) {
	if s.policy == ImplicitTLS {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, network, s.addr)
	}
	return (&net.Dialer{}).DialContext(ctx, network, s.addr)
}

// compose checks m and builds what goes over the wire. Nothing in it can add a header or a recipient.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	if m.Channel != "" && m.Channel != core.Email {
		return nil, core.FieldE(core.CodeInvalidField, "channel", fmt.Sprintf("SMTP does not carry channel %q", m.Channel))
	}
	if err := checkAddress("to", m.To); err != nil {
		return nil, err
	}
	if m.Subject == "" || !plain(m.Subject) {
		return nil, core.FieldE(core.CodeInvalidField, "subject", "subject must be one line of visible characters")
	}
	if m.Text == "" {
		return nil, core.FieldE(core.CodeInvalidField, "text", "text is empty")
	}
	from := s.from
	if m.From != "" {
		var err error
		if from, err = parseFrom("from", m.From); err != nil {
			return nil, err
		}
	}
	if m.SentAt.IsZero() {
		m.SentAt = s.now()
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.SentAt.UTC())
	msg.SetMessageIDWithValue(messageID(m, from.Address))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// messageID derives the Message-ID (RFC 5322, section 3.6.4) from the notice, so that a second delivery of it has the
// same one and can be recognised. A message without notice is named after its content.
func messageID(m Message, from string) string {
	name := "notice\x00" + m.NoticeID
	if m.NoticeID == "" {
		name = strings.Join([]string{"message", m.To, m.Subject, m.Text, m.SentAt.UTC().Format(time.RFC3339Nano)}, "\x00")
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16]) + from[strings.LastIndexByte(from, '@'):]
}

// parseFrom accepts one address with or without a display name, on one line.
func parseFrom(field, s string) (netmail.Address, error) {
	fail := core.FieldE(core.CodeInvalidEmail, field,
		field+" must be an address like no-reply@example.com or Example <no-reply@example.com>")
	if !plain(s) {
		return netmail.Address{}, fail
	}
	a, err := netmail.ParseAddress(s)
	if err != nil || !plain(a.Name) || checkAddress(field, a.Address) != nil {
		return netmail.Address{}, fail
	}
	return *a, nil
}
