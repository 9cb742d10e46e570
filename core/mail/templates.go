package mail

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"

	"github.com/oneauth-go/oneauth/core"
)

const (
	htmlExt = ".html.tmpl"
	textExt = ".txt.tmpl"
	layout  = "layout"
)

// pages holds the parsed templates: those of the layout, and by name those that the application brought.
type pages struct {
	html map[string]*htmltemplate.Template
	text map[string]*texttemplate.Template
}

// parsePages parses the embedded layout and, over it, the files of own (nil is fine). Every *.tmpl file of own must
// bear the name of a template, or "layout", so that a misspelt one is not silently without effect.
func parsePages(own fs.FS, names []string) (*pages, error) {
	p := &pages{html: map[string]*htmltemplate.Template{}, text: map[string]*texttemplate.Template{}}
	sub, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	if err := p.parse(sub, layout+htmlExt); err != nil {
		return nil, err
	}
	if err := p.parse(sub, layout+textExt); err != nil {
		return nil, err
	}
	if own == nil {
		return p, nil
	}
	files, err := fs.Glob(own, "*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("mail: Templates: %w", err)
	}
	slices.SortStableFunc(files, func(a, b string) int { // the layout first, the others are parsed over it
		return boolInt(strings.HasPrefix(b, layout+".")) - boolInt(strings.HasPrefix(a, layout+"."))
	})
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(f, htmlExt), textExt)
		if name == f || (name != layout && !slices.Contains(names, name)) {
			return nil, fmt.Errorf("mail: Templates: %s is not <template>%s or <template>%s of a known template",
				f, htmlExt, textExt)
		}
		if err := p.parse(own, f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// parse adds one file. Any but the layout is parsed over a copy of it, and may call it or redefine its blocks.
func (p *pages) parse(from fs.FS, file string) error {
	src, err := fs.ReadFile(from, file)
	if err != nil {
		return fmt.Errorf("mail: Templates: %w", err)
	}
	base := path.Base(file)
	if name, ok := strings.CutSuffix(base, htmlExt); ok {
		t := htmltemplate.New(base)
		if name != layout {
			if t, err = p.html[layout].Clone(); err == nil {
				t = t.New(base)
			}
		}
		if err == nil {
			p.html[name], err = t.Parse(string(src))
		}
	} else {
		name = strings.TrimSuffix(base, textExt)
		t := texttemplate.New(base)
		if name != layout {
			if t, err = p.text[layout].Clone(); err == nil {
				t = t.New(base)
			}
		}
		if err == nil {
			p.text[name], err = t.Parse(string(src))
		}
	}
	if err != nil {
		return fmt.Errorf("mail: Templates: %s: %w", file, err)
	}
	return nil
}

// render returns the text and HTML parts of v.
func (p *pages) render(v View) (text, html string, err error) {
	tt, ht := p.text[v.Template], p.html[v.Template]
	if tt == nil {
		tt = p.text[layout]
	}
	if ht == nil {
		ht = p.html[layout]
	}
	var b bytes.Buffer
	if err := tt.Execute(&b, v); err != nil {
		return "", "", fmt.Errorf("mail: %w", err)
	}
	text = strings.TrimSpace(b.String()) + "\n"
	b.Reset()
	if err := ht.Execute(&b, v); err != nil {
		return "", "", fmt.Errorf("mail: %w", err)
	}
	return text, b.String(), nil
}

// sms returns the short text: the template's own, or else its subject with the link.
func sms(v View) (string, error) {
	if v.Has("sms") {
		s, err := v.T("sms")
		return strings.TrimSpace(s), err
	}
	return strings.TrimSpace(v.Subject + "\n" + v.Link), nil
}

// tryAll renders every template in every locale, with all there can be in it and with the least, and reports the first
// that fails, has something unresolved in it, or lost its link.
func (c *Courier) tryAll() error {
	for _, locale := range c.texts.Names() {
		for _, name := range c.names {
			for _, channel := range []core.Channel{core.Email, core.SMS} {
				for _, n := range []core.Notice{full(locale, name), bare(locale, name)} {
					n.Channel = channel
					m, err := c.render(n)
					if err == nil {
						err = check(m, n)
					}
					if err != nil {
						return fmt.Errorf("mail: template %s in %s (%s): %w", name, locale, channel, err)
					}
				}
			}
		}
	}
	return nil
}

// check looks at a rendered sample the way that its reader would.
func check(m Message, n core.Notice) error {
	for part, s := range map[string]string{"subject": m.Subject, "text": m.Text, "HTML": m.HTML} {
		for _, bad := range []string{"{{", "<no value>", "ZgotmplZ"} {
			if strings.Contains(s, bad) {
				return fmt.Errorf("the %s contains %q", part, bad)
			}
		}
	}
	if strings.TrimSpace(m.Text) == "" {
		return errors.New("the text is empty")
	}
	if m.Channel == core.Email && m.Subject == "" {
		return errors.New("the subject is empty")
	}
	if !needsLink(n.Template) {
		return nil
	}
	if lines := strings.Split(m.Text, "\n"); !slices.Contains(lines, n.Link) || strings.Count(m.Text, n.Link) != 1 {
		return errors.New("the text does not have the link exactly once, alone on its line")
	}
	if m.Channel == core.Email && !strings.Contains(m.HTML, `href="`+htmltemplate.HTMLEscapeString(n.Link)) {
		return errors.New("the HTML has no href with the link")
	}
	return nil
}
