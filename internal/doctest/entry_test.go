package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The whole application in the README has at most 15 lines in its main.
func TestReadmeApplicationIsShort(t *testing.T) {
	for _, b := range blocks(t, "README.md") {
		if b.lang != "go" {
			continue
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, "README.md", b.text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "main" {
				if n := files.Position(fn.Body.Rbrace).Line - files.Position(fn.Body.Lbrace).Line - 1; n > 15 {
					t.Errorf("main has %d lines", n)
				}
				return
			}
		}
	}
	t.Error("the README shows no main function")
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
