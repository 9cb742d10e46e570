package pages

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/internal/catalogue"
)

//go:embed texts/*.json
var embeddedJSON embed.FS

// extras are the prefixes of keys that no locale needs: the application's own fields and notices, and particular
// wordings of errors.
var extras = []string{"data.", "notice.", "detail.", "error.", "problem."}

// newCatalogue merges the embedded texts with those of the application. fallback is the locale for everybody whose own
// is not there.
func newCatalogue(fallback string, override map[string]map[string]string) (*catalogue.Catalogue, error) {
	c, err := catalogue.New(catalogue.Options{
		Embedded: embeddedJSON, Pattern: "texts/*.json", Default: fallback, Override: override, Check: checkTexts,
	})
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return c, nil
}

// checkTexts reports missing and unknown keys, and placeholders that the English text does not have.
func checkTexts(t, english catalogue.Texts, _ []catalogue.Texts) error {
	for _, k := range slices.Sorted(maps.Keys(english)) {
		if t[k] == "" && !extra(k) {
			return fmt.Errorf("lacks %q", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if _, ok := english[k]; !ok && !extra(k) {
			return fmt.Errorf("has the unknown key %q", k)
		}
		allowed := func(name string) (string, bool) {
			model := english[k]
			if strings.HasPrefix(k, "detail.") {
				model = k
			}
			return "", name == "app" || strings.Contains(model, "{"+name+"}")
		}
		if _, err := catalogue.Fill(t[k], allowed); err != nil {
			return fmt.Errorf("has a bad text %q: %w", k, err)
		}
	}
	return nil
}

func extra(key string) bool {
	return slices.ContainsFunc(extras, func(p string) bool { return strings.HasPrefix(key, p) })
}
