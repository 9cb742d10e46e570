package pages

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/internal/catalogue"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// A View is what a template sees: the page, and what is the same on all of them.
type View struct {
	Template   string // "login", "account", ...
	Lang, Dir  string // BCP 47, of the texts that were chosen; "ltr" or "rtl"
	App        string
	Home       string // path of the application's start page
	Support    string // an e-mail address or a URL, or ""
	Logo       string // path, or ""
	Stylesheet string // path
	Page       Page   // the typed view, such as Login
	Form              // of Page; ReturnTo is safe

	set    *Set
	texts  catalogue.Texts
	fields []Field
}

// view puts a page into the locale with an index.
func (s *Set) view(locale int, p Page) *View {
	t := s.catalogue.Texts(locale)
	v := &View{
		Template: p.template(), Lang: s.catalogue.Name(locale), Dir: t["direction"], App: s.o.App, Home: s.o.Home,
		Support: s.o.Support, Logo: s.logoPath, Stylesheet: s.stylePath, Page: p, Form: p.state(), set: s, texts: t,
	}
	if path, safe := wire.SafePath(v.ReturnTo); safe {
		v.ReturnTo = path
	} else {
		v.ReturnTo = ""
	}
	v.fields = p.fields(v)
	return v
}

// T returns the text of a key with its placeholders filled in: {app}, and those that are given as pairs of name and
// value. A key without text is an error, which [New] finds.
func (v *View) T(key string, pairs ...string) (string, error) {
	s, ok := v.texts[key]
	if !ok {
		return "", fmt.Errorf("pages: locale %s has no text %q", v.Lang, key)
	}
	return catalogue.Fill(s, func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return v.App, name == "app"
	})
}

// text is T for keys and placeholders that the catalogue has been checked for.
func (v *View) text(key string, pairs ...string) string {
	s, _ := v.T(key, pairs...)
	return s
}

// Has reports whether there is a text for key.
func (v *View) Has(key string) bool { return v.texts[key] != "" }

// Heading is the one h1 of the page, and its title.
func (v *View) Heading() (string, error) {
	switch p := v.Page.(type) {
	case Error:
		return v.problemTitle(p), nil
	case Login:
		if p.Reauth != "" {
			return v.T("login.reauth_heading")
		}
	case Reset:
		if p.LinkToken == "" {
			return v.T("reset.dead_heading")
		}
	case Verify:
		if p.LinkToken == "" {
			return v.T("verify.dead_heading")
		}
	}
	return v.T(v.Template + ".heading")
}

// Title is the title of the document. It says first when there are errors, for a screen reader reads it first.
func (v *View) Title() (string, error) {
	h, err := v.Heading()
	if err != nil {
		return "", err
	}
	if len(v.Errors) > 0 {
		return v.T("title_error", "title", h)
	}
	return v.T("title", "title", h)
}

// Path returns the path of an endpoint below the prefix, such as "/login".
func (v *View) Path(endpoint string) string { return v.set.o.Prefix + endpoint }

// StartAt is where a sign-in with an identity provider begins.
func (v *View) StartAt(p Provider) string { return v.Link("/oauth/" + p.Name) }

// Link is Path for a link to another page that is to go on to the same place.
func (v *View) Link(endpoint string) string {
	if v.ReturnTo == "" {
		return v.Path(endpoint)
	}
	return v.Path(endpoint) + "?return_to=" + url.QueryEscape(v.ReturnTo)
}

// Continue is where the way goes on to: ReturnTo, or else the start page.
func (v *View) Continue() string {
	if v.ReturnTo != "" {
		return v.ReturnTo
	}
	return v.Home
}

// SupportURL returns where Support leads: itself, or a mailto link.
func (v *View) SupportURL() string {
	if strings.Contains(v.Support, "://") || v.Support == "" {
		return v.Support
	}
	return "mailto:" + v.Support
}

// SignUpOpen reports whether pages may lead to sign-up.
func (v *View) SignUpOpen() bool { return !v.set.o.ClosedSignUp && !v.set.o.InviteOnly }

// NoForm says why the sign-up page has no form: sign-up is closed, or by an invitation that is not there. Else it is "".
func (v *View) NoForm() string {
	p, ok := v.Page.(SignUp)
	switch {
	case !ok || p.Invite != "" || len(p.Errors) > 0:
		return ""
	case v.set.o.ClosedSignUp:
		return v.text("signup.closed")
	case v.set.o.InviteOnly:
		return v.text("signup.by_invitation")
	}
	return ""
}

// Providers are the configured identity providers.
func (v *View) Providers() []Provider { return v.set.o.Providers }

// SeveralIdentifiers reports whether sign-up offers a choice of identifiers.
func (v *View) SeveralIdentifiers() bool { return len(v.set.o.Identifiers) > 1 }

// NoticeText is the text of Notice, or "".
func (v *View) NoticeText() string {
	if v.Notice == "" {
		return ""
	}
	return v.text("notice." + v.Notice)
}

// Date is a time for a person and for a machine.
type Date struct{ Text, Machine string }

func (v *View) date(key string, at time.Time) Date {
	if at.IsZero() {
		return Date{}
	}
	return Date{v.text(key, "date", v.texts.Date(at)), at.UTC().Format(time.RFC3339)}
}

// Hidden is what every form carries unseen.
type Hidden struct{ Token, ReturnTo string }

// Hidden returns the hidden fields of the page's form.
func (v *View) Hidden() Hidden { return Hidden{v.Token, v.ReturnTo} }

// Back returns the hidden fields of a form that comes back to the account page, with a notice there.
func (v *View) Back(notice string) Hidden {
	return Hidden{v.Token, v.Path("/account?notice=" + notice)}
}

// Retry says how long to wait, on an error page; or "".
func (v *View) Retry() string {
	p, ok := v.Page.(Error)
	if !ok || p.RetryAfter <= 0 {
		return ""
	}
	seconds := int((p.RetryAfter + time.Second - 1) / time.Second)
	if seconds <= 120 {
		return v.text("problem.retry_seconds", "n", strconv.Itoa(max(2, seconds)))
	}
	return v.text("problem.retry_minutes", "n", strconv.Itoa((seconds+59)/60))
}

// kinds names the configured identifiers in one order, for the key of a text.
func (s *Set) kinds() string {
	var names []string
	for _, k := range []identifier.Kind{identifier.Email, identifier.Phone, identifier.Username} {
		for _, have := range s.o.Identifiers {
			if have == k {
				names = append(names, string(k))
			}
		}
	}
	return strings.Join(names, "_")
}
