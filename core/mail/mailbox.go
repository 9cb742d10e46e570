package mail

import (
	"context"
	_ "embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// A Mailbox is the development mailbox: a [Sender] that keeps the newest messages in memory, and an [http.Handler]
// that shows them to this machine alone. Build it with [NewMailbox].
type Mailbox struct {
	limit int
	now   func() time.Time

	mu       sync.Mutex
	messages []Message // oldest first
}

// defaultMailbox is how many messages are kept when nobody says otherwise.
const defaultMailbox = 100

// NewMailbox returns a mailbox that keeps the newest limit messages; 0 or less means 100. now dates the messages that
// have no SentAt; nil means time.Now.
func NewMailbox(limit int, now func() time.Time) *Mailbox {
	if limit <= 0 {
		limit = defaultMailbox
	}
	if now == nil {
		now = time.Now
	}
	return &Mailbox{limit: limit, now: now}
}

// Send keeps m, and drops the oldest message when the mailbox is full.
func (b *Mailbox) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.SentAt.IsZero() {
		m.SentAt = b.now()
	}
	m.SentAt = m.SentAt.UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) >= b.limit {
		b.messages = slices.Delete(b.messages, 0, len(b.messages)-b.limit+1)
	}
	b.messages = append(b.messages, m)
	return nil
}

// Messages returns a copy of what is there, newest first.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.messages)
	slices.Reverse(list)
	return list
}

// mailboxCSP allows styles alone: no script, no form, no request to anywhere. The frame that shows the HTML of a mail
// inherits it and is sandboxed besides.
const mailboxCSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

//go:embed templates/mailbox.html
var mailboxHTML string

var mailboxPage = template.Must(template.New("mailbox").Parse(mailboxHTML))

// ServeHTTP answers GET and HEAD with the messages, newest first: a page when Accept names text/html, else JSON
// [{"to", "subject", "text", "html", "sent_at"}]. Whoever reads them can sign in as anybody, so a request that does not
// come from this machine gets 403: its peer and its Host must be loopback (a foreign page that rebinds its DNS name has
// its own Host) and no proxy may have forwarded it.
func (b *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", mailboxCSP)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	if !local(r) {
		problem(w, http.StatusForbidden, core.CodeDevelopmentOnly)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, core.CodeMethodNotAllowed)
		return
	}
	list := b.letters()
	if acceptsHTML(r) {
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = mailboxPage.Execute(w, list) // an error here is the peer's going away
		return
	}
	h.Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

// A letter is one message as the mailbox shows it.
type letter struct {
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	SentAt  time.Time `json:"sent_at"`
}

func (b *Mailbox) letters() []letter {
	list := []letter{}
	for _, m := range b.Messages() {
		list = append(list, letter{m.To, m.Subject, m.Text, m.HTML, m.SentAt})
	}
	return list
}

// A line is a line of the text part; URL is set when the line is a link.
type line struct{ Text, URL string }

// Lines splits the text so that the page can make its links clickable.
func (l letter) Lines() []line {
	var list []line
	for s := range strings.SplitSeq(strings.TrimSpace(l.Text), "\n") {
		if strings.HasPrefix(s, "http") && checkLink(s) == nil {
			list = append(list, line{URL: s})
		} else {
			list = append(list, line{Text: s})
		}
	}
	return list
}

// local reports whether r comes from this machine, without a detour.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// acceptsHTML reports whether Accept names text/html (RFC 9110, section 12.5.1); wildcards do not count.
func acceptsHTML(r *http.Request) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, _ := strings.Cut(item, ";")
		refused := strings.HasPrefix(strings.ReplaceAll(params, " ", ""), "q=0") && !strings.ContainsAny(params, "123456789")
		if strings.EqualFold(strings.TrimSpace(kind), "text/html") && !refused {
			return true
		}
	}
	return false
}

// problem answers as RFC 9457 says.
func problem(w http.ResponseWriter, status int, code core.Code) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "urn:oneauth:error:" + string(code), "title": code.Title(), "status": status, "detail": code.Title(),
		"code": code,
	})
}
