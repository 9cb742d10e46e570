// Package parts finds and starts what some tests need beside Go: programs, and private instances of database servers.
//
// A part that is missing is named in the test's log, and the test does not run. Where ONEAUTH_REQUIRE, a list separated by
// spaces or commas, names it or "all", the test fails instead.
package parts

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Command returns the path of a command, and "" after saying in the log that the test does not run without it. It fails
// the test instead where ONEAUTH_REQUIRE names the command; then it tries to install the Debian package first, as root.
func Command(t testing.TB, name, debian string) string {
	t.Helper()
	return find(t, name, debian, func() string {
		path, _ := exec.LookPath(name)
		return path
	})
}

// Chromium returns the path of a browser as Command does: of the one without windows, which takes half the time of the other,
// or else of that.
func Chromium(t testing.TB) string {
	t.Helper()
	return find(t, "chromium", "chromium-headless-shell", func() string {
		for _, name := range []string{"chromium-headless-shell", "chromium"} {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
		return ""
	})
}

// find looks for a part, installs its package where it is required and may be, and looks again.
func find(t testing.TB, part, debian string, look func() string) string {
	t.Helper()
	if path := look(); path != "" {
		return path
	}
	required := strings.FieldsFunc(os.Getenv("ONEAUTH_REQUIRE"), func(c rune) bool { return c == ' ' || c == ',' })
	if !slices.Contains(required, part) && !slices.Contains(required, "all") {
		t.Logf("not run: there is no %s (Debian: %s)", part, debian)
		return ""
	}
	if os.Geteuid() == 0 {
		install(t, debian)
	}
	path := look()
	if path == "" {
		t.Fatalf("ONEAUTH_REQUIRE asks for %s (Debian: %s), and it is not there", part, debian)
	}
	return path
}

// install tries with the package lists that are there, and updates them only if that fails.
func install(t testing.TB, debian string) {
	t.Helper()
	const apt = `apt-get install -y -qq --no-install-recommends "$1" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; }`
	cmd := exec.Command("sh", "-c", apt, "sh", debian)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("install %s: %v\n%s", debian, err, out)
	}
}
