package file_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bbolt has no door through which its writes and fsyncs could be seen or made to fail. So the tests tagged boltfaults are
// built against a temporary copy of its source in which each call that reaches the disk is led through
// testdata/faults.go; everything else is as it is. If a new release of bbolt calls the disk elsewhere, this says so.
var diskCalls = []struct {
	file, call, with string
	times            int
}{
	{"db.go", "db.ops.writeAt = db.file.WriteAt", "db.ops.writeAt = faultyWriteAt(db)", 1},
	{"db.go", "fdatasync(db)", "faultySync(db)", 2},
	{"db.go", "db.file.Sync()", "faultySync(db)", 1},
	{"db.go", "db.file.Truncate(int64(sz))", "faultyTruncate(db, int64(sz))", 1},
	{"tx.go", "fdatasync(tx.db)", "faultySync(tx.db)", 2},
}

// TestDiskFaults builds and runs the tests in faults_test.go.
func TestDiskFaults(t *testing.T) {
	work := t.TempDir()
	copied := filepath.Join(work, "bbolt")
	original := goCommand(t, "list", "-f", "{{.Dir}}", "go.etcd.io/bbolt")
	if err := os.CopyFS(copied, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	for _, c := range diskCalls {
		name := filepath.Join(copied, c.file)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte(c.call)); n != c.times {
			t.Fatalf("bbolt's %s has %d times %q, want %d: look at how this release writes", c.file, n, c.call, c.times)
		}
		put(t, name, bytes.ReplaceAll(b, []byte(c.call), []byte(c.with)))
	}
	put(t, filepath.Join(copied, "faults.go"), read(t, "testdata/faults.go"))
	module := goCommand(t, "env", "GOMOD")
	put(t, filepath.Join(work, "go.mod"), append(read(t, module), "\nreplace go.etcd.io/bbolt => "+copied+"\n"...))
	put(t, filepath.Join(work, "go.sum"), read(t, strings.TrimSuffix(module, "mod")+"sum"))

	args := []string{"test", "-count=1", "-modfile=" + filepath.Join(work, "go.mod"), "-tags=boltfaults", "-run=^TestFault"}
	if testing.Verbose() {
		args = append(args, "-v")
	}
	t.Log(goCommand(t, append(args, ".")...))
}

// goCommand runs the go tool outside of any workspace and returns what it prints.
func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put replaces a file, which may be read-only.
func put(t *testing.T, name string, b []byte) {
	t.Helper()
	os.Remove(name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
