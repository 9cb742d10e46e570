package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

func TestTheReadersLanguage(t *testing.T) {
	set := newSet(t, everything())
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-CH, en;q=0.5": "de", "fr, de;q=0.3": "de", "ja": "en", "en-US,en;q=0.9,de;q=0.8": "en",
		"de;q=0, en": "en", "%%%": "en", strings.Repeat("de,", 5000): "en", strings.Repeat("a-", 400): "en",
	} {
		if got := render(t, set, accept, pages.Login{}).Header().Get("Content-Language"); got != want {
			t.Errorf("%.40q gets %s, want %s", accept, got, want)
		}
	}
	o := everything()
	o.Locale = "de"
	o.LocaleOf = func(r *http.Request) string { return r.URL.Query().Get("lang") }
	set = newSet(t, o)
	for query, want := range map[string]string{"": "de", "?lang=en": "en", "?lang=xx-bad-": "de"} {
		w := httptest.NewRecorder()
		if err := set.Render(w, httptest.NewRequest(http.MethodGet, "/"+query, nil), 200, pages.Login{}); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Content-Language"); got != want {
			t.Errorf("%q gets %s, want %s", query, got, want)
		}
	}
}

// TestSentencesOfCoreAreTranslated makes core and its packages complain, and reads the complaint in German.
func TestSentencesOfCoreAreTranslated(t *testing.T) {
	set := newSet(t, everything())
	var sentences []string
	for kind, values := range map[identifier.Kind][]string{
		identifier.Email: {
			"ada", "a@b@c", "@example.com", "ada@", ".ada@example.com", "a b@example.com", strings.Repeat("a", 65) + "@example.com",
			strings.Repeat("a", 300) + "@example.com", strings.Repeat("a", 5000), "\xff", "a@" + strings.Repeat("b.", 130) + "com",
		},
		identifier.Phone:    {"030", "+49x", "+1", "+4930901820123456789", "+0123456789"},
		identifier.Username: {"a", "a b\x00", strings.Repeat("a", 65), "123", "..a", "a@b"},
	} {
		for _, value := range values {
			if _, err := identifier.Parse(kind, value); err != nil {
				sentences = append(sentences, "It "+err.(*identifier.Error).Reason+".")
			}
		}
	}
	policy := password.DefaultPolicy()
	for _, pw := range []string{"short", strings.Repeat("x", 2000), "\xff", "aaaaaaaaaaaaaaaaaaaa", "analytical engines", "passwordpassword"} {
		if err := policy.Check(pw, password.Alone, "Analytical Engines"); err != nil {
			sentences = append(sentences, err.(*password.PolicyError).Detail)
		}
	}
	if len(sentences) < 20 {
		t.Fatalf("only %d complaints", len(sentences))
	}
	for _, s := range sentences {
		f := pages.Form{Errors: []core.FieldError{{Field: "identifier", Code: "x", Detail: s}}}
		if strings.Contains(text(parse(t, render(t, set, "de", pages.Login{Form: f}).Body.String()).root), s) {
			t.Errorf("not translated: %q", s)
		}
		if !strings.Contains(text(parse(t, render(t, set, "en", pages.Login{Form: f}).Body.String()).root), s) {
			t.Errorf("not shown in English: %q", s)
		}
	}
	f := pages.Form{Errors: []core.FieldError{{Field: "password", Code: core.CodeWeakPassword, Detail: "The password needs at least 15 characters."}}}
	if body := render(t, set, "de", pages.SignUp{Form: f}).Body.String(); !strings.Contains(body, "Das Passwort braucht mindestens 15 Zeichen.") {
		t.Error("the number is lost")
	}
	own := pages.Form{Errors: []core.FieldError{{Field: "data.city", Code: core.CodeInvalidField, Detail: "Diese Stadt kennen wir nicht."}}}
	if body := render(t, set, "de", pages.SignUp{Form: own}).Body.String(); !strings.Contains(body, "Diese Stadt kennen wir nicht.") {
		t.Error("the application's own sentence is lost")
	}
}

// toPrograms are sentences that no form of a page can cause.
var toPrograms = []string{
	"An id is required.", "A public client has no secret.", "Give a password or a hash, not both.", "One of email, phone and username.",
	"The provider names nobody: 1 to 1,000 bytes are required.", "Send one credential only: a cookie or a header.",
	"Only people have an account to manage.", "An API key cannot manage accounts or keys.",
}

// TestEverySentenceIsTranslated reads the sources of what answers forms: each sentence in them has a German one.
func TestEverySentenceIsTranslated(t *testing.T) {
	set := newSet(t, everything())
	var found int
	for _, pattern := range []string{"../../core/*.go", "../*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 10 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				s, err := strconv.Unquote(literal.Value)
				if err != nil || !sentenceRE.MatchString(s) || slices.Contains(toPrograms, s) {
					return true
				}
				found++
				s = strings.ReplaceAll(s, "%d", "9")
				f := pages.Form{Errors: []core.FieldError{{Field: "identifier", Code: core.CodeInvalidField, Detail: s}}}
				if strings.Contains(text(parse(t, render(t, set, "de", pages.Login{Form: f}).Body.String()).root), s) {
					t.Errorf("%s says %q, which texts/de.json lacks", name, s)
				}
				return true
			})
		}
	}
	if found < 20 {
		t.Errorf("only %d sentences", found)
	}
}

var sentenceRE = regexp.MustCompile(`^[A-Z][^\n]* [^\n]*\.$`)

func TestTitlesOfCodesAreSaidPlainly(t *testing.T) {
	set := newSet(t, everything())
	f := pages.Form{Errors: []core.FieldError{{Code: core.CodeInvalidCredentials, Detail: core.CodeInvalidCredentials.Title()}}}
	if body := render(t, set, "en", pages.Login{Form: f}).Body.String(); !strings.Contains(body, "Check both") {
		t.Error("the login page speaks of identifiers")
	}
	for code := range core.Codes {
		for _, locale := range locales {
			d := parse(t, render(t, set, locale, pages.Error{Code: code, Detail: code.Title()}).Body.String())
			if strings.Contains(text(d.named("main")[0]), code.Title()+".") {
				t.Errorf("%s in %s says its title twice", code, locale)
			}
		}
	}
}

func TestOverridesOneByOne(t *testing.T) {
	o := everything()
	o.Texts["en"]["login.heading"] = "Welcome back to {app}"
	o.Texts["de-AT"] = map[string]string{"login.heading": "Servus"}
	o.Templates = fstest.MapFS{
		"signed_out.html.tmpl": {Data: []byte(`{{define "content"}}<h1>Bye</h1><p>{{.T "signed_out.lead"}}</p>{{end}}`)},
		"pending.html.tmpl":    {Data: []byte(`<!doctype html><title>{{.Title}}</title><h1>Own page, {{.App}}</h1>`)},
	}
	o.Colours.Light = map[string]string{"accent": "#065f46"}
	o.CSS = ".brand{text-transform:uppercase}"
	o.Logo.URL = "/static/logo.svg"
	set := newSet(t, o)
	for _, c := range []struct {
		locale string
		page   pages.Page
		want   string
	}{
		{"en", pages.Login{}, "Welcome back to Analytical Engines</h1>"}, {"de-AT", pages.Login{}, "Servus</h1>"},
		{"de", pages.Login{}, "Anmelden</h1>"}, {"en", pages.SignedOut{}, "<h1>Bye</h1>"},
		{"en", pages.SignedOut{}, `<img src="/static/logo.svg"`}, {"en", pages.Pending{}, "<h1>Own page, Analytical Engines</h1>"},
	} {
		if body := render(t, set, c.locale, c.page).Body.String(); !strings.Contains(body, c.want) {
			t.Errorf("%T in %s lacks %q", c.page, c.locale, c.want)
		}
	}
	_, h := set.Stylesheet()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if css := w.Body.String(); !strings.Contains(css, "--accent:#065f46;") || !strings.HasSuffix(css, o.CSS) {
		t.Error("the stylesheet lacks what was set")
	}
}

func TestBrokenOverridesAreErrors(t *testing.T) {
	template := func(name, source string) func(*pages.Options) {
		return func(o *pages.Options) { o.Templates = fstest.MapFS{name: {Data: []byte(source)}} }
	}
	for want, break_ := range map[string]func(*pages.Options){
		"App":                 func(o *pages.Options) { o.App = "" },
		"Prefix":              func(o *pages.Options) { o.Prefix = "/auth/" },
		"Home":                func(o *pages.Options) { o.Home = "//evil.example" },
		"Support":             func(o *pages.Options) { o.Support = "javascript:alert(1)" },
		"Identifiers":         func(o *pages.Options) { o.Identifiers = []identifier.Kind{"pigeon"} },
		"unknown type":        func(o *pages.Options) { o.Fields[0].Type = "date" },
		"PasswordLength":      func(o *pages.Options) { o.PasswordLength = -1 },
		`no texts for "fr"`:   func(o *pages.Options) { o.Locale = "fr" },
		"locale fr lacks":     func(o *pages.Options) { o.Texts["fr"] = map[string]string{"login.heading": "Connexion"} },
		"not a BCP 47":        func(o *pages.Options) { o.Texts["!"] = nil },
		"unknown key":         func(o *pages.Options) { o.Texts["en"]["login.headnig"] = "x" },
		"unknown placeholder": func(o *pages.Options) { o.Texts["en"]["login.heading"] = "{ap}" },
		"instead of 12":       func(o *pages.Options) { o.Texts["en"]["months"] = "Jan" },
		"neither ltr nor rtl": func(o *pages.Options) { o.Texts["en"]["direction"] = "up" },
		"logn.html.tmpl":      template("logn.html.tmpl", "x"),
		"no text \"nothing\"": template("login.html.tmpl", `{{define "content"}}<h1>{{.T "nothing"}}</h1>{{end}}`),
		"login.html.tmpl":     template("login.html.tmpl", `{{define "content"}`),
		`no field "nothing"`:  template("login.html.tmpl", `{{define "content"}}<h1>x</h1>{{.Field "nothing"}}{{end}}`),
		"<script":             template("login.html.tmpl", `{{define "content"}}<h1>x</h1><script>1</script>{{end}}`),
		"2 h1":                template("login.html.tmpl", `{{define "content"}}<h1>x</h1><h1>y</h1>{{end}}`),
		"lacks the hidden":    template("verify.html.tmpl", `{{define "content"}}<h1>x</h1><form method="post"></form>{{end}}`),
		"lacks the field":     template("login.html.tmpl", `{{define "content"}}<h1>x</h1>{{end}}`),
		`no colour "acent"`:   func(o *pages.Options) { o.Colours.Light = map[string]string{"acent": "#000"} },
		"not #rgb":            func(o *pages.Options) { o.Colours.Light = map[string]string{"accent": "red;}"} },
		"contrast":            func(o *pages.Options) { o.Colours.Dark = map[string]string{"text": "#333333"} },
		"CSS has a brace":     func(o *pages.Options) { o.CSS = "a{" },
		"@import":             func(o *pages.Options) { o.CSS = "@import 'x';" },
		"Logo.URL":            func(o *pages.Options) { o.Logo.URL = "https://cdn.example/logo.svg" },
		"Logo.Data is not":    func(o *pages.Options) { o.Logo.Data = []byte("<html>") },
		"both URL and Data":   func(o *pages.Options) { o.Logo = pages.Logo{URL: "/x", Data: []byte(logo)} },
		"Logo.Data has":       func(o *pages.Options) { o.Logo.Data = make([]byte, 1<<20) },
	} {
		o := everything()
		break_(&o)
		if _, err := pages.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestAFurtherLocale adds one with all keys, written from right to left.
func TestAFurtherLocale(t *testing.T) {
	data, err := os.ReadFile("texts/en.json")
	if err != nil {
		t.Fatal(err)
	}
	o := everything()
	o.Texts["he"] = map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)": "([^"]*)"`).FindAllStringSubmatch(string(data), -1) {
		o.Texts["he"][m[1]] = m[2]
	}
	o.Texts["he"]["direction"] = "rtl"
	body := render(t, newSet(t, o), "he-IL", pages.Login{}).Body.String()
	if !strings.Contains(body, `<html lang="he" dir="rtl">`) {
		t.Error(body[:200])
	}
}

func TestAssetsAreCachedForEver(t *testing.T) {
	o := everything()
	o.Logo.Data = []byte(logo)
	set := newSet(t, o)
	other := everything()
	other.CSS = "a{}"
	path, _ := set.Stylesheet()
	if changed, _ := newSet(t, other).Stylesheet(); changed == path {
		t.Error("another stylesheet has the same path")
	}
	if !strings.Contains(render(t, set, "en", pages.Login{}).Body.String(), `href="`+path+`"`) {
		t.Error("pages do not lead to the stylesheet")
	}
	for pattern, asset := range map[string]func() (string, http.Handler){
		`^/auth/assets/style-[0-9a-f]{16}\.css$`: set.Stylesheet, `^/auth/assets/logo-[0-9a-f]{16}\.svg$`: set.Logo,
	} {
		path, h := asset()
		if !regexp.MustCompile(pattern).MatchString(path) {
			t.Errorf("path %q", path)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, %q", path, w.Code, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s can be opened as something else", path)
		}
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}

// Links and the focus ring follow the accent, unless they have a colour of their own; the contrast holds for them too.
func TestLinksFollowTheAccent(t *testing.T) {
	style := func(light map[string]string) string {
		o := everything()
		o.Colours.Light = light
		_, h := newSet(t, o).Stylesheet()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Body.String()
	}
	for want, light := range map[string]map[string]string{
		"--focus:#065f46;":  {"accent": "#065f46"},
		"--link:#065f46;":   {"accent": "#065f46"},
		"--link:#7c2d12;":   {"accent": "#065f46", "link": "#7c2d12"},
		"--accent:#1d4ed8;": {"link": "#7c2d12"},
	} {
		if css := style(light); !strings.Contains(css, want) {
			t.Errorf("%v: the stylesheet lacks %s", light, want)
		}
	}
	o := everything()
	o.Colours.Light = map[string]string{"accent": "#767676", "on-accent": "#000000"}
	if _, err := pages.New(o); err == nil || !strings.Contains(err.Error(), "link (#767676)") {
		t.Errorf("an accent that no link can have: %v", err)
	}
}

// What may be left empty says so, whatever its type.
func TestOptionalFieldsSaySo(t *testing.T) {
	body := render(t, newSet(t, everything()), "en", pages.SignUp{}).Body.String()
	for _, label := range []string{"Birth year (optional)", "Newsletter (optional)", "Name (optional)", ">City<"} {
		if !strings.Contains(body, label) {
			t.Errorf("there is no %q", label)
		}
	}
}

// TestEmbeddedPagesWork tries what New does not: the embedded pages, whatever an application asks for.
func TestEmbeddedPagesWork(t *testing.T) {
	for name, change := range map[string]func(o *pages.Options){
		"nothing":     func(o *pages.Options) { *o = pages.Options{App: "Example"} },
		"everything":  func(o *pages.Options) { o.Texts = nil },
		"phones":      func(o *pages.Options) { o.Identifiers, o.Fields = []identifier.Kind{identifier.Phone}, nil },
		"usernames":   func(o *pages.Options) { o.Identifiers = []identifier.Kind{identifier.Username} },
		"closed":      func(o *pages.Options) { o.ClosedSignUp, o.Providers = true, nil },
		"invitations": func(o *pages.Options) { o.InviteOnly, o.Support = true, "" },
		"a logo":      func(o *pages.Options) { o.Logo = pages.Logo{Data: []byte(logo)} },
		"German":      func(o *pages.Options) { o.Locale, o.Home = "de", "/start" },
	} {
		o := everything()
		change(&o)
		t.Run(name, func(t *testing.T) { newSet(t, o) })
	}
}
