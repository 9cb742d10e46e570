package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/catalogue"
)

// Set is all pages of an application. It is safe for concurrent use.
type Set struct {
	o                   Options
	catalogue           *catalogue.Catalogue
	templates           map[string]*template.Template
	style               string
	stylePath, logoPath string
	buffers             sync.Pool // of *bytes.Buffer
}

// New parses everything and returns the Set. Where there are Texts or Templates, it renders every page in every state and
// locale once. The error names the option that is missing or broken.
func New(o Options) (*Set, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Set{o: o, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	var err error
	if s.catalogue, err = newCatalogue(o.Locale, o.Texts); err != nil {
		return nil, err
	}
	if s.style, err = stylesheet(o.Colours, o.CSS); err != nil {
		return nil, err
	}
	if s.templates, err = parseTemplates(o.Templates); err != nil {
		return nil, err
	}
	s.stylePath = s.assetPath("style", "css", []byte(s.style))
	s.logoPath = o.Logo.URL
	if _, ext := o.Logo.kind(); len(o.Logo.Data) > 0 {
		s.logoPath = s.assetPath("logo", ext, o.Logo.Data)
	}
	if o.Templates != nil || o.Texts != nil { // the embedded ones are tried by the tests of this package
		if err := s.tryAll(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Locales lists the locales that there are texts for (BCP 47), the default first.
func (s *Set) Locales() []string { return s.catalogue.Names() }

// Home is the path of the application's start page.
func (s *Set) Home() string { return s.o.Home }

// Identifiers are the kinds that the pages ask for, in their order.
func (s *Set) Identifiers() []identifier.Kind { return slices.Clone(s.o.Identifiers) }

// policy lets a page load its stylesheet and logo, post its forms here, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Render answers r with a page in the reader's language, and with the headers that keep it safe. On an error nothing has
// been written.
//
// The Referrer-Policy is same-origin, not no-referrer: under the latter browsers post forms with "Origin: null", which
// the cross-origin check would have to refuse.
func (s *Set) Render(w http.ResponseWriter, r *http.Request, status int, p Page) error {
	locale := s.locale(r)
	buf := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if err := s.execute(buf, locale, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", s.catalogue.Name(locale))
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(buf.Bytes()) // a client that has gone cannot be told
	}
	return nil
}

// locale is the index of the locale that r asks for.
func (s *Set) locale(r *http.Request) int {
	name := ""
	if s.o.LocaleOf != nil {
		name = s.o.LocaleOf(r)
	}
	if i, ok := s.catalogue.Match(name); ok {
		return i
	}
	return s.catalogue.MatchHeader(r.Header.Get("Accept-Language"))
}

func (s *Set) execute(buf *bytes.Buffer, locale int, p Page) error {
	if err := s.templates[p.template()].Execute(buf, s.view(locale, p)); err != nil {
		return fmt.Errorf("pages: %s: %w", p.template(), err)
	}
	return nil
}
