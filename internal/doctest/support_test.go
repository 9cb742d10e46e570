package doctest

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

const root = "../.."

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents returns the names of all Markdown files of the repository.
func documents(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			name, err := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(name))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 8 {
		t.Fatalf("only %q were found", names)
	}
	return names
}

// routes returns every endpoint that the library serves.
func routes(t *testing.T) []wire.Route {
	t.Helper()
	ctx := context.Background()
	keyring, err := seal.New(zeros{}, append(make([]byte, 31), 1))
	if err != nil {
		t.Fatal(err)
	}
	api, err := apiauth.New(apiauth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(ctx, mem.New(), core.Config{
		Secrets: keyring, BaseURL: "https://app.example", Features: []core.Feature{api.Feature()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
	})
	set, err := pages.New(pages.Options{App: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	web, err := webauth.New(auth, webauth.Options{Pages: set})
	if err != nil {
		t.Fatal(err)
	}
	style, _ := set.Stylesheet() // a file of the pages, under a name that changes with it
	providers, err := oauth.New(oauth.Options{
		Providers: []oauth.Provider{oauth.OIDC("example", "https://id.example", "app", "secret")},
		Edge: oauth.Edge{
			Principal: web.Caller, Arrive: web.Arrive, SendOn: web.SendOn, Fail: web.Fail, Tokens: api.Begin, Cookie: web.Cookie,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(web.Routes(), api.Routes(), providers.Routes())
	return slices.DeleteFunc(all, func(r wire.Route) bool { return "/auth"+r.Path == style })
}

// zeros is a source of nonces for a keyring that protects nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{7}, len(p))), nil }
