package mail

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/internal/catalogue"
)

//go:embed templates/*
var embedded embed.FS

// newCatalogue merges the embedded texts with those of the application. "verify.lead" is the lead of one template; a key
// without a template's name, such as "greeting", serves all of them. {app}, {name}, {link}, {expires}, {at}, {support}
// and {data.<key>} are filled in. fallback is the locale for everybody whose own is not there.
func newCatalogue(fallback string, override map[string]map[string]string) (*catalogue.Catalogue, error) {
	c, err := catalogue.New(catalogue.Options{
		Embedded: embedded, Pattern: "templates/*.json", Default: fallback, Override: override, Check: checkTexts,
	})
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return c, nil
}

// checkTexts reports missing and unknown keys, and bad placeholders.
func checkTexts(t, english catalogue.Texts, all []catalogue.Texts) error {
	known := append(slices.Sorted(maps.Keys(english)), customKeys(all)...)
	for _, k := range known {
		if t[k] == "" && !strings.HasSuffix(k, ".advice") {
			return fmt.Errorf("lacks %q", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if !slices.Contains(known, k) && !optional(t, k) {
			return fmt.Errorf("has the unknown key %q", k)
		}
		if _, err := catalogue.Fill(t[k], samplePlaceholder); err != nil {
			return fmt.Errorf("has a bad text %q: %w", k, err)
		}
	}
	return nil
}

// customKeys lists what the application's own templates (those with a "<name>.subject" of their own) must have.
func customKeys(all []catalogue.Texts) []string {
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

// optional reports whether k is a further part of a template that t has.
func optional(t catalogue.Texts, k string) bool {
	i := strings.LastIndexByte(k, '.')
	return i > 0 && t[k[:i]+".subject"] != "" && slices.Contains([]string{"button", "advice", "sms"}, k[i+1:])
}

// templateNames lists the templates that t has a subject for, sorted.
func templateNames(t catalogue.Texts) []string {
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
func lookup(t catalogue.Texts, template, key string) (string, bool) {
	if s, ok := t[template+"."+key]; ok {
		return s, s != ""
	}
	s := t[key]
	return s, s != ""
}

// samplePlaceholder knows every placeholder that a text may have.
func samplePlaceholder(key string) (string, bool) {
	if slices.Contains([]string{"day", "month", "year", "time"}, key) {
		return "", true
	}
	return View{}.placeholder(key)
}
