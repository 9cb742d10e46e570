package pages

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"text/template/parse"
)

//go:embed templates/*.html.tmpl
var embeddedTemplates embed.FS

const (
	templateExt = ".html.tmpl"
	layout      = "layout"
	parts       = "parts"
)

// parseTemplates parses the embedded templates with those of own (nil is fine) in their place: layout and parts first,
// each page over a copy of them. Every *.tmpl file of own must bear a known name, so that a misspelt one is not
// silently without effect.
func parseTemplates(own fs.FS) (map[string]*template.Template, error) {
	embedded, err := fs.Sub(embeddedTemplates, "templates")
	if err != nil {
		return nil, err
	}
	if err := checkNames(own); err != nil {
		return nil, err
	}
	base := template.New(layout).Option("missingkey=error")
	for _, name := range []string{parts, layout} {
		if err := parseFile(base, name, embedded); err != nil {
			return nil, err
		}
		if own == nil || !exists(own, name) {
			continue
		}
		if err := parseFile(base, name, own); err != nil {
			return nil, err
		}
	}
	pages := map[string]*template.Template{}
	for _, name := range pageNames {
		from := embedded
		if own != nil && exists(own, name) {
			from = own
		}
		if pages[name], err = parsePage(base, name, from); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

func checkNames(own fs.FS) error {
	if own == nil {
		return nil
	}
	files, err := fs.Glob(own, "*.tmpl")
	if err != nil {
		return fmt.Errorf("pages: Templates: %w", err)
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f, templateExt)
		if !ok || name != layout && name != parts && !slices.Contains(pageNames, name) {
			return fmt.Errorf("pages: Templates: %s is not <page>%s of a known page, nor of layout or parts", f, templateExt)
		}
	}
	return nil
}

func exists(own fs.FS, name string) bool {
	_, err := fs.Stat(own, name+templateExt)
	return err == nil
}

// parseFile adds a file to t: what it defines, and under its own name what is not in a definition.
func parseFile(t *template.Template, name string, from fs.FS) error {
	src, err := fs.ReadFile(from, name+templateExt)
	if err != nil {
		return fmt.Errorf("pages: Templates: %w", err)
	}
	into := t
	if name != t.Name() {
		into = t.New(name)
	}
	if _, err := into.Parse(string(src)); err != nil {
		return fmt.Errorf("pages: Templates: %s%s: %w", name, templateExt, err)
	}
	return nil
}

// parsePage returns the template that renders a page: the layout around its "content", or its own text if it has any.
func parsePage(base *template.Template, name string, from fs.FS) (*template.Template, error) {
	t, err := base.Clone()
	if err != nil {
		return nil, fmt.Errorf("pages: Templates: %w", err)
	}
	if err := parseFile(t, name, from); err != nil {
		return nil, err
	}
	if own := t.Lookup(name); own != nil && own.Tree != nil && !parse.IsEmptyTree(own.Tree.Root) {
		return own, nil
	}
	return t.Lookup(layout), nil
}
