package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The whole application in the README has fewer than 15 lines, from its first function to its last, blank ones aside.
func TestReadmeApplicationIsShort(t *testing.T) {
	for _, b := range blocks(t, "README.md") {
		_, functions, isProgram := strings.Cut(b.text, "\nfunc ")
		if b.lang != "go" || !isProgram {
			continue
		}
		n := 0
		for line := range strings.Lines(functions) {
			if strings.TrimSpace(line) != "" {
				n++
			}
		}
		if n >= 15 {
			t.Errorf("the application has %d lines", n)
		}
		return
	}
	t.Error("the README shows no application")
}

// What llmstxt.org asks for: a title, a summary, prose without headings, and then sections that are lists of links.
var (
	llmsHead = regexp.MustCompile(`^# [^\n]+\n\n> [^\n]+\n\n(?:[^#\n][^\n]*\n|\n)*## `)
	llmsItem = regexp.MustCompile(`^- \[[^\]]+\]\(([^)\s]+)\)(: .+)?$`)
)

// docs/llms.txt has that form, leads only to what is there, and leaves out no document.
func TestLLMs(t *testing.T) {
	text := read(t, "docs/llms.txt")
	if !llmsHead.MatchString(text) {
		t.Error("docs/llms.txt does not begin with a title, a summary and prose")
	}
	linked := map[string]bool{}
	_, lists, _ := strings.Cut(text, "\n## ")
	for line := range strings.Lines("## " + lists) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "## ") {
			continue
		}
		m := llmsItem.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("docs/llms.txt: %q is no link with a remark", line)
			continue
		}
		name := filepath.ToSlash(filepath.Join("docs", m[1]))
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("docs/llms.txt links to %s: %v", m[1], err)
		}
		linked[name] = true
	}
	for _, doc := range documents(t) {
		if strings.HasPrefix(doc, "docs/") && !linked[doc] && filepath.Base(doc) != "README.md" {
			t.Errorf("docs/llms.txt leaves out %s", doc)
		}
	}
}
