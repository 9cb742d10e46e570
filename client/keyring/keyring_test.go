package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	system "github.com/zalando/go-keyring"

	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/client/credtest"
	"github.com/oneauth-go/oneauth/client/keyring"
)

const service = "oneauth tests"

// open opens the store whose lock file is the place; the account has its name.
func open(place string) (client.Store, error) {
	return keyring.New(service, place, keyring.Options{LockFile: place})
}

// lookEnv makes this program look into the keyring, and say what it found.
const lookEnv = "ONEAUTH_KEYRING_TEST_LOOK"

func TestMain(m *testing.M) {
	credtest.Work(open)
	if place := os.Getenv(lookEnv); place != "" {
		fmt.Println(look(place))
		return
	}
	os.Exit(m.Run())
}

// look tries both methods of a store.
func look(place string) string {
	store, err := open(place)
	if err != nil {
		return err.Error()
	}
	_, err = store.Load(context.Background())
	saving := store.Update(context.Background(), func(context.Context, *client.Credential) (*client.Credential, error) {
		return nil, errors.New("change was called")
	})
	return fmt.Sprintf("load unavailable %v, save unavailable %v: %v", errors.Is(err, keyring.ErrUnavailable), errors.Is(saving, keyring.ErrUnavailable), err)
}

// unlocked is a desktop's session in which the person has signed in. The process keeps its connection to the first bus that
// it has seen, so tests of other buses do their work in another process.
func unlocked(t *testing.T) *session {
	t.Helper()
	s := newSession(t)
	if s == nil {
		return nil
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.address)
	s.unlock(t)
	return s
}

// elsewhere looks into the keyring of another session.
func elsewhere(t *testing.T, env []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(env, lookEnv+"="+filepath.Join(t.TempDir(), "lock"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func set(t *testing.T, s client.Store, c *client.Credential) error {
	t.Helper()
	return s.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return c, nil })
}

// wantToken fails the test unless the store has a credential with this access token.
func wantToken(t *testing.T, s client.Store, want string) {
	t.Helper()
	if c, err := s.Load(t.Context()); err != nil || c == nil || c.AccessToken != want {
		t.Errorf("the keyring has %v, %v", c, err)
	}
}

// All that holds for every store, with a real Secret Service.
func TestStore(t *testing.T) {
	if unlocked(t) == nil {
		return
	}
	credtest.Run(t, credtest.Suite{
		Place:    func(t testing.TB) string { return filepath.Join(t.TempDir(), "lock") },
		Open:     open,
		TooLarge: 64 << 10,
	})
}

// Nothing of a credential stands in a file: not in the keyring's, which is encrypted, nor in the lock's.
func TestNothingInTheClear(t *testing.T) {
	s := unlocked(t)
	if s == nil {
		return
	}
	t.Setenv("XDG_CONFIG_HOME", s.home)
	store, err := keyring.New(service, "default", keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set(t, store, &client.Credential{AccessToken: "s3cret-access", RefreshToken: "s3cret-refresh"}); err != nil {
		t.Fatal(err)
	}
	files := s.files(t)
	if strings.Contains(files, "s3cret") || !strings.Contains(files, "login.keyring") || !strings.Contains(files, "/oneauth/keyring-") {
		t.Errorf("the files are\n%q", files)
	}
	value, err := system.Get(service, "default")
	if err != nil || !strings.Contains(value, "s3cret-access") {
		t.Errorf("the entry is %q, %v", value, err)
	}
	wantToken(t, store, "s3cret-access")
}

// What the keyring has acknowledged it still has after it was killed.
func TestKilledKeyring(t *testing.T) {
	s := unlocked(t)
	if s == nil {
		return
	}
	store, err := open(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"first", "second"} {
		if err := set(t, store, &client.Credential{AccessToken: token}); err != nil {
			t.Fatal(err)
		}
		s.kill()
		s.unlock(t)
		wantToken(t, store, token)
	}
}

// A keyring that hangs costs no more than the caller's patience, and the store goes on when it is back.
func TestHangingKeyring(t *testing.T) {
	s := unlocked(t)
	if s == nil {
		return
	}
	store, err := open(filepath.Join(t.TempDir(), "lock"))
	if err == nil {
		err = set(t, store, &client.Credential{AccessToken: "before"})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.keyring.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, loading := store.Load(ctx)
	updating := store.Update(ctx, func(context.Context, *client.Credential) (*client.Credential, error) {
		t.Error("change was called without a credential")
		return nil, nil
	})
	for _, err := range []error{loading, updating} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while it hangs: %v", err)
		}
	}
	if err := s.keyring.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	wantToken(t, store, "before")
	if err := set(t, store, &client.Credential{AccessToken: "after"}); err != nil {
		t.Error(err)
	}
	wantToken(t, store, "after")
}

// Without a keyring, or with one that nobody can unlock, both methods say so, change is not called, and nothing is written.
func TestNoKeyring(t *testing.T) {
	const want = "load unavailable true, save unavailable true"
	home := t.TempDir()
	for name, address := range map[string]string{"no bus": "unix:path=" + filepath.Join(home, "bus"), "a broken address": "nonsense"} {
		env := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "DBUS_SESSION_BUS_ADDRESS="+address)
		if got := elsewhere(t, env); !strings.HasPrefix(got, want) || !strings.Contains(got, "a machine without a desktop") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if left, err := os.ReadDir(home); err != nil || len(left) != 0 {
		t.Errorf("it has written %v, %v", left, err)
	}
	s := newSession(t)
	if s == nil {
		return
	}
	if got := elsewhere(t, s.env()); !strings.HasPrefix(got, want) {
		t.Errorf("no Secret Service: %s", got)
	}
	s.start(t)
	for got := ""; !strings.Contains(got, "failed to unlock"); {
		if got = elsewhere(t, s.env()); !strings.HasPrefix(got, want) {
			t.Fatalf("locked: %s", got)
		}
	}
}

// An entry that is no credential is named, not overwritten, and not quoted.
func TestEntryThatIsNone(t *testing.T) {
	if unlocked(t) == nil {
		return
	}
	place := filepath.Join(t.TempDir(), "lock")
	store, err := open(place)
	if err == nil {
		err = system.Set(service, place, `{"access_token":"s3cret`)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, loading := store.Load(t.Context())
	for _, err := range []error{loading, set(t, store, nil)} {
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), place) {
			t.Errorf("%v", err)
		}
	}
	if value, err := system.Get(service, place); err != nil || value != `{"access_token":"s3cret` {
		t.Errorf("it was changed to %q, %v", value, err)
	}
}

func TestTooLarge(t *testing.T) {
	if unlocked(t) == nil {
		return
	}
	store, err := open(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	err = set(t, store, &client.Credential{AccessToken: strings.Repeat("a", 64<<10)})
	if !errors.Is(err, keyring.ErrTooLarge) || errors.Is(err, keyring.ErrUnavailable) {
		t.Error(err)
	}
}

func TestBadNames(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	for _, name := range []string{"", "a\nb", "a\x00", "\xff", strings.Repeat("a", 201)} {
		for _, names := range [][2]string{{name, "account"}, {"service", name}} {
			if _, err := keyring.New(names[0], names[1], keyring.Options{LockFile: lock}); err == nil {
				t.Errorf("%q was accepted", names)
			}
		}
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	if _, err := keyring.New("service", "account", keyring.Options{}); err == nil || !strings.Contains(err.Error(), "Options.LockFile") {
		t.Errorf("without a home: %v", err)
	}
}
