package browsertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// driver is what drives the browser: the scripts of testdata/browser with the packages that they need, in a folder.
type driver struct{ dir, node, chromium string }

// TestMain removes what the tests have installed.
func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := install(""); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newDriver installs the driver once. It returns false where node, npm or Chromium is missing, and says so; where
// ONEAUTH_REQUIRE asks for them the test has failed.
func newDriver(t *testing.T) (driver, bool) {
	t.Helper()
	node, npm := parts.Command(t, "node", "nodejs"), parts.Command(t, "npm", "npm")
	chromium := parts.Command(t, "chromium", "chromium")
	if node == "" || npm == "" || chromium == "" {
		return driver{}, false
	}
	dir, err := install(npm)
	if err != nil {
		t.Fatal(err)
	}
	return driver{dir, node, chromium}, true
}

var installed struct {
	sync.Mutex
	dir string
	err error
}

// install copies the scripts to a folder of their own and adds their packages. It does so once; without npm it only tells
// what was done.
func install(npm string) (string, error) {
	installed.Lock()
	defer installed.Unlock()
	if installed.dir != "" || installed.err != nil {
		return installed.dir, installed.err
	}
	if npm == "" {
		return "", errors.New("not installed")
	}
	if installed.dir, installed.err = os.MkdirTemp("", "oneauth-browser-"); installed.err != nil {
		return "", installed.err
	}
	if installed.err = os.CopyFS(installed.dir, os.DirFS(filepath.Join("testdata", "browser"))); installed.err != nil {
		return installed.dir, installed.err
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = installed.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		installed.err = errors.Join(err, errors.New(string(out)))
	}
	return installed.dir, installed.err
}

// order is what a script is told.
type order struct {
	Scenario    string                       `json:"scenario"` // name of the script
	Chromium    string                       `json:"chromium"`
	Port        string                       `json:"port"` // where every host is
	Pin         string                       `json:"pin"`
	Certificate string                       `json:"certificate"`
	Control     string                       `json:"control"`
	Screenshots string                       `json:"screenshots"` // folder, or ""
	Texts       map[string]map[string]string `json:"texts"`       // by language and key
	Password    string                       `json:"password"`    // of everybody
	Visitor     visitor                      `json:"visitor"`
	Facts       map[string]string            `json:"facts"` // what the scenario must know besides
}

// visitor is how somebody comes to the pages.
type visitor struct {
	Language   string `json:"language"`
	JavaScript bool   `json:"javaScript"`
	Hands      string `json:"hands"` // on the "mouse" or the "keyboard"
	Looks      []int  `json:"looks"` // which combinations of colour scheme and width are looked at; see visitor.mjs
}

// report is what a script found.
type report struct {
	Checks []struct {
		Name   string
		Faults []string
	}
	States []string // of pages that were looked at closely
	Audits int      // by axe-core
}

// patience is how long a script may take, on a machine that has other things to do.
const patience = 5 * time.Minute

// drive runs a script, and reports each of its checks as a test. There must be as many as the caller knows of.
func (d driver) drive(t *testing.T, s *site, o order, checks int) report {
	t.Helper()
	o.Chromium, o.Port, o.Pin, o.Certificate, o.Control = d.chromium, s.port(), s.cert.pin(), s.cert.pem(), s.control
	o.Password, o.Texts = password, catalogue(t)
	if o.Visitor.Language == "" {
		o.Visitor = visitor{Language: "en", JavaScript: true, Hands: "mouse"}
	}
	in, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.node, "run.mjs")
	cmd.Dir, cmd.Stdin = d.dir, bytes.NewReader(in)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", o.Scenario, err, problems.String())
	}
	var found report
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%s: %v in %.2000s", o.Scenario, err, out)
	}
	for _, check := range found.Checks {
		t.Run(check.Name, func(t *testing.T) {
			for _, fault := range check.Faults {
				t.Error(fault)
			}
		})
	}
	if len(found.Checks) != checks {
		t.Errorf("%s made %d checks, not %d", o.Scenario, len(found.Checks), checks)
	}
	return found
}

// catalogue reads the texts of the pages, by which the scripts recognise a page in either language.
func catalogue(t *testing.T) map[string]map[string]string {
	t.Helper()
	texts := map[string]map[string]string{}
	for _, language := range []string{"en", "de"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "webauth", "pages", "texts", language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		texts[language] = all
	}
	return texts
}
