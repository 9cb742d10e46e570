package pages_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// TestInTheBrowser opens every page in every state in Chromium, in both languages and colour schemes, at 320, 768 and
// 1280 pixels: axe-core finds nothing, narrow and wide; nothing scrolls sideways, everything is reached by keyboard and shows its focus,
// and nothing is loaded from elsewhere. ONEAUTH_SCREENSHOTS names a folder that keeps the pictures.
func TestInTheBrowser(t *testing.T) {
	node, npm, chromium := parts.Command(t, "node", "nodejs"), parts.Command(t, "npm", "npm"), parts.Chromium(t)
	if node == "" || npm == "" || chromium == "" {
		return
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "walk.mjs"} {
		data, err := os.ReadFile(filepath.Join("testdata", "browser", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	server := gallery(t)
	shots := os.Getenv("ONEAUTH_SCREENSHOTS") // a folder; none are taken without
	var report struct {
		Pages, Visits, Audits int
		Faults                []string
	}
	if err := json.Unmarshal(run(t, dir, node, "walk.mjs", server.URL, chromium, shots), &report); err != nil {
		t.Fatal(err)
	}
	for _, fault := range report.Faults {
		t.Error(fault)
	}
	if report.Pages == 0 || report.Visits != 6*report.Pages || report.Audits != 4*report.Pages {
		t.Errorf("%d pages, %d visits, %d audits", report.Pages, report.Visits, report.Audits)
	}
	t.Logf("%d pages, %d visits, %d audits", report.Pages, report.Visits, report.Audits)
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, problems.String())
	}
	return out
}

// gallery serves every page in every state under /<locale>/<name>.
func gallery(t *testing.T) *httptest.Server {
	t.Helper()
	o := everything()
	o.Logo = pages.Logo{Data: []byte(logo)}
	o.LocaleOf = func(r *http.Request) string { return strings.Split(r.URL.Path, "/")[1] }
	set := newSet(t, o)
	mux := http.NewServeMux()
	var index []string
	for _, sample := range append(set.Samples(), hostilePages()...) {
		for _, locale := range locales {
			path := "/" + locale + "/" + sample.Name
			index = append(index, path)
			mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
				if err := set.Render(w, r, http.StatusOK, sample.Page); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for _, asset := range []func() (string, http.Handler){set.Stylesheet, set.Logo} {
		mux.Handle(asset())
	}
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/index.json", func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(index); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1d4ed8"/>` +
	`<circle cx="16" cy="13" r="5" fill="#fff"/><path d="M7 27a9 9 0 0 1 18 0z" fill="#fff"/></svg>`
