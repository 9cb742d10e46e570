// Package catalogue keeps the texts of mails and pages by language: those that are embedded, those of the application
// over them, and from them the language that a reader likes best.
//
// A locale is named by BCP 47. It must have every text, of its own or through its parent: de-CH takes from de.
package catalogue

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// A Catalogue holds the texts of every locale and chooses among them. It is safe for concurrent use.
type Catalogue struct {
	tags    []language.Tag // the default first
	names   []string       // parallel to tags
	texts   []Texts        // parallel to tags
	matcher language.Matcher
}

// Options say what is in a catalogue. Embedded, Pattern and Default are required.
type Options struct {
	Embedded fs.FS  // has a JSON object of texts for each locale, such as texts/en.json; English is one of them
	Pattern  string // that these files match, as of fs.Glob
	Default  string // locale for whoever reads none that there are texts for; one with a parent in the catalogue will do
	Override map[string]map[string]string
	// Check judges the complete texts of one locale; its error is what the locale does wrong, such as "lacks ...". english
	// are the embedded English texts, without overrides, and all those of every locale.
	Check func(t, english Texts, all []Texts) error
}

// New merges embedded texts and overrides, and checks them. The error names option, locale and key.
func New(o Options) (*Catalogue, error) {
	own, err := read(o.Embedded, o.Pattern)
	if err != nil {
		return nil, err
	}
	english := maps.Clone(own[language.English])
	for _, name := range slices.Sorted(maps.Keys(o.Override)) {
		tag, err := language.Parse(name)
		if err != nil || tag == language.Und {
			return nil, fmt.Errorf("option Texts: %q is not a BCP 47 locale", name)
		}
		if own[tag] == nil {
			own[tag] = Texts{}
		}
		maps.Copy(own[tag], o.Override[name])
	}
	def, err := language.Parse(o.Default)
	for err == nil && def != language.Und && own[def] == nil {
		def = def.Parent()
	}
	if err != nil || def == language.Und {
		return nil, fmt.Errorf("option Locale: there are no texts for %q", o.Default)
	}
	c := assemble(def, own)
	for i, t := range c.texts {
		for _, err := range []error{o.Check(t, english, c.texts), t.checkShared()} {
			if err != nil {
				return nil, fmt.Errorf("option Texts: locale %s %w", c.names[i], err)
			}
		}
	}
	return c, nil
}

// read returns the embedded texts.
func read(from fs.FS, pattern string) (map[language.Tag]Texts, error) {
	files, err := fs.Glob(from, pattern)
	if err != nil {
		return nil, err
	}
	all := map[language.Tag]Texts{}
	for _, f := range files {
		data, err := fs.ReadFile(from, f)
		if err != nil {
			return nil, err
		}
		tag, err := language.Parse(strings.TrimSuffix(path.Base(f), path.Ext(f)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		var t Texts
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all[tag] = t
	}
	return all, nil
}

// assemble puts the default first, where the matcher looks when nothing fits, and the rest in a stable order.
func assemble(def language.Tag, own map[language.Tag]Texts) *Catalogue {
	c := &Catalogue{tags: slices.Collect(maps.Keys(own))}
	slices.SortFunc(c.tags, func(a, b language.Tag) int {
		if a == def || b == def {
			return boolInt(b == def) - boolInt(a == def)
		}
		return strings.Compare(a.String(), b.String())
	})
	for _, t := range c.tags {
		c.names, c.texts = append(c.names, t.String()), append(c.texts, inherit(t, own))
	}
	c.matcher = language.NewMatcher(c.tags)
	return c
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// inherit returns the texts of a locale over those of its parents.
func inherit(tag language.Tag, own map[language.Tag]Texts) Texts {
	var chain []Texts
	for t := tag; t != language.Und; t = t.Parent() {
		chain = append(chain, own[t])
	}
	merged := Texts{}
	for _, t := range slices.Backward(chain) {
		maps.Copy(merged, t)
	}
	return merged
}

// Names lists the locales, the default first.
func (c *Catalogue) Names() []string { return slices.Clone(c.names) }

// Name returns the name of a locale by its index in Names.
func (c *Catalogue) Name(i int) string { return c.names[i] }

// Texts returns the texts of a locale by its index in Names. Do not change them.
func (c *Catalogue) Texts(i int) Texts { return c.texts[i] }

// Match returns the index of the locale that fits a name best, and false with the default where none does, or the name is
// none.
func (c *Catalogue) Match(name string) (int, bool) {
	tag, err := language.Parse(name)
	if err != nil || tag == language.Und {
		return 0, false
	}
	_, i, confidence := c.matcher.Match(tag)
	return i, confidence > language.No
}

// maxAcceptLanguage is more than any person's browser sends, in bytes.
const maxAcceptLanguage = 1000

// MatchHeader returns the index of the locale that an Accept-Language field likes best (RFC 9110 section 12.5.4). What
// cannot be read gets the default.
func (c *Catalogue) MatchHeader(accept string) int {
	if accept == "" || len(accept) > maxAcceptLanguage {
		return 0
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return 0
	}
	_, i, _ := c.matcher.Match(wanted...)
	return i
}
