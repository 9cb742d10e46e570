package flow

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Process is one running program.
type Process struct {
	t   *testing.T
	Cmd *exec.Cmd // nil for At
	URL string    // where it listens, without a slash at the end
	out *bufio.Reader
}

// Start runs a program that says "listening on http://..." first, and ends it with the test.
func Start(t *testing.T, cmd *exec.Cmd) *Process {
	t.Helper()
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the program printed %q (%v), not where it listens", line, err)
	}
	return &Process{t: t, Cmd: cmd, URL: base, out: lines}
}

// Says waits until the program prints a line.
func (p *Process) Says(want string) {
	p.t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			p.t.Fatalf("the program did not say %q: %v", want, err)
		}
		if strings.TrimSpace(line) == want {
			return
		}
	}
}

// At is a process that somebody else started, or a server within the test.
func At(t *testing.T, url string) *Process { return &Process{t: t, URL: url} }

// Address returns host and port.
func (p *Process) Address() string {
	u, err := url.Parse(p.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	return u.Host
}

// Kill is kill -9: nothing gets a chance to be tidied up.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	_ = p.Cmd.Wait()
}
