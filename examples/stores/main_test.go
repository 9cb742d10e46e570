package main

import (
	"bufio"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/oneauth-go/oneauth/examples/internal/flow"
	"github.com/oneauth-go/oneauth/internal/parts"
)

// The test binary is also the program: the tests run it as a process, so that it can be killed.
func TestMain(m *testing.M) {
	_ = mysqldriver.SetLogger(log.New(io.Discard, "", 0)) // it tells of every lost connection
	if os.Getenv("STORES_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// storeNames are the values of -store.
var storeNames = []string{"file", "sqlite", "postgres", "mariadb", "redis", "mongo", "datastore"}

// place returns the -dsn of an empty store, or "" where its server is missing. MongoDB and Datastore are servers of our own.
func place(t *testing.T, name string) string {
	t.Helper()
	switch name {
	case "file", "sqlite":
		return filepath.Join(t.TempDir(), "app.db")
	case "postgres":
		if s := parts.Postgres(t, parts.Fast); s != nil {
			return s.PostgresDSN()
		}
	case "mariadb":
		if s := parts.MariaDB(t, parts.Fast); s != nil {
			return s.MariaDSN()
		}
	case "redis":
		if s := parts.Redis(t, parts.Fast); s != nil {
			return "redis://" + s.Addr()
		}
	case "mongo":
		return serve(t, "stores/mongo/internal/mongofake/serve")
	case "datastore":
		t.Setenv("DATASTORE_EMULATOR_HOST", serve(t, "stores/datastore/internal/dstest/serve"))
		return "test-project"
	}
	return ""
}

// serve builds and starts a program of this repository that says where it listens.
func serve(t *testing.T, path string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "serve")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/oneauth-go/oneauth/"+path).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", path, err, out)
	}
	cmd := exec.Command(binary)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// start starts the program.
func start(t *testing.T, addr string, flags ...string) *flow.Process {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-addr", addr}, flags...)...)
	cmd.Env = append(os.Environ(), "STORES_PROCESS=1")
	return flow.Start(t, cmd)
}

// The tour of the README, with a kill -9, on every store.
func TestEveryStore(t *testing.T) {
	for _, name := range storeNames {
		t.Run(name, func(t *testing.T) {
			dsn, secret := place(t, name), filepath.Join(t.TempDir(), "secret")
			if dsn == "" {
				return
			}
			flow.Play(t, func(addr string) *flow.Process {
				return start(t, addr, "-store", name, "-dsn", dsn, "-secret", secret)
			})
		})
	}
}

// A team outgrows its file: the application moves to PostgreSQL while it serves. Cookie, API key and refresh token go on
// working, before and after a kill -9, and what was revoked stays so.
func TestMoves(t *testing.T) {
	dsn, dir := place(t, "postgres"), t.TempDir()
	if dsn == "" {
		return
	}
	secret := filepath.Join(dir, "secret")
	fromFile := []string{"-secret", secret, "-store", "file", "-dsn", filepath.Join(dir, "app.db")}
	moving := slices.Concat(fromFile, []string{"-to", "postgres", "-to-dsn", dsn})

	p := start(t, "127.0.0.1:0", fromFile...)
	tour := flow.Begin(t, p)
	p.Kill()
	p = start(t, p.Address(), moving...)
	tour.Check(p)
	p.Says("moved")
	tour.Check(p)
	p.Kill()
	p = start(t, p.Address(), moving...) // on the target from its beginning
	tour.Check(p)
	p.Kill()
	p = start(t, p.Address(), "-secret", secret, "-store", "postgres", "-dsn", dsn)
	tour.Check(p)
	tour.End(p)
}

// A store that does not exist, and one that cannot be reached, are named.
func TestBadFlags(t *testing.T) {
	for want, flags := range map[string][]string{
		`there is no store "sqlserver": it is file`: {"-store", "sqlserver", "-dsn", "x"},
		"there is no address for the store file":    {"-store", "file"},
		"127.0.0.1:1":                               {"-store", "redis", "-dsn", "redis://127.0.0.1:1"},
	} {
		cmd := exec.Command(os.Args[0], append(flags, "-addr", "127.0.0.1:0", "-secret", filepath.Join(t.TempDir(), "secret"))...)
		cmd.Env = append(os.Environ(), "STORES_PROCESS=1")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %s (%v)", flags, out, err)
		}
	}
}
