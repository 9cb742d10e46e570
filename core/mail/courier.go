package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/catalogue"
)

// Options say what a [Courier] sends, and through whom. App and Senders are required.
type Options struct {
	App     string                  // the application's name, as people know it
	Support string                  // where people get help: an e-mail address or an http(s) URL; optional
	Senders map[core.Channel]Sender // who brings the messages of a channel
	Locale  string                  // BCP 47, for whoever has none that there are texts for; default "en"

	// Templates replaces embedded templates one by one. <name>.html.tmpl (html/template) and <name>.txt.tmpl
	// (text/template) in its root stand for one template, layout.html.tmpl and layout.txt.tmpl for all that have none
	// of their own. They get a View; a file may call the layout it replaces, and redefine its block "content".
	Templates fs.FS

	// Texts replaces or adds texts by locale and key, for instance Texts["de"]["reset.subject"]; the keys are those of
	// templates/en.json in this package. A new locale needs all keys, or a parent that has them. A key "<name>.subject"
	// adds a template, which also needs "<name>.heading" and "<name>.lead", and may have .button, .advice and .sms.
	Texts map[string]map[string]string

	Now func() time.Time // the Date of messages; default time.Now
}

// A Courier renders notices and hands them to the sender of their channel. It implements [core.Courier] and is safe
// for concurrent use.
type Courier struct {
	app, support string
	senders      map[core.Channel]Sender
	texts        *catalogue.Catalogue
	pages        *pages
	names        []string // of the templates, sorted
	now          func() time.Time
}

var _ core.Courier = (*Courier)(nil)

// New checks o, renders every template in every locale once, and returns a Courier. The error names what is missing or
// broken.
func New(o Options) (*Courier, error) {
	if o.App == "" || !plain(o.App) {
		return nil, errors.New("mail: App must be a name on one line")
	}
	if err := checkSupport(o.Support); err != nil {
		return nil, err
	}
	if len(o.Senders) == 0 {
		return nil, errors.New("mail: Senders is empty: name a sender for at least one channel")
	}
	for channel, s := range o.Senders {
		if s == nil {
			return nil, fmt.Errorf("mail: the sender of channel %q is nil", channel)
		}
	}
	if o.Locale == "" {
		o.Locale = "en"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Courier{app: o.App, support: o.Support, senders: maps.Clone(o.Senders), now: o.Now}
	var err error
	if c.texts, err = newCatalogue(o.Locale, o.Texts); err != nil {
		return nil, err
	}
	c.names = templateNames(c.texts.Texts(0))
	if c.pages, err = parsePages(o.Templates, c.names); err != nil {
		return nil, err
	}
	if err := c.tryAll(); err != nil {
		return nil, err
	}
	return c, nil
}

// Deliver renders n in the best locale there is for it and sends it. Nothing is sent when n is at fault: the error is
// then a [core.Error] that names the field ("channel", "to", "template" or "link"). Errors of the sender are passed on.
func (c *Courier) Deliver(ctx context.Context, n core.Notice) error {
	sender, ok := c.senders[n.Channel]
	if !ok {
		return core.FieldE(core.CodeInvalidField, "channel", fmt.Sprintf("no sender for channel %q is configured", n.Channel))
	}
	check := checkAddress
	if n.Channel == core.SMS {
		check = checkPhone
	}
	if err := check("to", n.To); err != nil {
		return err
	}
	m, err := c.render(n)
	if err != nil {
		return err
	}
	if err := sender.Send(ctx, m); err != nil {
		return fmt.Errorf("mail: notice %s (%s, %s): %w", oneLine(n.ID, maxValue), n.Channel, n.Template, err)
	}
	return nil
}

// render turns n into a message. SMS gets the short text alone.
func (c *Courier) render(n core.Notice) (Message, error) {
	m := Message{Channel: n.Channel, To: n.To, NoticeID: n.ID, SentAt: c.now().UTC()}
	v, err := c.view(n)
	if err != nil {
		return Message{}, err
	}
	if n.Channel == core.SMS {
		m.Text, err = sms(v)
		return m, err
	}
	m.Subject = v.Subject
	m.Text, m.HTML, err = c.pages.render(v)
	return m, err
}

// Templates lists the names of all templates, sorted.
func (c *Courier) Templates() []string { return slices.Clone(c.names) }

// Locales lists the locales that there are texts for (BCP 47), the default first.
func (c *Courier) Locales() []string { return c.texts.Names() }

// Preview renders a template with sample data and sends nothing. It fails on an unknown template.
func (c *Courier) Preview(locale, template string) (Message, error) {
	return c.render(sample(locale, template))
}

// sample is a notice the way that its template usually gets it.
func sample(locale, template string) core.Notice {
	at := time.Date(2026, time.November, 23, 20, 55, 0, 0, time.UTC)
	n := core.Notice{
		ID: "preview", Channel: core.Email, To: "ada@example.com", Template: template, Locale: locale, Name: "Ada Lovelace",
		Link: "https://app.example.com/account?a=1&b=2", At: at,
	}
	switch template {
	case core.NoticeVerify:
		n.Link = "https://app.example.com/auth/verify?token=4pQ9vGm2sXr8TzKc7wLhB1nD"
		n.Expires = at.Add(24 * time.Hour)
	case core.NoticeInvite:
		n.Name = ""
		n.Link = "https://app.example.com/auth/signup?invite=4pQ9vGm2sXr8TzKc7wLhB1nD"
		n.Expires = at.Add(7 * 24 * time.Hour)
	case core.NoticeReset:
		n.Link = "https://app.example.com/auth/password/reset?token=4pQ9vGm2sXr8TzKc7wLhB1nD"
		n.Expires = at.Add(time.Hour)
	case core.NoticeNewSignIn:
		n.Data = map[string]string{"device": "Firefox on Linux", "ip": "203.0.113.7"}
	case core.NoticeSignUpOtherTaken:
		n.Name, n.Link, n.Data = "", "https://app.example.com/", map[string]string{"taken": "ada"}
	case core.NoticePasswordChanged:
		n.Link = "https://app.example.com/auth/password/forgot"
	case core.NoticeIdentityChanged:
		n.Link = "https://app.example.com/auth/password/forgot"
		n.Data = map[string]string{"change": "added", "value": "ada@work.example"}
	}
	return n
}

// full is a notice with everything in it that a template can show.
func full(locale, template string) core.Notice {
	n := sample(locale, template)
	n.Expires = n.At.Add(time.Hour)
	n.Data = map[string]string{"device": "Firefox on Linux", "ip": "203.0.113.7", "change": "removed", "value": n.To, "taken": "ada"}
	return n
}

// bare is a notice with as little in it as its template accepts.
func bare(locale, template string) core.Notice {
	n := core.Notice{ID: "preview", Channel: core.Email, To: "ada@example.com", Template: template, Locale: locale}
	if needsLink(template) {
		n.Link = sample(locale, template).Link
	}
	return n
}

// checkSupport accepts nothing, an e-mail address, or an http(s) URL.
func checkSupport(s string) error {
	if s == "" {
		return nil
	}
	if u, err := url.Parse(s); err == nil && strings.HasPrefix(u.Scheme, "http") && checkLink(s) == nil {
		return nil
	}
	if checkAddress("support", s) != nil {
		return fmt.Errorf("mail: Support %q is neither an e-mail address nor an http(s) URL", s)
	}
	return nil
}
