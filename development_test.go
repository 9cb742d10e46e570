package oneauth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func openFile(t *testing.T, path string) *file.Store {
	t.Helper()
	store, err := file.Open(path, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// A first start that fails after the store was sealed leaves the secret that it is sealed under, so the next one works.
func TestDevelopmentSecretOutlivesAFailedFirstStart(t *testing.T) {
	for name, failure := range map[string]error{
		"any error":                errors.New("the licence server is down"),
		"an unknown key elsewhere": seal.ErrUnknownKey,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			store := openFile(t, path)
			failing := core.Feature{Name: "failing", Start: func(context.Context, *core.Auth) error { return failure }}
			if _, err := oneauth.New(store, oneauth.WithDevelopment(), cheap(), oneauth.WithFeature(failing)); !errors.Is(err, failure) {
				t.Fatalf("the start said %v", err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			again := openFile(t, path)
			auth, err := oneauth.New(again, oneauth.WithDevelopment(), cheap())
			if err != nil {
				_ = again.Close()
				t.Fatalf("the next start: %v", err)
			}
			if err := auth.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A lost secret is not replaced by another one, which would open nothing.
func TestDevelopmentSecretIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	auth, err := oneauth.New(openFile(t, path), oneauth.WithDevelopment(), cheap())
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".secret", path+".lost"); err != nil {
		t.Fatal(err)
	}
	store := openFile(t, path)
	defer store.Close()
	if _, err := oneauth.New(store, oneauth.WithDevelopment(), cheap()); !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), ".secret") {
		t.Errorf("without its secret the store opened with %v", err)
	}
	if _, err := os.Stat(path + ".secret"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a new secret was left beside old data: %v", err)
	}
}

// serverStore is a store that outlives the process and has no file.
type serverStore struct{ record.Backend }

// Over a server's store a secret that is drawn at each start would lock out the next one, so there must be one. Development
// mode takes it.
func TestDevelopmentOverAServer(t *testing.T) {
	store := mem.New()
	if _, err := oneauth.New(serverStore{store}, oneauth.WithDevelopment(), cheap()); err == nil || !strings.Contains(err.Error(), "WithSecrets") {
		t.Errorf("without a secret: %v", err)
	}
	for range 2 {
		auth, err := oneauth.New(serverStore{store.Again()}, oneauth.WithDevelopment(), oneauth.WithSecrets(secret(1)), cheap())
		if err != nil {
			t.Fatal(err)
		}
		if auth.Mailbox() == nil {
			t.Error("there is no mailbox")
		}
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
	}
}
