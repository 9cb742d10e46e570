package doctest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is how a document names a test: the package's folder, a dot, the function. The root package is "oneauth".
var named = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz|Benchmark|Example)[A-Za-z0-9_]*)`")

// Every test that a document names exists, so that a claim cannot outlive its proof.
func TestNamedTestsExist(t *testing.T) {
	known := map[string]map[string]bool{}
	for _, doc := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(read(t, doc), -1) {
			dir, function := m[1], m[2]
			if known[dir] == nil {
				known[dir] = testsIn(t, dir)
			}
			if !known[dir][function] {
				t.Errorf("%s names %s.%s, which is not there", doc, dir, function)
			}
		}
	}
	if len(known) == 0 {
		t.Error("no document names a test: were they read?")
	}
}

// Each attack in docs/security.md and each ticked item of NEXT_STEPS.md names what proves it.
func TestClaimsAreProved(t *testing.T) {
	items := strings.Split(read(t, "NEXT_STEPS.md"), "\n- [")
	for _, item := range items[1:] {
		if strings.HasPrefix(item, "x]") && !named.MatchString(item) {
			t.Errorf("NEXT_STEPS.md ticks without naming a test: [%s", item)
		}
	}
	rows := 0
	for line := range strings.Lines(read(t, "docs/security.md")) {
		if !attackRow.MatchString(line) {
			continue
		}
		rows++
		if !named.MatchString(line) {
			t.Errorf("docs/security.md names no test for: %s", strings.TrimSpace(line))
		}
	}
	if rows < 15 {
		t.Errorf("docs/security.md has %d rows of attacks: were they read?", rows)
	}
}

var attackRow = regexp.MustCompile(`^\| A\d+ `)

// testsIn returns the test functions in a folder of the repository.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	if dir == "oneauth" {
		dir = "."
	}
	paths, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil || len(paths) == 0 {
		return map[string]bool{}
	}
	all := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", path, err))
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				all[f.Name.Name] = true
			}
		}
	}
	return all
}
