package parts

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Processes are further processes that a test has started: its own binary, which the environment tells to play another
// part (see Serve). They end with the test.
type Processes struct {
	t   testing.TB
	all []process
}

type process struct {
	in  io.Writer
	out *bufio.Reader
}

// ready is what a process says first.
const ready = "ready"

// Again starts the test binary n times more, with variables of the environment at which its TestMain calls Serve and exits.
func Again(t testing.TB, n int, env ...string) *Processes {
	t.Helper()
	p := &Processes{t: t}
	for range n {
		p.all = append(p.all, startAgain(t, env))
	}
	return p
}

// Ask sends a line to every process, at once as far as that goes, and returns the line that each answers.
func (p *Processes) Ask(line string) []string {
	p.t.Helper()
	for _, one := range p.all {
		if _, err := fmt.Fprintln(one.in, line); err != nil {
			p.t.Fatal(err)
		}
	}
	var answers []string
	for _, one := range p.all {
		answer, err := one.out.ReadString('\n')
		if err != nil {
			p.t.Fatalf("a process answered %q: %v", answer, err)
		}
		answers = append(answers, strings.TrimSuffix(answer, "\n"))
	}
	return answers
}

// Serve is what such a process does: it answers each line of its standard input until that ends, or until answer fails.
func Serve(answer func(line string) (string, error)) error {
	if _, err := fmt.Println(ready); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		out, err := answer(lines.Text())
		if err != nil {
			return err
		}
		if _, err := fmt.Println(out); err != nil {
			return err
		}
	}
	return nil
}

func startAgain(t testing.TB, env []string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process ended with %v", err)
		}
	})
	p := process{in, bufio.NewReader(out)}
	if line, err := p.out.ReadString('\n'); err != nil || line != ready+"\n" {
		t.Fatalf("a process says %q, %v", line, err)
	}
	return p
}
