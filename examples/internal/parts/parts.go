// Package parts finds what some tests of the examples need beside Go.
package parts

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Command returns the path of a command, and "" after saying in the log that the test does not run without it. It fails
// the test instead where ONEAUTH_REQUIRE, a list separated by spaces or commas, names the command or "all"; then it tries
// to install the Debian package first, as root.
func Command(t *testing.T, name, debian string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	required := strings.FieldsFunc(os.Getenv("ONEAUTH_REQUIRE"), func(c rune) bool { return c == ' ' || c == ',' })
	if !slices.Contains(required, name) && !slices.Contains(required, "all") {
		t.Logf("not run: there is no %s (Debian: %s)", name, debian)
		return ""
	}
	if os.Geteuid() == 0 {
		install(t, debian)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("ONEAUTH_REQUIRE asks for %s (Debian: %s): %v", name, debian, err)
	}
	return path
}

// install tries with the package lists that are there, and updates them only if that fails.
func install(t *testing.T, debian string) {
	t.Helper()
	const apt = `apt-get install -y -qq --no-install-recommends "$1" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$1"; }`
	cmd := exec.Command("sh", "-c", apt, "sh", debian)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("install %s: %v\n%s", debian, err, out)
	}
}
