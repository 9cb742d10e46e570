package mail

import (
	"fmt"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/catalogue"
)

// A View is what a template sees. Every value in it is on one line, without control characters and without anything
// that a mail program would make clickable; Link alone is a URL.
type View struct {
	Template string // "verify", "reset", ...
	Locale   string // BCP 47, of the texts that were chosen
	Dir      string // "ltr" or "rtl"
	App      string
	Support  string            // an e-mail address or a URL, or ""
	Subject  string            // as in the header
	Name     string            // of the person, or ""
	Link     string            // absolute URL, or ""
	Expires  string            // when Link stops working, written in the locale; or ""
	At       string            // when it happened, written in the locale; or ""
	Data     map[string]string // of the notice

	texts catalogue.Texts
}

// A Detail is one labelled fact.
type Detail struct{ Label, Value string }

// T returns the text of a key, first the template's own ("verify.lead" for "lead"), then the shared one, with its
// placeholders filled in. A key without text is an error, which [New] finds.
func (v View) T(key string) (string, error) {
	s, ok := lookup(v.texts, v.Template, key)
	if !ok {
		return "", fmt.Errorf("locale %s has no text %q for template %q", v.Locale, key, v.Template)
	}
	return catalogue.Fill(s, v.placeholder)
}

// Has reports whether T has a text for key.
func (v View) Has(key string) bool {
	_, ok := lookup(v.texts, v.Template, key)
	return ok
}

// SupportURL returns where Support leads: itself, or a mailto link.
func (v View) SupportURL() string {
	if strings.Contains(v.Support, "://") || v.Support == "" {
		return v.Support
	}
	return "mailto:" + v.Support
}

// Details lists the facts of the notice that a person can judge it by: device, IP address, the address that was added
// or removed, and the time (not where somebody asked for a link). Those that are not known are left out.
func (v View) Details() ([]Detail, error) {
	value := "detail_value"
	if change := v.Data["change"]; change == "added" || change == "removed" {
		value = "detail_" + change
	}
	at := v.At
	if needsLink(v.Template) {
		at = "" // what counts there is until when
	}
	var list []Detail
	for _, d := range []struct{ key, value string }{
		{"detail_device", v.Data["device"]}, {"detail_ip", v.Data["ip"]}, {value, v.Data["value"]},
		{"detail_at", at},
	} {
		if d.value == "" {
			continue
		}
		label, err := v.T(d.key)
		if err != nil {
			return nil, err
		}
		list = append(list, Detail{label, d.value})
	}
	return list, nil
}

func (v View) placeholder(key string) (string, bool) {
	switch key {
	case "app":
		return v.App, true
	case "support":
		return v.Support, true
	case "name":
		return v.Name, true
	case "link":
		return v.Link, true
	case "expires":
		return v.Expires, true
	case "at":
		return v.At, true
	}
	data, ok := strings.CutPrefix(key, "data.")
	return v.Data[data], ok && data != ""
}

// view cleans a notice and puts it into words. Notices without the link that their template is about are refused.
func (c *Courier) view(n core.Notice) (View, error) {
	if !slices.Contains(c.names, n.Template) {
		return View{}, core.FieldE(core.CodeInvalidField, "template", fmt.Sprintf("there is no template %q", n.Template))
	}
	if n.Link == "" && needsLink(n.Template) {
		return View{}, core.FieldE(core.CodeInvalidField, "link", n.Template+" needs a link")
	}
	if n.Link != "" {
		if err := checkLink(n.Link); err != nil {
			return View{}, err
		}
	}
	locale, _ := c.texts.Match(n.Locale) // the default where none fits
	t := c.texts.Texts(locale)
	v := View{
		Template: n.Template, Locale: c.texts.Name(locale), Dir: t["direction"], App: c.app, Support: c.support,
		Name: cleanName(n.Name), Link: n.Link, At: t.Date(n.At), Data: make(map[string]string, len(n.Data)), texts: t,
	}
	if n.Link != "" {
		v.Expires = t.Date(n.Expires)
	}
	for key, value := range n.Data {
		v.Data[key] = cleanValue(key, value)
	}
	var err error
	v.Subject, err = v.T("subject")
	v.Subject = oneLine(v.Subject, maxValue)
	return v, err
}

// builtIn reports whether OneAuth itself sends the template.
func builtIn(template string) bool {
	return slices.Contains([]string{core.NoticeVerify, core.NoticeReset, core.NoticePasswordChanged,
		core.NoticeSignUpTaken, core.NoticeSignUpOtherTaken, core.NoticeNewSignIn, core.NoticeIdentityChanged}, template)
}

// needsLink reports whether a template is of no use without its link.
func needsLink(template string) bool {
	return template == core.NoticeVerify || template == core.NoticeReset || template == core.NoticeInvite
}
