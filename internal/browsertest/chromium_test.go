package browsertest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// driver is a process of Node's that drives one Chromium for all tests: each scenario has browser profiles of its own.
type driver struct {
	dir     string // the scripts of testdata/browser with the packages that they need
	cmd     *exec.Cmd
	orders  io.WriteCloser
	mu      sync.Mutex // of orders and waiting
	waiting map[string]chan report
	ended   chan struct{} // is closed when the process is gone
	failure error         // why, then
}

// shared is the driver, which the first test starts and TestMain stops.
var shared struct {
	sync.Mutex
	*driver
	err error
}

// TestMain stops the driver, and removes what was installed.
func TestMain(m *testing.M) {
	code := m.Run()
	if shared.driver != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// newDriver returns the driver. It returns false where node, npm or Chromium is missing, and says so; where
// ONEAUTH_REQUIRE asks for them the test has failed.
func newDriver(t *testing.T) (*driver, bool) {
	t.Helper()
	node, npm := parts.Command(t, "node", "nodejs"), parts.Command(t, "npm", "npm")
	chromium := parts.Chromium(t)
	if node == "" || npm == "" || chromium == "" {
		return nil, false
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.driver == nil && shared.err == nil {
		shared.driver, shared.err = start(node, npm, chromium)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.driver, true
}

// start installs the scripts and runs them.
func start(node, npm, chromium string) (*driver, error) {
	dir, err := install(npm)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	d := &driver{dir: dir, waiting: map[string]chan report{}, ended: make(chan struct{})}
	d.cmd = exec.Command(node, "run.mjs", chromium, certified().pin())
	d.cmd.Dir = dir
	var said strings.Builder
	d.cmd.Stderr = &said
	reports, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if d.orders, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		defer close(d.ended)
		err := errors.Join(d.listen(json.NewDecoder(reports)), d.cmd.Wait())
		d.failure = fmt.Errorf("the driver of the browser has ended: %w\n%s", err, said.String())
	}()
	return d, nil
}

// stop ends the process, which closes the browser when nobody can send it orders any more.
func (d *driver) stop() error {
	_ = d.orders.Close() // fails if the process has ended already, which is told below
	<-d.ended
	err := os.RemoveAll(d.dir)
	if !d.cmd.ProcessState.Success() {
		err = errors.Join(err, d.failure)
	}
	return err
}

// install copies the scripts to a folder of their own and adds their packages.
func install(npm string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "oneauth-browser-"); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "browser"))); err != nil {
		return dir, err
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return dir, nil
}
