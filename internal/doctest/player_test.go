package doctest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// player types the commands of a document, as a reader does: what a block leaves behind (folder, variables) is there in
// the next one, and <the access_token> in a command is what an answer before it had in that member.
type player struct {
	t       *testing.T
	bash    string
	home    string
	env     []string
	address *strings.Replacer // of the application, which the documents have as 127.0.0.1:8080
	seen    map[string]string
	server  *server
}

// newPlayer returns a player in an empty folder, or nil after saying why there is none.
func newPlayer(t *testing.T, address string) *player {
	t.Helper()
	bash, curl := parts.Command(t, "bash", "bash"), parts.Command(t, "curl", "curl")
	if bash == "" || curl == "" {
		return nil
	}
	home := t.TempDir()
	write(t, filepath.Join(home, ".curlrc"), "fail-with-body\nnoproxy = \"*\"\nmax-time = 100\n")
	write(t, filepath.Join(home, "left"), "cd "+home+"\n")
	p := &player{
		t: t, bash: bash, home: home, address: strings.NewReplacer("127.0.0.1:8080", address), seen: map[string]string{},
		env: append(os.Environ(), "CURL_HOME="+home),
	}
	t.Cleanup(p.stop)
	return p
}

// play runs the commands of a block and checks what they print against the block that shows it, if there is one. A
// request that is refused is an error, unless the answer is shown.
func (p *player) play(b block, shown *block) {
	p.t.Helper()
	printed := ""
	for _, script := range steps(b.text) {
		printed += p.run(b, p.fill(b, script), shown != nil)
	}
	if shown != nil {
		p.compare(*shown, printed)
	}
}

// run runs commands where those before it have left the reader, and returns what they print.
func (p *player) run(b block, script string, mayBeRefused bool) string {
	p.t.Helper()
	const before, after = `set -euo pipefail; source "$0/left"`, `{ echo "cd '$PWD'"; export -p; } > "$0/left"`
	cmd := exec.Command(p.bash, "-c", before+"\n"+script+"\n"+after, p.home)
	cmd.Env = p.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	p.remember(out)
	var exit *exec.ExitError
	refused := errors.As(err, &exit) && exit.ExitCode() == 22 // curl: an answer of 400 or more
	if err != nil && !(refused && mayBeRefused) {
		p.t.Fatalf("%s:%d: %v\n%s\n%s%s", b.doc, b.line, err, script, out, &stderr)
	}
	return string(out)
}

// steps splits commands before each one that needs what an answer before it has.
func steps(text string) (all []string) {
	step := ""
	for line := range strings.Lines(text) {
		if placeholder.MatchString(line) && step != "" && !strings.HasSuffix(step, "\\\n") {
			all, step = append(all, step), ""
		}
		step += line
	}
	return append(all, step)
}

var (
	placeholder = regexp.MustCompile(`<the ([a-z_]+)>`)
	mailedLink  = regexp.MustCompile(`[?&]token=([A-Za-z0-9_-]+)`)
)

// fill puts the application's address and what was seen before into commands.
func (p *player) fill(b block, script string) string {
	return placeholder.ReplaceAllStringFunc(p.address.Replace(script), func(s string) string {
		name := placeholder.FindStringSubmatch(s)[1]
		if p.seen[name] == "" {
			p.t.Errorf("%s:%d: no answer before had %s", b.doc, b.line, s)
		}
		return p.seen[name]
	})
}

// remember keeps the members of answers, and the token of a mailed link.
func (p *player) remember(out []byte) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for i := len(v) - 1; i >= 0; i-- { // the first counts: lists are newest first
				walk(v[i])
			}
		case map[string]any:
			for name, member := range v {
				if s, ok := member.(string); ok {
					p.seen[name] = s
				}
				walk(member)
			}
		}
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var v any
		if dec.Decode(&v) != nil {
			break
		}
		walk(v)
	}
	if m := mailedLink.FindSubmatch(out); m != nil {
		p.seen["token"] = string(m[1])
	}
}

// compare holds what was printed against what the document shows, in which "..." is anything: a value of JSON, a further
// member ("...": "..."), or a part of a line.
func (p *player) compare(shown block, out string) {
	p.t.Helper()
	want := p.address.Replace(shown.text)
	if shown.lang == "json" {
		var a, b any
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			p.t.Errorf("%s:%d: printed was %q", shown.doc, shown.line, out)
		} else if json.Unmarshal([]byte(want), &b); !alike(b, a) {
			p.t.Errorf("%s:%d: shown is\n%s\nprinted was\n%s", shown.doc, shown.line, want, out)
		}
		return
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(squeeze(want)), `\.\.\.`, `[^\n]*`)
	if !regexp.MustCompile(`^` + pattern + `$`).MatchString(squeeze(out)) {
		p.t.Errorf("%s:%d: shown is\n%s\nprinted was\n%s", shown.doc, shown.line, want, out)
	}
}

var gap = regexp.MustCompile(`[ \t\r]+`)

// squeeze makes one space of several, and of a tab.
func squeeze(s string) string { return gap.ReplaceAllString(strings.TrimSpace(s), " ") }

// alike reports whether JSON is as it is shown.
func alike(shown, got any) bool {
	if shown == "..." {
		return true
	}
	switch shown := shown.(type) {
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(shown) {
			return false
		}
		for i := range list {
			if !alike(shown[i], list[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || len(object) != len(shown) && shown["..."] == nil {
			return false
		}
		for name, member := range shown {
			if value, ok := object[name]; name != "..." && (!ok || !alike(member, value)) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(shown, got)
}

// server is a command that goes on in the background.
type server struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// serve starts a command in the folder in which the commands before have left the reader, and waits until it says
// "listening".
func (p *player) serve(script string, env ...string) {
	p.t.Helper()
	p.stop()
	read, written, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(p.bash, "-c", `set -euo pipefail; source "$0/left"; `+script, p.home)
	cmd.Env = append(p.env, env...)
	cmd.Stdout, cmd.Stderr = written, written
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = written.Close()
	p.server = &server{cmd, make(chan struct{})}
	printed, up := bufio.NewReader(read), make(chan error, 1)
	var all strings.Builder
	go func() {
		defer close(p.server.done)
		up <- until(printed, "listening", &all)
		_, _ = io.Copy(io.Discard, printed)
	}()
	if err := <-up; err != nil {
		p.t.Fatalf("%s: %v; it printed\n%s", script, err, &all)
	}
}

// until reads lines up to the one that has a word, and keeps what it reads.
func until(from *bufio.Reader, word string, all *strings.Builder) error {
	for {
		line, err := from.ReadString('\n')
		all.WriteString(line)
		if err != nil || strings.Contains(line, word) {
			return err
		}
	}
}

// stop ends the command in the background, as Ctrl-C in its terminal does.
func (p *player) stop() {
	if p.server == nil {
		return
	}
	_ = syscall.Kill(-p.server.cmd.Process.Pid, syscall.SIGINT)
	<-p.server.done
	_ = p.server.cmd.Wait()
	p.server = nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
