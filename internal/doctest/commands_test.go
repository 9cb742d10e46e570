package doctest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/oneauth-go/oneauth"

// tutorial is the document whose commands are typed from the first to the last by TestTutorial.
const tutorial = "docs/start.md"

// The commands in documents are right: requests are sent to a quickstart of their own for each document, and answered as
// shown; of what works on a checkout of the repository, targets, programs and packages are there.
func TestCommands(t *testing.T) {
	quickstart := build(t, "./examples/quickstart")
	for _, doc := range documents(t) {
		if doc == tutorial {
			continue
		}
		t.Run(doc, func(t *testing.T) {
			var p *player
			all := blocks(t, doc)
			for i, b := range all {
				if b.lang != "sh" || !requests(t, b) {
					continue
				}
				if p == nil {
					address := free(t)
					if p = newPlayer(t, address); p == nil {
						return
					}
					p.serve("exec " + quickstart + " -addr " + address + " -data quickstart.db")
				}
				p.play(b, shownAfter(all, i))
			}
		})
	}
}

// shownAfter returns the block that shows what the block before it prints.
func shownAfter(all []block, i int) *block {
	if i+1 < len(all) && all[i+1].after && (all[i+1].lang == "text" || all[i+1].lang == "json") {
		return &all[i+1]
	}
	return nil
}

var continued = regexp.MustCompile(`\\\n\s*`)

// requests reports whether a block sends requests, all of it. The commands of another block are checked here.
func requests(t *testing.T, b block) bool {
	t.Helper()
	if strings.HasPrefix(b.text, "curl ") {
		return true
	}
	for line := range strings.Lines(continued.ReplaceAllString(b.text, " ")) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		for command := range strings.SplitSeq(line, " && ") {
			if why := wrong(t, strings.Fields(command)); why != "" {
				t.Errorf("%s:%d: %s: %s", b.doc, b.line, command, why)
			}
		}
	}
	return false
}

// wrong says what is wrong with a command that works on a checkout of the repository, or "".
func wrong(t *testing.T, words []string) string {
	t.Helper()
	for len(words) > 1 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
		words = words[1:]
	}
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "go run", "go test":
		for _, w := range words[2:] {
			if pkg := strings.TrimSuffix(w, "/..."); strings.HasPrefix(pkg, "./") {
				if found, _ := filepath.Glob(filepath.Join(root, pkg, "*.go")); len(found) == 0 && pkg == w {
					return "there is no package " + pkg
				}
			}
		}
		return ""
	case "go get":
		if _, err := os.Stat(filepath.Join(root, strings.TrimPrefix(words[2], module))); err != nil {
			return err.Error()
		}
		return ""
	case "git clone":
		if words[2] != "https://"+module {
			return "the repository is " + module
		}
		return ""
	}
	switch words[0] {
	case "make":
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(read(t, "Makefile"), "\n"+target+":") {
				return "Makefile has no target " + target
			}
		}
		return ""
	case "cd":
		if words[1] == filepath.Base(module) {
			return ""
		}
	case ".ci/run":
		return ""
	}
	return "no test handles this command"
}

// build makes a program of the repository, and returns the path of it.
func build(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}

// free returns an address on which nothing listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
