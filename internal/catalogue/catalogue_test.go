package catalogue_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/oneauth-go/oneauth/internal/catalogue"
)

const shared = `"direction":"ltr","months":"1|2|3|4|5|6|7|8|9|10|11|12","date":"{day}/{month}/{year} {time}"`

func newCatalogue(t *testing.T, change func(*catalogue.Options)) (*catalogue.Catalogue, error) {
	t.Helper()
	o := catalogue.Options{
		Embedded: fstest.MapFS{
			"texts/en.json": {Data: []byte(`{` + shared + `,"hello":"Hello","bye":"Bye"}`)},
			"texts/de.json": {Data: []byte(`{` + shared + `,"hello":"Hallo","bye":"Tschüss"}`)},
		},
		Pattern: "texts/*.json", Default: "en",
		Check: func(texts, english catalogue.Texts, _ []catalogue.Texts) error {
			for key := range english {
				if texts[key] == "" {
					return errors.New("lacks " + key)
				}
			}
			return nil
		},
	}
	if change != nil {
		change(&o)
	}
	return catalogue.New(o)
}

// A locale takes from its parent what it lacks, and overrides go over both.
func TestLocalesInherit(t *testing.T) {
	c, err := newCatalogue(t, func(o *catalogue.Options) {
		o.Default = "de-DE"
		o.Override = map[string]map[string]string{"de-CH": {"hello": "Grüezi"}, "de": {"bye": "Servus"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := c.Names(); !slices.Equal(names, []string{"de", "de-CH", "en"}) || c.Name(1) != "de-CH" {
		t.Errorf("%v", names)
	}
	if swiss := c.Texts(1); swiss["hello"] != "Grüezi" || swiss["bye"] != "Servus" {
		t.Errorf("%v", swiss)
	}
	if german := c.Texts(0); german["hello"] != "Hallo" {
		t.Errorf("%v", german)
	}
}

func TestMatch(t *testing.T) {
	c, err := newCatalogue(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"de-AT": "de", "en-GB": "en", "de": "de"} {
		if i, ok := c.Match(name); !ok || c.Name(i) != want {
			t.Errorf("%s gets %s, %v", name, c.Name(i), ok)
		}
	}
	for _, name := range []string{"", "ja", "und", "not a locale", strings.Repeat("a-", 400)} {
		if i, ok := c.Match(name); ok || i != 0 {
			t.Errorf("%.20q gets %s, %v", name, c.Name(i), ok)
		}
	}
	for accept, want := range map[string]string{
		"": "en", "de-CH, en;q=0.5": "de", "fr, de;q=0.3": "de", "ja": "en", "%%%": "en", strings.Repeat("de,", 5000): "en",
	} {
		if got := c.Name(c.MatchHeader(accept)); got != want {
			t.Errorf("%.40q gets %s, want %s", accept, got, want)
		}
	}
}

func TestDate(t *testing.T) {
	c, err := newCatalogue(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 3, 23, 5, 59, 0, time.FixedZone("", 3600))
	if got := c.Texts(0).Date(at); got != "3/11/2026 22:05" {
		t.Error(got)
	}
	if got := c.Texts(0).Date(time.Time{}); got != "" {
		t.Error(got)
	}
}

func TestFill(t *testing.T) {
	value := func(name string) (string, bool) { return "<" + name + ">", name != "unknown" }
	for in, want := range map[string]string{"": "", "plain": "plain", "a {b} c{d}": "a <b> c<d>", "{{x}": "<{x>"} {
		if got, err := catalogue.Fill(in, value); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"{", "}", "a } b", "{unknown}", "{a", "{a}}"} {
		if got, err := catalogue.Fill(bad, value); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	override := func(locale, key, text string) func(*catalogue.Options) {
		return func(o *catalogue.Options) { o.Override = map[string]map[string]string{locale: {key: text}} }
	}
	for says, change := range map[string]func(*catalogue.Options){
		`"english" is not a BCP 47 locale`: override("english", "hello", "Hi"),
		`no texts for "ja"`:                func(o *catalogue.Options) { o.Default = "ja" },
		`no texts for "?"`:                 func(o *catalogue.Options) { o.Default = "?" },
		"locale fr lacks":                  override("fr", "hello", "Salut"),
		"locale de lacks hello":            override("de", "hello", ""),
		"locale de names 2 months":         override("de", "months", "a|b"),
		`direction "up"`:                   override("en", "direction", "up"),
		`text "date": unknown placeholder`: override("de", "date", "{era}"),
		"texts/en.json":                    func(o *catalogue.Options) { o.Embedded = fstest.MapFS{"texts/en.json": {Data: []byte("{")}} },
		"texts/not a locale.json":          func(o *catalogue.Options) { o.Embedded = fstest.MapFS{"texts/not a locale.json": {Data: []byte("{}")}} },
	} {
		if _, err := newCatalogue(t, change); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %s: %v", says, err)
		}
	}
}
