package doctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tutorial works: its files are written and its commands typed one after the other in an empty folder, and they print
// what is shown. The library is this checkout instead of the published one, and the port a free one.
func TestTutorial(t *testing.T) {
	p := newPlayer(t, free(t))
	if p == nil {
		return
	}
	p.env = append(p.env, "GOWORK=off", "GOFLAGS=-mod=mod", "PATH="+goOf(t, p.home)+string(os.PathListSeparator)+os.Getenv("PATH"))
	all := blocks(t, tutorial)
	for i, b := range all {
		switch {
		case b.file != "":
			write(t, filepath.Join(p.home, "notes", b.file), p.address.Replace(b.text))
		case b.background:
			p.serve(p.fill(b, b.text))
		case b.lang == "sh":
			p.play(b, shownAfter(all, i))
		}
	}
	if p.server == nil {
		t.Error("the tutorial starts no application: was it read?")
	}
}

// goOf returns a folder with a go command that takes the library from this checkout.
func goOf(t *testing.T, home string) string {
	t.Helper()
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	script := `#!/usr/bin/env bash
set -euo pipefail
if [[ "$*" == "get ` + module + `" ]]; then
	'` + real + `' mod edit -require=` + module + `@v0.0.0 -replace=` + module + `='` + repository + `'
	exec cp '` + repository + `/go.sum' .
fi
exec '` + real + `' "$@"
`
	dir := filepath.Join(home, "bin")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

var environment = regexp.MustCompile(`os\.Getenv\("([A-Z_]+)"\)`)

// The unit of systemd in the tutorial sets each variable that the program there reads, and no other.
func TestUnitFitsTheProgram(t *testing.T) {
	var reads, sets []string
	for _, b := range blocks(t, tutorial) {
		for _, m := range environment.FindAllStringSubmatch(b.text, -1) {
			reads = append(reads, m[1])
		}
		if b.lang != "ini" {
			continue
		}
		settings, err := readINI(b.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range settings {
			if name, _, ok := strings.Cut(s[1], "="); ok && s[0] == "Environment" {
				sets = append(sets, name)
			}
		}
	}
	slices.Sort(reads)
	slices.Sort(sets)
	if len(sets) == 0 || !slices.Equal(slices.Compact(reads), sets) {
		t.Errorf("the program reads %q, the unit sets %q", reads, sets)
	}
}
