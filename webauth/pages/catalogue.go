package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

//go:embed texts/*.json
var embeddedJSON embed.FS

// texts are the messages of one locale by key. Placeholders such as {app} are filled in.
type texts map[string]string

// A catalogue holds the texts of every locale and chooses among them.
type catalogue struct {
	tags    []language.Tag // the default first
	names   []string       // parallel to tags, as in the lang attribute
	locales []texts        // parallel to tags
	matcher language.Matcher
}

// extras are the prefixes of keys that no locale needs: the application's own fields and notices, and particular
// wordings of errors.
var extras = []string{"data.", "notice.", "detail.", "error.", "problem."}

// newCatalogue merges the embedded texts with those of the application. fallback is the locale for everybody whose own
// is not there. A locale must be complete, on its own or through its parent (de-CH takes from de).
func newCatalogue(fallback string, override map[string]map[string]string) (*catalogue, error) {
	all, err := embeddedTexts()
	if err != nil {
		return nil, err
	}
	known := maps.Clone(all[language.English])
	for _, name := range slices.Sorted(maps.Keys(override)) {
		tag, err := language.Parse(name)
		if err != nil || tag == language.Und {
			return nil, fmt.Errorf("pages: Texts: %q is not a BCP 47 locale", name)
		}
		if all[tag] == nil {
			all[tag] = texts{}
		}
		maps.Copy(all[tag], override[name])
	}
	merged := make(map[language.Tag]texts, len(all))
	for tag := range all {
		merged[tag] = inherit(tag, all)
		if err := merged[tag].check(tag, known); err != nil {
			return nil, err
		}
	}
	def, err := language.Parse(fallback)
	for err == nil && def != language.Und && merged[def] == nil {
		def = def.Parent()
	}
	if err != nil || def == language.Und {
		return nil, fmt.Errorf("pages: Locale: there are no texts for %q", fallback)
	}
	return assemble(def, merged), nil
}

// assemble puts the default first, where the matcher looks when nothing fits, and the rest in a stable order.
func assemble(def language.Tag, merged map[language.Tag]texts) *catalogue {
	c := &catalogue{tags: []language.Tag{def}}
	rest := slices.Collect(maps.Keys(merged))
	slices.SortFunc(rest, func(a, b language.Tag) int { return strings.Compare(a.String(), b.String()) })
	for _, t := range rest {
		if t != def {
			c.tags = append(c.tags, t)
		}
	}
	for _, t := range c.tags {
		c.locales = append(c.locales, merged[t])
		c.names = append(c.names, t.String())
	}
	c.matcher = language.NewMatcher(c.tags)
	return c
}

// maxAcceptLanguage is more than any person's browser sends, in bytes.
const maxAcceptLanguage = 1000

// match returns the locale that fits best: first by name, then by Accept-Language (RFC 9110 section 12.5.4). What
// cannot be read gets the default.
func (c *catalogue) match(name, accept string) int {
	if tag, err := language.Parse(name); err == nil && tag != language.Und {
		if _, i, confidence := c.matcher.Match(tag); confidence > language.No {
			return i
		}
	}
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

func embeddedTexts() (map[language.Tag]texts, error) {
	all := map[language.Tag]texts{}
	files, err := fs.Glob(embeddedJSON, "texts/*.json")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := embeddedJSON.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var t texts
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("pages: %s: %w", f, err)
		}
		all[language.MustParse(strings.TrimSuffix(strings.TrimPrefix(f, "texts/"), ".json"))] = t
	}
	return all, nil
}

// inherit returns the texts of tag over those of its parents.
func inherit(tag language.Tag, all map[language.Tag]texts) texts {
	var chain []texts
	for t := tag; t != language.Und; t = t.Parent() {
		chain = append(chain, all[t])
	}
	merged := texts{}
	for _, t := range slices.Backward(chain) {
		maps.Copy(merged, t)
	}
	return merged
}

// check reports missing and unknown keys, placeholders that the English text does not have, and a calendar without
// twelve months.
func (t texts) check(tag language.Tag, known texts) error {
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if t[k] == "" && !extra(k) {
			return fmt.Errorf("pages: Texts: locale %s lacks %q", tag, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if _, ok := known[k]; !ok && !extra(k) {
			return fmt.Errorf("pages: Texts: locale %s has the unknown key %q", tag, k)
		}
		allowed := func(name string) (string, bool) {
			model := known[k]
			if strings.HasPrefix(k, "detail.") {
				model = k
			}
			return "", name == "app" || strings.Contains(model, "{"+name+"}")
		}
		if _, err := fill(t[k], allowed); err != nil {
			return fmt.Errorf("pages: Texts: locale %s, key %q: %w", tag, k, err)
		}
	}
	if n := len(strings.Split(t["months"], "|")); n != 12 {
		return fmt.Errorf("pages: Texts: locale %s names %d months instead of 12", tag, n)
	}
	if d := t["direction"]; d != "ltr" && d != "rtl" {
		return fmt.Errorf("pages: Texts: locale %s: direction %q is neither ltr nor rtl", tag, d)
	}
	return nil
}

func extra(key string) bool {
	return slices.ContainsFunc(extras, func(p string) bool { return strings.HasPrefix(key, p) })
}

// date writes a time in UTC, to the minute, the way of the locale. The zero time is "".
func (t texts) date(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	months := strings.Split(t["months"], "|")
	s, _ := fill(t["date"], func(key string) (string, bool) {
		switch key {
		case "day":
			return strconv.Itoa(at.Day()), true
		case "month":
			return months[at.Month()-1], true
		case "year":
			return strconv.Itoa(at.Year()), true
		case "time":
			return at.Format("15:04"), true
		}
		return "", false
	})
	return s
}

// fill replaces every {placeholder} of s. It fails on an unknown or unclosed one.
func fill(s string, value func(key string) (string, bool)) (string, error) {
	if !strings.ContainsAny(s, "{}") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return "", fmt.Errorf("a } without its {")
		}
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		key, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("a { without its }")
		}
		v, ok := value(key)
		if !ok {
			return "", fmt.Errorf("unknown placeholder {%s}", key)
		}
		b.WriteString(v)
		s = after
	}
}
