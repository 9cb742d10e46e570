package keyring_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	system "github.com/zalando/go-keyring"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// session is one of a desktop: a home, a bus, and GNOME Keyring as its Secret Service.
type session struct {
	home, address string
	bus, keyring  *exec.Cmd
}

// busConfig is of a bus that starts no programs by itself.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir=%s</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

const (
	password = "of the login keyring"
	startFor = 30 * time.Second
)

// env is what programs of the session find in their environment.
func (s *session) env() []string {
	return append(os.Environ(), "HOME="+s.home, "XDG_RUNTIME_DIR="+s.home, "XDG_DATA_HOME="+s.home, "XDG_CONFIG_HOME="+s.home,
		"XDG_CACHE_HOME="+s.home, "DBUS_SESSION_BUS_ADDRESS="+s.address, "DISPLAY=", "WAYLAND_DISPLAY=", "G_MESSAGES_DEBUG=")
}

// newSession starts a bus in an empty home. It returns nil where a part is missing and not required.
func newSession(t testing.TB) *session {
	t.Helper()
	daemon := parts.Command(t, "dbus-daemon", "dbus-daemon")
	if daemon == "" || parts.Command(t, "gnome-keyring-daemon", "gnome-keyring") == "" {
		return nil
	}
	home, err := os.MkdirTemp("", "oneauth-keyring-") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(home, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, home), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &session{home: home, bus: exec.Command(daemon, "--config-file="+config, "--nofork", "--print-address")}
	t.Cleanup(func() { s.close(); _ = os.RemoveAll(home) })
	s.bus.Env = s.env()
	out, err := s.bus.StdoutPipe()
	if err == nil {
		err = s.bus.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.address, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s.address = strings.TrimSpace(s.address)
	return s
}

// start starts GNOME Keyring, which is locked if nobody signs in to the desktop.
func (s *session) start(t testing.TB, args ...string) {
	t.Helper()
	s.keyring = exec.Command("gnome-keyring-daemon", append(args, "--foreground", "--components=secrets")...)
	s.keyring.Env = s.env()
	s.keyring.Stdin = strings.NewReader(password)
	if err := s.keyring.Start(); err != nil {
		t.Fatal(err)
	}
}

// unlock starts GNOME Keyring as a sign-in to the desktop does, and waits until it is the Secret Service.
func (s *session) unlock(t testing.TB) {
	t.Helper()
	s.start(t, "--unlock")
	for deadline := time.Now().Add(startFor); ; time.Sleep(10 * time.Millisecond) {
		_, err := system.Get("nobody", "nothing")
		if errors.Is(err, system.ErrNotFound) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the keyring does not answer: %v", err)
		}
	}
}

// kill ends GNOME Keyring at once.
func (s *session) kill() {
	if s.keyring != nil {
		_ = s.keyring.Process.Kill()
		_ = s.keyring.Wait()
	}
	s.keyring = nil
}

func (s *session) close() {
	s.kill()
	_ = s.bus.Process.Kill()
	_ = s.bus.Wait()
}

// files returns all that stands in the files of the home.
func (s *session) files(t testing.TB) (all string) {
	t.Helper()
	err := filepath.WalkDir(s.home, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all += fmt.Sprintf("%s %s\n", path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
