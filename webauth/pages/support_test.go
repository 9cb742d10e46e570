package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// everything asks for all that pages can ask for.
func everything() pages.Options {
	return pages.Options{
		App: "Analytical Engines", Support: "help@example.com", PasswordLength: 15,
		Identifiers: []identifier.Kind{identifier.Email, identifier.Username, identifier.Phone},
		Fields: []core.Field{
			{Name: "city", Type: core.TextField, Required: true, MaxLength: 100},
			{Name: "birth_year", Type: core.NumberField}, {Name: "newsletter", Type: core.BoolField},
			{Name: "plan", Type: core.TextField, ReadOnly: true},
		},
		Providers: []pages.Provider{{Name: "example-id", Title: "Example ID"}, {Name: "another", Title: "Another"}},
		Texts: map[string]map[string]string{
			"en": {"data.city": "City", "data.city.hint": "Where we send the printed newsletter."},
			"de": {"data.city": "Ort", "data.city.hint": "Dorthin geht der gedruckte Rundbrief.",
				"data.birth_year": "Geburtsjahr", "data.newsletter": "Rundbrief"},
		},
	}
}

// newSet has every page tried in every state and locale.
func newSet(t testing.TB, o pages.Options) *pages.Set {
	t.Helper()
	set, err := pages.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.TryAll(); err != nil {
		t.Error(err)
	}
	return set
}

func render(t testing.TB, set *pages.Set, locale string, p pages.Page) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", locale)
	w := httptest.NewRecorder()
	if err := set.Render(w, r, http.StatusOK, p); err != nil {
		t.Fatal(err)
	}
	return w
}

// A document is a parsed page.
type document struct {
	root *html.Node
	all  []*html.Node // elements, in document order
}

func parse(t testing.TB, source string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	d := document{root: root}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			d.all = append(d.all, n)
		}
	}
	return d
}

func (d document) named(tags ...string) (found []*html.Node) {
	for _, n := range d.all {
		for _, tag := range tags {
			if n.Data == tag {
				found = append(found, n)
			}
		}
	}
	return found
}

func (d document) byID(id string) *html.Node {
	for _, n := range d.all {
		if attr(n, "id") == id {
			return n
		}
	}
	return nil
}

// input returns the first input with the name of a parameter.
func (d document) input(name string) *html.Node {
	for _, n := range d.named("input", "select") {
		if attr(n, "name") == name {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
