package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

var locales = []string{"en", "de"}

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'{{.}}` + "\u202e"

// hostilePages put the worst into everything that comes from people or their programs.
func hostilePages() []pages.Sample {
	f := pages.Form{
		Token: hostile, ReturnTo: "/" + hostile, Notice: hostile,
		Values: map[string]string{"identifier": hostile, "email": hostile, "name": hostile, "data.city": hostile},
		Errors: []core.FieldError{{Field: "identifier", Detail: hostile}, {Field: hostile, Code: hostile, Detail: hostile}},
	}
	at := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	return []pages.Sample{
		{Name: "signup-hostile", Page: pages.SignUp{Form: f}}, {Name: "login-hostile", Page: pages.Login{Form: f, Reauth: hostile}},
		{Name: "pending-hostile", Page: pages.Pending{Form: f, Address: hostile}},
		{Name: "forgot_sent-hostile", Page: pages.ForgotSent{Form: f, Identifier: hostile}},
		{Name: "reset-hostile", Page: pages.Reset{Form: f, LinkToken: hostile, Username: hostile}},
		{Name: "verify-hostile", Page: pages.Verify{Form: f, LinkToken: hostile}},
		{Name: "verified-hostile", Page: pages.Verified{Form: f, Address: hostile, SignedIn: true}},
		{Name: "error-hostile", Page: pages.Error{Form: f, Code: hostile, Title: hostile, Detail: hostile}},
		{Name: "account-hostile", Page: pages.Account{
			Form: f, Failed: pages.Profile, Name: hostile, Data: map[string]any{"city": hostile, "birth_year": hostile},
			Identities: []pages.Identity{{Kind: "email", Value: hostile, CanVerify: true, CanPrimary: true, CanRemove: true}},
			AddKinds:   true,
			Sessions: []pages.Session{
				{ID: hostile, UserAgent: hostile, IP: hostile, CreatedAt: at}, {ID: "x", Name: hostile, ClientID: hostile},
			},
			APIKeys: []pages.APIKey{{ID: hostile, Name: hostile, Scopes: []string{hostile}, CreatedAt: at}},
			NewKey:  hostile, Scopes: []string{"a:b/c.d", "read"},
		}},
	}
}

// each calls f for every page in every state and locale.
func each(t *testing.T, f func(t *testing.T, source string, d document, p pages.Page)) {
	set := newSet(t, everything())
	for _, locale := range locales {
		for _, sample := range append(set.Samples(), hostilePages()...) {
			t.Run(sample.Name+"-"+locale, func(t *testing.T) {
				source := render(t, set, locale, sample.Page).Body.String()
				f(t, source, parse(t, source), sample.Page)
			})
		}
	}
}

func TestDocument(t *testing.T) {
	each(t, func(t *testing.T, source string, d document, p pages.Page) {
		wellFormed(t, source)
		for _, tag := range []string{"h1", "main", "title", "header"} {
			if n := len(d.named(tag)); n != 1 {
				t.Errorf("%d <%s>, want 1", n, tag)
			}
		}
		root := d.named("html")[0]
		if lang, dir := attr(root, "lang"), attr(root, "dir"); !slices.Contains(locales, lang) || dir != "ltr" {
			t.Errorf("lang %q, dir %q", lang, dir)
		}
		title := text(d.named("title")[0])
		prefix := map[string]string{"en": "Error:", "de": "Fehler:"}[attr(root, "lang")]
		if hasErrors := d.byID("summary-title") != nil; strings.HasPrefix(title, prefix) != hasErrors {
			t.Errorf("title %q, errors %v", title, hasErrors)
		}
		if !strings.HasSuffix(title, "Analytical Engines") {
			t.Errorf("title %q does not name the application", title)
		}
		ids := map[string]bool{}
		for _, n := range d.all {
			id := attr(n, "id")
			if ids[id] && id != "" {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
	})
}

// wellFormed checks that every element is closed where it was opened, which a forgiving parser would hide.
func wellFormed(t *testing.T, source string) {
	t.Helper()
	void := []string{"meta", "link", "input", "img"}
	var open []string
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("never closed: %v", open)
			}
			return
		case html.StartTagToken:
			token := z.Token()
			seen := map[string]bool{}
			for _, a := range token.Attr {
				if seen[a.Key] {
					t.Errorf("<%s> has %s twice", token.Data, a.Key)
				}
				seen[a.Key] = true
			}
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func TestNothingInline(t *testing.T) {
	each(t, func(t *testing.T, source string, d document, p pages.Page) {
		if n := d.named("script", "style", "iframe", "object", "embed", "base"); len(n) > 0 {
			t.Errorf("the page has a <%s>", n[0].Data)
		}
		for _, n := range d.all {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "javascript:") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
			if src := attr(n, "src"); src != "" && !strings.HasPrefix(src, "/") {
				t.Errorf("<%s> loads %q", n.Data, src)
			}
			href := attr(n, "href")
			_, onward := p.(pages.Onward)
			if href != "" && !(onward && strings.HasPrefix(href, "https://id.example/")) && !strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "#") && href != "mailto:help@example.com" {
				t.Errorf("<%s> leads to %q", n.Data, href)
			}
			if strings.HasPrefix(href, "//") || strings.HasPrefix(href, `/\`) {
				t.Errorf("<%s> leads to another host: %q", n.Data, href)
			}
		}
	})
}

func TestFormsWorkWithoutScripts(t *testing.T) {
	endpoints := []string{
		"/signup", "/login", "/logout", "/verify", "/verify/request", "/password/forgot", "/password/reset", "/password/change",
		"/account", "/identities", "/identities/primary", "/identities/remove", "/sessions/end-others", "/keys",
	}
	each(t, func(t *testing.T, source string, d document, p pages.Page) {
		for _, form := range d.named("form") {
			action := strings.TrimPrefix(attr(form, "action"), "/auth")
			parts := strings.Split(action, "/")
			item := len(parts) == 4 && slices.Contains([]string{"end", "revoke", "unlink", "link"}, parts[3])
			if attr(form, "method") != "post" || !item && !slices.Contains(endpoints, action) {
				t.Errorf("form %s %q", attr(form, "method"), attr(form, "action"))
			}
			in := document{root: form}
			names := map[string]int{}
			for n := range form.Descendants() {
				if n.Type == html.ElementNode {
					in.all = append(in.all, n)
					if name := attr(n, "name"); name != "" {
						names[name]++
					}
				}
			}
			if len(in.named("button")) != 1 {
				t.Errorf("form %q has %d buttons", action, len(in.named("button")))
			}
			for name, count := range names {
				if count > 1 { // the endpoints refuse a parameter that comes twice
					t.Errorf("form %q sends %q %d times", action, name, count)
				}
			}
			if tokens := names[pages.FormTokenField]; tokens != 1 && !strings.HasSuffix(t.Name(), "error-bare") {
				if strings.Contains(source, pages.FormTokenField) {
					t.Errorf("form %q lacks the form token", action)
				}
			}
		}
	})
}

func TestEveryInputIsLabelled(t *testing.T) {
	each(t, func(t *testing.T, source string, d document, p pages.Page) {
		labels := map[string]string{}
		for _, l := range d.named("label") {
			labels[attr(l, "for")] = text(l)
		}
		for _, n := range d.named("input", "select") {
			if attr(n, "type") == "hidden" || has(n, "hidden") {
				continue
			}
			if labels[attr(n, "id")] == "" {
				t.Errorf("%s %q has no label", n.Data, attr(n, "name"))
			}
			for _, id := range strings.Fields(attr(n, "aria-describedby")) {
				if d.byID(id) == nil {
					t.Errorf("%q is described by %q, which is not there", attr(n, "name"), id)
				}
			}
			if attr(n, "type") == "password" && has(n, "value") {
				t.Error("a password is in the page")
			}
		}
		for _, n := range d.named("button") {
			if text(n) == "" {
				t.Error("a button says nothing")
			}
		}
	})
}

func TestErrorsAreSummarisedAndLinked(t *testing.T) {
	each(t, func(t *testing.T, source string, d document, p pages.Page) {
		title := d.byID("summary-title")
		if title == nil {
			if strings.Contains(source, `aria-invalid`) {
				t.Error("there are errors without a summary")
			}
			return
		}
		summary := title.Parent
		if attr(summary, "role") != "alert" || attr(summary, "tabindex") != "-1" || !has(summary, "autofocus") {
			t.Error("the summary does not announce itself")
		}
		linked := map[string]bool{}
		var order []string
		for n := range summary.Descendants() {
			if n.Type == html.ElementNode && n.Data == "a" {
				target := strings.TrimPrefix(attr(n, "href"), "#")
				linked[target], order = true, append(order, target)
				if input := d.byID(target); input == nil || input.Data != "input" && input.Data != "select" {
					t.Errorf("the summary links to %q, which is no input", target)
				}
			}
		}
		var invalid []string
		for _, n := range d.named("input", "select") {
			if attr(n, "aria-invalid") != "true" {
				continue
			}
			id := attr(n, "id")
			invalid = append(invalid, id)
			if !linked[id] || !strings.Contains(attr(n, "aria-describedby"), id+"-error") {
				t.Errorf("the error of %q is not linked", id)
			}
		}
		if n := min(len(order), len(invalid)); !slices.Equal(order[:n], invalid) { // the choice of scopes comes after the fields
			t.Errorf("the summary has %v, the form has %v", order, invalid)
		}
		if n := len(d.named("h1")); n == 1 {
			for _, f := range d.all {
				if has(f, "autofocus") && f != summary {
					t.Errorf("%q takes the focus from the summary", attr(f, "name"))
				}
			}
		}
	})
}

func TestHeaders(t *testing.T) {
	set := newSet(t, everything())
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "de-AT,en;q=0.5")
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Accept")
	if err := set.Render(w, r, http.StatusUnprocessableEntity, pages.Login{}); err != nil {
		t.Fatal(err)
	}
	h := w.Header()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Language": "de", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Content-Length": fmt.Sprint(w.Body.Len()),
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
			"frame-ancestors 'none'",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := h.Values("Vary"); !slices.Equal(got, []string{"Accept", "Accept-Language"}) {
		t.Errorf("Vary: %q", got)
	}
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d", w.Code)
	}
}

func TestAutofillAndKeyboards(t *testing.T) {
	set := newSet(t, everything())
	for _, c := range []struct {
		page pages.Page
		want map[string]string // parameter: type, autocomplete, inputmode
	}{
		{pages.SignUp{}, map[string]string{
			"email": "email email email", "phone": "tel tel tel", "username": "text username ", "name": "text name ",
			"password": "password new-password ", "data.birth_year": "number  decimal",
		}},
		{pages.Login{}, map[string]string{"identifier": "text username email", "password": "password current-password "}},
		{pages.Forgot{}, map[string]string{"identifier": "text username email"}},
		{pages.Reset{LinkToken: "x"}, map[string]string{"password": "password new-password "}},
		{pages.Account{}, map[string]string{"current": "password current-password ", "password": "password new-password "}},
	} {
		d := parse(t, render(t, set, "en", c.page).Body.String())
		for name, want := range c.want {
			n := d.input(name)
			if n == nil {
				t.Errorf("%T lacks %s", c.page, name)
				continue
			}
			if got := attr(n, "type") + " " + attr(n, "autocomplete") + " " + attr(n, "inputmode"); got != want {
				t.Errorf("%T %s: %q, want %q", c.page, name, got, want)
			}
		}
	}
	phones := everything()
	phones.Identifiers = []identifier.Kind{identifier.Phone}
	d := parse(t, render(t, newSet(t, phones), "en", pages.Login{}).Body.String())
	if n := d.input("identifier"); attr(n, "type") != "tel" || attr(n, "autocomplete") != "username" {
		t.Error("a login by phone number alone does not show the keys of a phone")
	}
}

func TestNothingTypedIsLostButPasswords(t *testing.T) {
	set := newSet(t, everything())
	f := pages.Form{Values: map[string]string{
		"email": "ada@", "name": `Ada "Countess"`, "password": "correct horse", "data.city": "Berlin", "data.newsletter": "false",
	}, ReturnTo: "/app?x=1"}
	body := render(t, set, "en", pages.SignUp{Form: f}).Body.String()
	d := parse(t, body)
	for _, name := range []string{"email", "name", "data.city"} {
		if got := attr(d.input(name), "value"); got != f.Values[name] {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := attr(d.input("return_to"), "value"); got != "/app?x=1" {
		t.Errorf("return_to: %q", got)
	}
	if strings.Contains(body, "correct horse") {
		t.Error("the password is in the page")
	}
	var chosen string
	for _, o := range d.named("option") {
		if has(o, "selected") {
			chosen = attr(o, "value")
		}
	}
	if chosen != "false" {
		t.Errorf("the choice of newsletter is %q", chosen)
	}
	d = parse(t, render(t, set, "en", pages.Login{Form: pages.Form{Values: map[string]string{"remember": "true"}}}).Body.String())
	if !has(d.input("remember"), "checked") {
		t.Error("remember is not ticked any more")
	}
}

func TestErrorsOfOneAccountFormStayThere(t *testing.T) {
	set := newSet(t, everything())
	p := pages.Account{Name: "Ada", Scopes: []string{"read"}, Failed: pages.Keys, Form: pages.Form{
		Values: map[string]string{"name": "Laptop"}, Errors: []core.FieldError{{Field: "name", Detail: "No."}},
	}}
	d := parse(t, render(t, set, "en", p).Body.String())
	if n := d.byID("profile-name"); attr(n, "value") != "Ada" || has(n, "aria-invalid") {
		t.Error("the profile shows what was typed for a key")
	}
	if n := d.byID("keys-name"); attr(n, "value") != "Laptop" || attr(n, "aria-invalid") != "true" {
		t.Error("the key's form lost its value or error")
	}
}

func TestForeignReturnToIsDropped(t *testing.T) {
	set := newSet(t, everything())
	for _, bad := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "javascript:alert(1)", "/\tx"} {
		for _, p := range []pages.Page{
			pages.Login{Form: pages.Form{ReturnTo: bad}}, pages.Verified{Form: pages.Form{ReturnTo: bad}, SignedIn: true},
		} {
			if body := render(t, set, "en", p).Body.String(); strings.Contains(body, "evil") || strings.Contains(body, "return_to") ||
				strings.Contains(body, "alert") {
				t.Errorf("%T keeps return_to %q", p, bad)
			}
		}
	}
}
