package doctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// program is one Go block of a document.
type program struct {
	name string
	file *ast.File
}

// Every Go block in a document is a whole file that compiles against the code as it is.
func TestProgramsInDocumentsCompile(t *testing.T) {
	files := token.NewFileSet()
	var programs []program
	var imports []string
	for _, doc := range documents(t) {
		for i, block := range goBlock.FindAllStringSubmatch(read(t, doc), -1) {
			name := fmt.Sprintf("%s, Go block %d", doc, i+1)
			file, err := parser.ParseFile(files, name, block[1], parser.SkipObjectResolution)
			if err != nil {
				t.Errorf("%v (documents show whole files)", err)
				continue
			}
			programs = append(programs, program{name, file})
			for _, imported := range file.Imports {
				path, err := strconv.Unquote(imported.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				imports = append(imports, path)
			}
		}
	}
	if len(programs) == 0 {
		t.Fatal("no document has a program: were they read?")
	}
	importer := importerOf(t, files, imports)
	for _, p := range programs {
		conf := types.Config{Importer: importer, Error: func(err error) { t.Error(err) }}
		_, _ = conf.Check(p.file.Name.Name, files, []*ast.File{p.file}, nil) // every error went to Error
	}
}

// importerOf returns an importer for packages and what they need, from the export data that go list makes.
func importerOf(t *testing.T, files *token.FileSet, packages []string) types.Importer {
	t.Helper()
	slices.Sort(packages)
	args := append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, slices.Compact(packages)...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(exports[path])
	})
}
