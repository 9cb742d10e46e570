package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files into a fresh directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each way to reach for the clock or for randomness is seen, under whatever name the package goes.
func TestSourcesFindsEachFault(t *testing.T) {
	long := "package a\n" + strings.Repeat("//\n", MaxLines)
	dir := tree(t, map[string]string{
		"clock.go":        "package a\nimport \"time\"\nvar now = time.Now()\nvar limit = time.Second\n",
		"since.go":        "package a\nimport \"time\"\nfunc age(t time.Time) time.Duration { return time.Since(t) }\n",
		"renamed.go":      "package a\nimport clock \"time\"\nvar f = clock.Now\n",
		"dice/dice.go":    "package dice\nimport \"math/rand/v2\"\nvar n = rand.IntN(6)\n",
		"dice/secret.go":  "package dice\nimport r \"crypto/rand\"\nvar s = r.Text()\n",
		"dot.go":          "package a\nimport . \"time\"\nvar n = Now()\n",
		"handed.go":       "package a\nimport \"time\"\nfunc f(time struct{ Now func() int }) int { return 1 }\nvar d time.Duration\n",
		"default.go":      "package a\nimport \"time\"\nvar Now = time.Now\n",
		"clock_test.go":   "package a\nimport \"time\"\nvar tested = time.Now()\n",
		"long.go":         long,
		"listed_long.go":  long,
		"other/go.mod":    "module other\n",
		"other/other.go":  "package other\nimport \"time\"\nvar now = time.Now()\n",
		"examples/x.go":   "package x\nimport \"time\"\nvar now = time.Now()\n",
		"testdata/x/x.go": "package x\nimport \"time\"\nvar now = time.Now()\n",
	})
	got, err := CheckSources(dir, []Exempt{
		{"default.go", []string{"time.Now"}, "the default"},
		{"gone.go", []string{"time.Now"}, "is not there any more"},
	}, map[string]string{"listed_long.go": "a table"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"clock.go:3 uses time.Now: take it from core.Env or a parameter",
		"dice/dice.go:3 uses math/rand/v2.IntN: take it from core.Env or a parameter",
		"dice/secret.go:3 uses crypto/rand.Text: take it from core.Env or a parameter",
		"dot.go:2 uses time.*: take it from core.Env or a parameter",
		"gone.go does not use time.Now: take it off the list",
		"long.go has 501 lines, more than 500",
		"other/other.go:3 uses time.Now: take it from core.Env or a parameter",
		"renamed.go:3 uses time.Now: take it from core.Env or a parameter",
		"since.go:3 uses time.Since: take it from core.Env or a parameter",
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("faults are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A file that cannot be read as Go is an error, never a pass.
func TestSourcesUnreadable(t *testing.T) {
	if _, err := CheckSources(tree(t, map[string]string{"broken.go": "package"}), nil, nil); err == nil {
		t.Error("a broken file passed")
	}
}
