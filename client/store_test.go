package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

// What holds for every store.
func TestStores(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) client.Store{
		"memory": func(*testing.T) client.Store { return client.NewMemoryStore() },
		"file": func(t *testing.T) client.Store {
			return must(client.NewFileStore(filepath.Join(t.TempDir(), "new", "credential.json")))(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			testRoundTrip(t, open(t))
			testTurns(t, open(t))
			testLockEndsWithContext(t, open(t))
		})
	}
}

func testRoundTrip(t *testing.T, s client.Store) {
	if got := stored(t, s); got != nil {
		t.Fatalf("a new store has %v", got)
	}
	full := &client.Credential{
		Server: "https://app.example", ClientID: "first-party", AccessToken: "at", RefreshToken: "rt", Scopes: []string{"read", "write"},
		SessionID: "ses_1", ObtainedAt: time.UnixMilli(1e12).UTC(), ExpiresAt: time.UnixMilli(2e12).UTC(),
	}
	set(t, s, full)
	if got := text(stored(t, s)); got != text(full) {
		t.Errorf("%s came back as %s", text(full), got)
	}
	failed := errors.New("failed")
	err := s.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) {
		if text(current) != text(full) {
			t.Errorf("Update got %v", current)
		}
		return nil, failed
	})
	if !errors.Is(err, failed) || stored(t, s) == nil {
		t.Errorf("an error of change: %v, %v", err, stored(t, s))
	}
	set(t, s, nil)
	set(t, s, nil) // what is not there can be removed
	if got := stored(t, s); got != nil {
		t.Errorf("after removal: %v", got)
	}
}

// text is a credential with its secrets.
func text(c *client.Credential) string {
	data, _ := json.Marshal(c)
	return string(data)
}

// Updates take turns: none is lost.
func testTurns(t *testing.T, s client.Store) {
	set(t, s, &client.Credential{SessionID: "0"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				err := s.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) {
					n, err := strconv.Atoi(current.SessionID)
					runtime.Gosched()
					return &client.Credential{SessionID: strconv.Itoa(n + 1)}, err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := stored(t, s).SessionID; got != "40" {
		t.Errorf("40 updates counted to %s", got)
	}
}

func testLockEndsWithContext(t *testing.T, s client.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) {
		cancel()
		err := s.Update(ctx, func(context.Context, *client.Credential) (*client.Credential, error) {
			t.Error("two updates at once")
			return nil, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("while locked: %v", err)
		}
		return current, nil
	})
	if err != nil {
		t.Error(err)
	}
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
