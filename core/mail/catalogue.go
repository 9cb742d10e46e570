package mail

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

//go:embed templates/*
var embedded embed.FS

// texts are the messages of one locale by key. "verify.lead" is the lead of one template; a key without a template's
// name, such as "greeting", serves all of them. {app}, {name}, {link}, {expires}, {at}, {support} and {data.<key>}
// are filled in.
type texts map[string]string

// A catalogue holds the texts of every locale and chooses among them.
type catalogue struct {
	tags    []language.Tag // the default first
	locales []texts        // parallel to tags
	matcher language.Matcher
}

// newCatalogue merges the embedded texts with those of the application. fallback is the locale for everybody whose
// own is not there. A locale must be complete, on its own or through its parent (de-CH takes from de).
func newCatalogue(fallback string, override map[string]map[string]string) (*catalogue, error) {
	all, err := embeddedTexts()
	if err != nil {
		return nil, err
	}
	known := slices.Collect(maps.Keys(all[language.English]))
	for name, own := range override {
		tag, err := language.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("mail: Texts: %q is not a BCP 47 locale: %w", name, err)
		}
		if all[tag] == nil {
			all[tag] = texts{}
		}
		maps.Copy(all[tag], own)
	}
	known = append(known, customKeys(all)...)
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
		return nil, fmt.Errorf("mail: Locale: there are no texts for %q", fallback)
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
	}
	c.matcher = language.NewMatcher(c.tags)
	return c
}

// match returns the texts that fit a BCP 47 locale best, and their own name. What cannot be read gets the default.
func (c *catalogue) match(locale string) (string, texts) {
	i := 0
	if tag, err := language.Parse(locale); err == nil {
		_, i, _ = c.matcher.Match(tag)
	}
	return c.tags[i].String(), c.locales[i]
}

func embeddedTexts() (map[language.Tag]texts, error) {
	all := map[language.Tag]texts{}
	files, err := fs.Glob(embedded, "templates/*.json")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := embedded.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var t texts
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("mail: %s: %w", f, err)
		}
		all[language.MustParse(strings.TrimSuffix(strings.TrimPrefix(f, "templates/"), ".json"))] = t
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

// customKeys lists what the application's own templates (those with a "<name>.subject" of their own) must have.
func customKeys(all map[language.Tag]texts) []string {
	var keys []string
	for _, t := range all {
		for k := range t {
			if name, ok := strings.CutSuffix(k, ".subject"); ok && !builtIn(name) {
				keys = append(keys, k, name+".heading", name+".lead")
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// check reports missing and unknown keys, bad placeholders, and a calendar without twelve months.
func (t texts) check(tag language.Tag, known []string) error {
	for _, k := range known {
		if t[k] == "" && !strings.HasSuffix(k, ".advice") {
			return fmt.Errorf("mail: Texts: locale %s lacks %q", tag, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if !slices.Contains(known, k) && !t.optional(k) {
			return fmt.Errorf("mail: Texts: locale %s has the unknown key %q", tag, k)
		}
		if _, err := fill(t[k], samplePlaceholder); err != nil {
			return fmt.Errorf("mail: Texts: locale %s, key %q: %w", tag, k, err)
		}
	}
	if n := len(strings.Split(t["months"], "|")); n != 12 {
		return fmt.Errorf("mail: Texts: locale %s names %d months instead of 12", tag, n)
	}
	if d := t["direction"]; d != "ltr" && d != "rtl" {
		return fmt.Errorf("mail: Texts: locale %s: direction %q is neither ltr nor rtl", tag, d)
	}
	return nil
}

// optional reports whether k is a further part of a template that t has.
func (t texts) optional(k string) bool {
	i := strings.LastIndexByte(k, '.')
	return i > 0 && t[k[:i]+".subject"] != "" && slices.Contains([]string{"button", "advice", "sms"}, k[i+1:])
}

// templates lists the names that t has a subject for, sorted.
func (t texts) templates() []string {
	var names []string
	for k := range t {
		if name, ok := strings.CutSuffix(k, ".subject"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lookup returns the text of a template's part, else the one that all templates share.
func (t texts) lookup(template, key string) (string, bool) {
	if s, ok := t[template+"."+key]; ok {
		return s, s != ""
	}
	s := t[key]
	return s, s != ""
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

// samplePlaceholder knows every placeholder that a text may have.
func samplePlaceholder(key string) (string, bool) {
	if slices.Contains([]string{"day", "month", "year", "time"}, key) {
		return "", true
	}
	return View{}.placeholder(key)
}
