package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	codeFence = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// Every store has its part of docs/stores.md, with a program, and says how it is backed up where it keeps anything.
func TestEveryStoreIsExplained(t *testing.T) {
	text := read(t, "docs/stores.md")
	for _, store := range []string{"mem", "file", "gorm", "redis", "mongo", "datastore"} {
		_, part, found := strings.Cut(text, "\n## stores/"+store+"\n")
		part, _, _ = strings.Cut(part, "\n## ")
		backup := store == "mem" || regexp.MustCompile(`(?i)\bback ?up\b`).MatchString(part)
		if !found || !strings.Contains(part, "```go") || !backup {
			t.Errorf("docs/stores.md: stores/%s has no part, or one without a program or a word about backups", store)
		}
	}
}

// Every link between documents, and from them to the code, leads to something that is there, headings included.
func TestLinksResolve(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(codeFence.ReplaceAllString(read(t, doc), ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			name := doc
			if path != "" {
				name = filepath.ToSlash(filepath.Join(filepath.Dir(doc), path))
			}
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s links to %s: %v", doc, target, err)
				continue
			}
			if anchor != "" && !hasHeading(read(t, name), anchor) {
				t.Errorf("%s links to %s: there is no such heading", doc, target)
			}
		}
	}
}

// hasHeading reports whether a document has a heading with the anchor that repository hosts give it.
func hasHeading(text, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z':
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		if slug == anchor {
			return true
		}
	}
	return false
}
