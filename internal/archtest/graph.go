package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Package is what one package imports.
type Package struct {
	Path     string
	Module   string   // that it belongs to; empty for the standard library
	Imports  []string // without tests
	ForTests []string // what its tests import beside that
}

// Graph holds the packages of a build by import path.
type Graph map[string]Package

// Load returns the packages of the module in dir with everything that they need, as go list sees them. Packages that
// do not build are an error.
func Load(dir string) (Graph, error) {
	cmd := exec.Command("go", "list", "-e", "-deps",
		"-json=ImportPath,Standard,Module,Imports,TestImports,XTestImports,Error,DepsErrors", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	g := Graph{}
	var faults []error
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g, errors.Join(faults...)
		}
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Error != nil {
			faults = append(faults, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		}
		g[p.ImportPath] = p.pkg()
	}
}

// listed is what go list -json prints of a package.
type listed struct {
	ImportPath                         string
	Standard                           bool
	Module                             *struct{ Path string }
	Imports, TestImports, XTestImports []string
	Error                              *struct{ Err string }
}

func (p listed) pkg() Package {
	out := Package{Path: p.ImportPath, Imports: p.Imports, ForTests: append(p.TestImports, p.XTestImports...)}
	if !p.Standard && p.Module != nil {
		out.Module = p.Module.Path
	}
	return out
}

// standard reports whether path belongs to the standard library: its first element has no dot, or the graph says so.
func (g Graph) standard(path string) bool {
	if p, ok := g[path]; ok {
		return p.Module == ""
	}
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// Deps returns everything that path imports, directly or not, each with the import that led to it, so that a forbidden
// one can be explained.
func (g Graph) Deps(path string) map[string]string {
	from := map[string]string{}
	queue := []string{path}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, imported := range g[at].Imports {
			if _, seen := from[imported]; !seen && imported != path {
				from[imported] = at
				queue = append(queue, imported)
			}
		}
	}
	return from
}

// chain spells out how path came to import target, from Deps.
func chain(from map[string]string, path, target string) string {
	names := []string{target}
	for at := target; at != path; {
		at = from[at]
		names = append([]string{at}, names...)
	}
	return strings.Join(names, " -> ")
}
