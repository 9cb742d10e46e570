package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// MaxLines is how long a file may be. A longer one is about two things.
const MaxLines = 500

// Exempt are uses of the clock or of randomness that a file may make, and why. Everything else gets both handed in.
type Exempt struct {
	File string // within the module, with slashes
	Uses []string
	Why  string
}

// Exempts is the list. An entry that is not used any more fails the test too.
var Exempts = []Exempt{
	{"core/env.go", []string{"time.Now", "crypto/rand.Reader"}, "the defaults of core.Env"},
	{"core/record/db.go", []string{"time.Now", "crypto/rand.Reader", "math/rand/v2.N"},
		"the defaults of record.Options; the jitter between tries is no secret"},
	{"core/mail/courier.go", []string{"time.Now"}, "default of Options.Now"},
	{"core/mail/mailbox.go", []string{"time.Now"}, "default of NewMailbox"},
	{"core/mail/smtp.go", []string{"time.Now"}, "default of SMTP.Now"},
	{"stores/file/options.go", []string{"time.Now"}, "default of Options.Now"},
	{"stores/transfer/options.go", []string{"time.Now", "crypto/rand.Reader"}, "the defaults of transfer.Options"},
	{"stores/storetest/model.go", []string{"time.Now", "math/rand/v2.New", "math/rand/v2.NewPCG", "math/rand/v2.Rand"},
		"a test suite: random operations that a seed repeats"},
	{"stores/storetest/killed.go", []string{"time.Now", "time.Since"}, "a test suite: bounds a real server's recovery"},
	{"stores/storetest/races.go", []string{"time.Now", "time.Since"}, "a test suite: says how long a storm took"},
	{"client/options.go", []string{"time.Now", "crypto/rand.Reader"}, "the defaults of client.New"},
	{"client/credtest/application.go", []string{"time.Now"}, "a test suite: real tokens that really end"},
	{"client/credtest/processes.go", []string{"time.Now", "time.Since", "math/rand/v2.N"}, "a test suite: when a process is killed"},
	{"client/verify/config.go", []string{"time.Now"}, "default of Config.Now"},
	{"internal/idp/provider.go", []string{"time.Now", "crypto/rand.Reader"}, "a provider for tests and demonstrations: its defaults"},
	{"internal/idp/authorize.go", []string{"crypto/rand.Text"}, "its codes"},
	{"internal/idp/token.go", []string{"crypto/rand.Text"}, "its tokens"},
	{"internal/parts/server.go", []string{"time.Now"}, "waits for a real server"},
	{"internal/population/population.go", []string{"time.Now", "crypto/rand.Reader", "math/rand/v2.Int64N", "math/rand/v2.IntN"}, "rows for benchmarks, as of the past year"},
	{"internal/population/measure.go", []string{"time.Now", "time.Since"}, "measures"},
	{"internal/population/growth.go", []string{"time.Now", "time.Since"}, "measures"},
	{"internal/storeproof/killed.go", []string{"time.Now", "time.Since"}, "bounds a real server's recovery"},
	{"stores/gorm/store.go", []string{"time.Now", "crypto/rand.Reader"}, "the defaults of Options"},
	{"stores/redis/cache.go", []string{"time.Now", "crypto/rand.Reader"}, "the defaults of CacheOptions"},
	{"stores/datastore/layout.go", []string{"math/rand/v2.N"}, "the jitter between tries is no secret"},
	{"stores/datastore/internal/dstest/server.go", []string{"math/rand/v2.Rand", "math/rand/v2.New", "math/rand/v2.NewPCG"}, "a server for tests: errors that a seed repeats"},
	{"stores/mongo/internal/mongofake/command.go", []string{"time.Now"}, "a server for tests: the deadline of a command"},
	{"stores/mongo/internal/mongofake/server.go", []string{"time.Now"}, "a server for tests: says what time it is"},
	{"stores/mongo/internal/mongofake/engine.go", []string{"time.Now", "time.Since", "time.Until"}, "a server for tests: transactions end after a minute"},
	{"client/gormcreds/lock.go", []string{"time.Now", "time.Until", "crypto/rand.Text"}, "how long a lease is by the monotonic clock of this process"},
	{"client/gormcreds/store.go", []string{"time.Now"}, "a column for people"},
	{"client/gormcreds/database.go", []string{"time.Now"}, "a column for people"},
	{"options.go", []string{"crypto/rand.Reader"}, "the default of core.Env, where it is needed before core is made"},
}

// LongFiles may be longer than MaxLines, and why.
var LongFiles = map[string]string{}

// watched are the functions and variables that read the clock or draw randomness. "*" is everything in the package.
var watched = map[string][]string{
	"time":         {"Now", "Since", "Until"},
	"crypto/rand":  {"*"},
	"math/rand":    {"*"},
	"math/rand/v2": {"*"},
}

// CheckSources reads every Go file below dir, in nested modules too, except tests and examples, and returns what breaks the
// rules.
func CheckSources(dir string, exempts []Exempt, long map[string]string) ([]string, error) {
	var faults []string
	used := map[string]bool{}
	err := goFiles(dir, func(name string, src []byte) error {
		if n := bytes.Count(src, []byte("\n")); n > MaxLines && long[name] == "" {
			faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d", name, n, MaxLines))
		}
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		uses, err := usesOf(name, src)
		for _, u := range uses {
			if slices.ContainsFunc(exempts, func(e Exempt) bool { return e.File == name && slices.Contains(e.Uses, u.what) }) {
				used[name+" "+u.what] = true
				continue
			}
			faults = append(faults, fmt.Sprintf("%s:%d uses %s: take it from core.Env or a parameter", name, u.line, u.what))
		}
		return err
	})
	for _, e := range exempts {
		for _, what := range e.Uses {
			if !used[e.File+" "+what] {
				faults = append(faults, fmt.Sprintf("%s does not use %s: take it off the list", e.File, what))
			}
		}
	}
	return faults, err
}

// goFiles calls f with every Go file below dir but the examples, which are applications.
func goFiles(dir string, f func(name string, src []byte) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			skipped := strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"examples", "testdata", "node_modules"}, d.Name())
			if path != dir && skipped {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return f(filepath.ToSlash(name), src)
	})
}

type use struct {
	what string // import path, dot, name
	line int
}

// usesOf finds the watched names in one file. A watched package under a dot import is a use of everything in it.
func usesOf(name string, src []byte) ([]use, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var uses []use
	local := map[string]string{} // name in this file to import path
	for _, imp := range file.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		if watched[path] == nil {
			continue
		}
		as := strings.TrimSuffix(path, "/v2")
		as = as[strings.LastIndex(as, "/")+1:]
		if imp.Name != nil {
			as = imp.Name.Name
		}
		if as == "." {
			uses = append(uses, use{path + ".*", files.Position(imp.Pos()).Line})
		}
		local[as] = path
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		names := watched[local[x.Name]]
		if slices.Contains(names, "*") || slices.Contains(names, sel.Sel.Name) {
			uses = append(uses, use{local[x.Name] + "." + sel.Sel.Name, files.Position(sel.Pos()).Line})
		}
		return true
	})
	return uses, nil
}
