package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// Options say what the pages look like and ask for. Only App is required.
type Options struct {
	App     string // the application's name, as people know it
	Prefix  string // path under which the endpoints are mounted, as core.Config.Prefix; default /auth
	Home    string // path of the application's start page, to which people go who came from no page; default /
	Support string // where people get help: an e-mail address or an http(s) URL; optional

	// Identifiers are what people may sign up with and add to their account, in the order in which they are asked for;
	// default e-mail alone.
	Identifiers []identifier.Kind
	// Fields are the custom fields that sign-up and the account page ask for. The label is the text "data.<name>" (and
	// "data.<name>.hint" its hint), else the name in words.
	Fields []core.Field
	// PasswordLength is the least number of characters of a new password, as people are told; 0 tells nothing.
	PasswordLength int
	// Providers are the identity providers that people may sign in with, at GET <Prefix>/oauth/<name>, in this order.
	Providers []Provider

	ClosedSignUp bool // no page leads to sign-up, whose own page says that it is closed
	InviteOnly   bool // no page leads to sign-up, whose own page has a form only for who brings an invitation

	Locale   string                       // BCP 47, for whoever reads none that there are texts for; default "en"
	LocaleOf func(r *http.Request) string // a locale that goes before Accept-Language, or ""; optional

	// Texts replaces or adds texts by locale and key, for instance Texts["de"]["login.heading"]; the keys are those of
	// texts/en.json in this package. A new locale needs all keys, or a parent that has them (de-AT takes from de).
	Texts map[string]map[string]string

	// Templates replaces embedded templates one by one: <page>.html.tmpl in its root one page, layout.html.tmpl what is
	// around all of them, parts.html.tmpl their parts. A file defines "content"; one that has text of its own stands for
	// the whole page.
	Templates fs.FS

	Logo    Logo
	Colours Colours
	CSS     string // rules after those of the stylesheet; they may use its variables, such as var(--accent)
}

// Provider is an identity provider.
type Provider struct{ Name, Title string }

// Logo is shown beside the application's name, 32 CSS pixels high. Give at most one of both.
type Logo struct {
	URL  string // a path on the same origin, such as /static/logo.svg
	Data []byte // SVG, PNG, JPEG, GIF or WebP, at most 256 KiB, served by the handler of Set.Logo
}

const defaultPrefix = "/auth"

// complete fills in the defaults and says what is wrong.
func (o *Options) complete() error {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Home == "" {
		o.Home = "/"
	}
	if o.Locale == "" {
		o.Locale = "en"
	}
	if len(o.Identifiers) == 0 {
		o.Identifiers = []identifier.Kind{identifier.Email}
	}
	if o.App == "" || !plain(o.App) {
		return errors.New("pages: App must be a name on one line")
	}
	if !strings.HasPrefix(o.Prefix, "/") || strings.HasSuffix(o.Prefix, "/") || !isPath(o.Prefix) {
		return fmt.Errorf("pages: Prefix %q must begin with a slash, not end with one, and be a plain path", o.Prefix)
	}
	if !isPath(o.Home) {
		return fmt.Errorf("pages: Home %q is not a path on this origin", o.Home)
	}
	if o.PasswordLength < 0 || o.PasswordLength > 256 {
		return fmt.Errorf("pages: PasswordLength is %d, must be 0 to 256", o.PasswordLength)
	}
	return errors.Join(o.checkSupport(), o.checkIdentifiers(), o.checkFields(), o.Logo.check())
}

func (o *Options) checkSupport() error {
	if o.Support == "" {
		return nil
	}
	u, err := url.Parse(o.Support)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && plain(o.Support) {
		return nil
	}
	if a, err := mail.ParseAddress(o.Support); err == nil && a.Address == o.Support {
		return nil
	}
	return fmt.Errorf("pages: Support %q is neither an e-mail address nor an http(s) URL", o.Support)
}

func (o *Options) checkIdentifiers() error {
	seen := map[identifier.Kind]bool{}
	for _, k := range o.Identifiers {
		if !slices.Contains([]identifier.Kind{identifier.Email, identifier.Phone, identifier.Username}, k) || seen[k] {
			return fmt.Errorf("pages: Identifiers: %q is unknown, or there twice", k)
		}
		seen[k] = true
	}
	return nil
}

func (o *Options) checkFields() error {
	seen := map[string]bool{}
	for _, f := range o.Fields {
		bad := f.Name == "" || strings.ContainsFunc(f.Name, func(r rune) bool {
			return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		})
		if bad || seen[f.Name] {
			return fmt.Errorf("pages: Fields: %q is not lower_snake_case, or there twice", f.Name)
		}
		if f.Type != core.TextField && f.Type != core.NumberField && f.Type != core.BoolField {
			return fmt.Errorf("pages: Fields: %s has unknown type %q", f.Name, f.Type)
		}
		seen[f.Name] = true
	}
	return nil
}

// isPath reports whether s is a path on the same origin without query and fragment.
func isPath(s string) bool {
	_, safe := wire.SafePath(s)
	return safe && !strings.ContainsAny(s, "?#{}")
}

// plain reports whether s is one line of text without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
