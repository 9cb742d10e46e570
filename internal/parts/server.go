//go:build unix

package parts

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startFor bounds how long a server may take until it answers.
const startFor = time.Minute

// Server is a private instance of a database server: on a free loopback port, with its data in a temporary folder, stopped
// at the end of the test. Kill and Start make it fail and recover as often as the test likes, on the same port and data.
type Server struct {
	t     testing.TB
	name  string
	dir   string // data, log and sockets; owned by the account under which the server runs
	port  int
	args  []string
	ready func(addr string) error
	cmd   *exec.Cmd
	done  chan struct{}
}

// Addr returns host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// newServer makes the folder and picks the port.
func newServer(t testing.TB, name string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "oneauth-"+name+"-") // t.TempDir is too long for a socket's path, and closed to other accounts
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, name: name, dir: dir, port: FreePort(t)}
	t.Cleanup(func() {
		s.Kill()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s.own(dir)
	return s
}

// own gives a file or folder to the account under which the server runs.
func (s *Server) own(path string) {
	s.t.Helper()
	if as := account(); as != nil {
		if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// account is under whom servers run: nobody, when the test runs as root, whom some servers refuse.
func account() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// command runs under the account, in a process group of its own that ends with the test's process.
func (s *Server) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: account()}
	endWithParent(cmd.SysProcAttr)
	return cmd
}

// prepare runs a command that sets the data up.
func (s *Server) prepare(path string, args ...string) {
	s.t.Helper()
	if out, err := s.command(path, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("prepare %s: %v\n%s", s.name, err, out)
	}
}

// Start starts the server and waits until it answers. It does nothing if the server runs. A server that was killed may
// not start while its last children go: it is tried again.
func (s *Server) Start() {
	s.t.Helper()
	for deadline := time.Now().Add(startFor); s.cmd == nil; {
		if s.try(deadline) {
			return
		}
		if time.Now().After(deadline) || !strings.Contains(s.Log(), "pre-existing shared memory block") {
			s.t.Fatalf("%s ended at its start:\n%s", s.name, s.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// try starts the server once, and reports whether it answered before it ended.
func (s *Server) try(deadline time.Time) bool {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd := s.command(s.args[0], s.args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", s.name, err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	s.cmd, s.done = cmd, done
	for {
		err := s.ready(s.Addr())
		if err == nil {
			return true
		}
		select {
		case <-done:
			s.cmd = nil
			return false
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer: %v\n%s", s.name, err, s.Log())
		}
	}
}

// Kill ends the server and all its processes as a crash does, with SIGKILL.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

// Stop ends the server in order, with SIGTERM.
func (s *Server) Stop() { s.signal(syscall.SIGTERM) }

// Pause stops the server from answering, without closing its connections, until Resume.
func (s *Server) Pause() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	group := -s.cmd.Process.Pid
	if sig == syscall.SIGTERM {
		group = s.cmd.Process.Pid // the main process ends its own
	}
	_ = syscall.Kill(group, sig)
	<-s.done
	s.cmd = nil
}

// Log returns what the server wrote to its log.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// greets reports whether the server sends something by itself, or in answer to what is asked.
func greets(ask string) func(addr string) error {
	return func(addr string) error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte(ask)); err != nil {
			return err
		}
		var answer [64]byte
		n, err := conn.Read(answer[:])
		if err != nil {
			return err
		}
		if ask != "" && answer[0] == '-' {
			return fmt.Errorf("answered %q", answer[:n])
		}
		return nil
	}
}
