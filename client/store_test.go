package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/credtest"
)

// openFile opens a credential file as its users do; in a process that a test has started, too.
func openFile(path string) (client.Store, error) { return client.NewFileStore(path) }

func TestMain(m *testing.M) {
	credtest.Work(openFile)
	os.Exit(m.Run())
}

// What holds for every store.
func TestStores(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		var places sync.Map
		credtest.Run(t, credtest.Suite{
			OneProcess: true,
			Place:      func(t testing.TB) string { return t.Name() },
			Open: func(place string) (client.Store, error) {
				s, _ := places.LoadOrStore(place, client.NewMemoryStore())
				return s.(client.Store), nil
			},
		})
	})
	t.Run("file", func(t *testing.T) {
		credtest.Run(t, credtest.Suite{
			Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "new", "credential.json") },
			Open:  openFile,
		})
	})
}

func mode(t *testing.T, path string) os.FileMode { return must(os.Stat(path))(t).Mode().Perm() }

func TestFileIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "oneauth")
	path := filepath.Join(dir, "credential.json")
	s := must(client.NewFileStore(path))(t)
	set(t, s, &client.Credential{AccessToken: "at"})
	if mode(t, dir) != 0o700 || mode(t, path) != 0o600 || mode(t, path+".lock") != 0o600 {
		t.Errorf("modes %o %o %o", mode(t, dir), mode(t, path), mode(t, path+".lock"))
	}
	for _, exposed := range []os.FileMode{0o640, 0o604, 0o660, 0o601} {
		if err := os.Chmod(path, exposed); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(t.Context()); !errors.Is(err, client.ErrExposed) {
			t.Errorf("mode %o: Load: %v", exposed, err)
		}
		err := s.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return nil, nil })
		if !errors.Is(err, client.ErrExposed) {
			t.Errorf("mode %o: Update: %v", exposed, err)
		}
	}
	if err := errors.Join(os.Remove(path), os.Symlink("/dev/null", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); !errors.Is(err, client.ErrExposed) {
		t.Errorf("a link: %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := client.NewFileStore(path); !errors.Is(err, client.ErrExposed) {
		t.Errorf("a directory for all: %v", err)
	}
}

// What is no credential file is named, not overwritten, and not quoted.
func TestFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credential.json")
	s := must(client.NewFileStore(path))(t)
	for _, content := range []string{`{"access_token":"s3cret`, "", `"s3cret"`, strings.Repeat("s3cret", 1<<16)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), path) {
			t.Errorf("%.30q: %v", content, err)
		}
	}
}

// A crash while writing leaves the old file, and what it has left over does not matter.
func TestCrashWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credential.json")
	s := must(client.NewFileStore(path))(t)
	set(t, s, &client.Credential{AccessToken: "old"})
	if err := os.WriteFile(path+".tmp", []byte(`{"access_token":"ne`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s); got.AccessToken != "old" {
		t.Errorf("after the crash: %s", text(got))
	}
	set(t, s, &client.Credential{AccessToken: "new"})
	if got := stored(t, s); got.AccessToken != "new" {
		t.Errorf("after the next write: %s", text(got))
	}
	if entries := must(os.ReadDir(filepath.Dir(path)))(t); len(entries) != 2 {
		t.Errorf("the directory has %v", entries)
	}
}

// text is a credential with its secrets.
func text(c *client.Credential) string {
	data, _ := json.Marshal(c)
	return string(data)
}

// Neither credentials nor clients print their secrets.
func TestPrintedWithoutSecrets(t *testing.T) {
	c := client.Credential{AccessToken: "s3cret-1", RefreshToken: "s3cret-2"}
	whole := must(client.New("https://app.example", client.WithClient("billing", "s3cret-3")))(t)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "p", &c, "client", whole)
	log.WriteString(fmt.Sprintf("%v %+v %#v %s %v %+v %#v %v %+v %#v", c, c, c, c, &c, &c, &c, whole, whole, whole))
	if strings.Contains(log.String(), "s3cret") {
		t.Error(log.String())
	}
}
