package doctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// program is what the compiler sees of a Go block.
type program struct {
	files   []*ast.File
	excerpt bool
}

// Every Go block in a document is formatted, and compiles against the code as it is. A whole file does so by itself; an
// excerpt does as declarations of a file or statements of a function, with the imports that it uses and the names of
// excerptNames. What stands in a file of the repository is compiled there, and the files of the tutorial are compiled with it.
func TestGoBlocks(t *testing.T) {
	files := token.NewFileSet()
	names, err := parser.ParseFile(files, "excerptNames", excerptNames, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var programs []program
	imports := importsOf(names)
	for _, doc := range documents(t) {
		for _, b := range blocks(t, doc) {
			if b.lang != "go" {
				continue
			}
			if text, err := format.Source([]byte(b.text)); err == nil && string(text) != b.text {
				t.Errorf("%s:%d: not as gofmt has it:\n%s", b.doc, b.line, text)
			}
			if b.from != "" || b.file != "" {
				continue
			}
			p, err := parse(files, b)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, f := range p.files {
				imports = append(imports, importsOf(f)...)
			}
			if p.excerpt {
				p.files = append(p.files, names)
			}
			programs = append(programs, p)
		}
	}
	if len(programs) == 0 {
		t.Fatal("no document has a program: were they read?")
	}
	importer := importerOf(t, files, imports)
	for _, p := range programs {
		conf := types.Config{Importer: importer, Error: func(err error) {
			var e types.Error
			if !errors.As(err, &e) || !e.Soft || !p.excerpt { // that an excerpt leaves a variable unused is no fault
				t.Error(err)
			}
		}}
		_, _ = conf.Check(p.files[0].Name.Name, files, p.files, nil) // every error went to Error
	}
}

// excerptNames are the names that excerpts may use without saying where they come from.
const excerptNames = `package excerpt

import (
	"context"
	"net/http"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
)

var (
	ctx   context.Context
	auth  *oneauth.Auth
	store oneauth.Store
	from, to oneauth.Store
	mux   *http.ServeMux
	secret []byte
	w     http.ResponseWriter
	r     *http.Request
	page  http.Handler // of the application
	api   http.Handler // of the application
	t     *testing.T
	c     *client.Client
)
`

// excerptImports are the packages that excerpts may use, by the names that they have there.
var excerptImports = func() map[string]string {
	byName := map[string]string{
		"driver":      "go.mongodb.org/mongo-driver/v2/mongo",
		"options":     "go.mongodb.org/mongo-driver/v2/mongo/options",
		"goredis":     "github.com/redis/go-redis/v9",
		"gorm":        "gorm.io/gorm",
		"gormstore":   module + "/stores/gorm",
		"grpc":        "google.golang.org/grpc",
		"credentials": "google.golang.org/grpc/credentials",
		"postgres":    "gorm.io/driver/postgres",
	}
	for _, p := range []string{
		"context", "crypto/tls", "embed", "encoding/base64", "errors", "fmt", "io", "log", "log/slog", "net/http", "os",
		"slices", "strings", "testing", "time",
		"", "/apiauth", "/client", "/client/gormcreds", "/client/keyring", "/client/verify", "/grpcauth", "/oauth", "/core",
		"/core/identifier", "/core/mail", "/core/password", "/core/record", "/oneauthtest", "/stores/file", "/stores/mem",
		"/stores/mongo", "/stores/redis", "/stores/transfer", "/webauth", "/webauth/pages",
	} {
		if p == "" || p[0] == '/' {
			p = module + p
		}
		byName[path.Base(p)] = p
	}
	return byName
}()

// parse makes a file of a block. Its errors name the document and the line there.
func parse(files *token.FileSet, b block) (program, error) {
	name := fmt.Sprintf("%s:%d, line", b.doc, b.line)
	if strings.HasPrefix(b.text, "package ") {
		f, err := parser.ParseFile(files, name, b.text, parser.SkipObjectResolution)
		return program{files: []*ast.File{f}}, err
	}
	var first error
	for _, around := range [][2]string{{"", ""}, {"func _() {", "\n}"}} {
		text := around[0] + b.text + around[1]
		f, err := parser.ParseFile(token.NewFileSet(), name, "package excerpt; "+text, parser.SkipObjectResolution)
		if err != nil {
			first = errors.Join(first, err)
			continue
		}
		f, err = parser.ParseFile(files, name, "package excerpt; "+importing(f)+text, parser.SkipObjectResolution)
		return program{[]*ast.File{f}, true}, err
	}
	return program{}, first
}

// importing returns import declarations, on one line, for the packages that a file names.
func importing(f *ast.File) string {
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && excerptImports[x.Name] != "" {
				used[x.Name] = true
			}
		}
		return true
	})
	text := ""
	for name := range used {
		text += fmt.Sprintf("import %s %q; ", name, excerptImports[name])
	}
	return text
}

func importsOf(f *ast.File) (paths []string) {
	for _, i := range f.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// importerOf returns an importer for packages and what they need, from the export data that go list makes. In the
// workspace it knows the packages of all modules.
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
