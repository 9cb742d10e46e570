package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is one fenced block of a document. After its language the fence may say
//
//	from=PATH   the text stands in that file of the repository as it is here, which its own tests compile or run
//	file=NAME   what the reader of a tutorial writes into that file
//	background  a command that goes on while the reader types the next ones
type block struct {
	doc        string
	line       int // of the fence, from 1
	lang       string
	from, file string
	background bool
	text       string // without the indentation of the fence
	after      bool   // nothing but white space is between this block and the one before
}

var (
	fence  = regexp.MustCompile("^([ \t]*)```(.*)$")
	shaped = regexp.MustCompile(`^[a-z]*( (from|file)=[A-Za-z0-9_./-]+)?( background)?$`)
)

// handlers says what a test does with the blocks of each language. A language that is not here has no place in a document.
var handlers = map[string]string{
	"go":    "TestGoBlocks compiles it",
	"sh":    "TestCommands and TestTutorial run it",
	"text":  "is what the commands before it print",
	"json":  "TestDataBlocks reads it; it is what the commands before it print, where it follows them at once",
	"yaml":  "TestDataBlocks reads it",
	"ini":   "TestDataBlocks reads it",
	"nginx": "stands in a file that a test runs",
	"html":  "stands in a file that a test runs",
	"js":    "stands in a file that a test runs",
	"":      "is a picture or a sketch, without commands",
}

// excerptsAlone are the languages that nothing here reads: their blocks stand in a file.
var excerptsAlone = map[string]bool{"nginx": true, "html": true, "js": true}

// Every block of every document is one that a test handles, and one that says from which file it is, stands there.
func TestBlocksAreHandled(t *testing.T) {
	for _, doc := range documents(t) {
		for _, b := range blocks(t, doc) {
			switch _, known := handlers[b.lang]; {
			case !known:
				t.Errorf("%s:%d: no test handles blocks of %q", doc, b.line, b.lang)
			case excerptsAlone[b.lang] && b.from == "":
				t.Errorf("%s:%d: say from which file this %s is (from=PATH)", doc, b.line, b.lang)
			case b.lang == "text" && !b.after:
				t.Errorf("%s:%d: nothing prints this text", doc, b.line)
			case b.lang == "" && sketched.MatchString(b.text):
				t.Errorf("%s:%d: a command in a block without language: say sh", doc, b.line)
			case b.file != "" && doc != tutorial:
				t.Errorf("%s:%d: only %s writes files", doc, b.line, tutorial)
			case b.from != "" && !standsIn(t, b):
				t.Errorf("%s:%d: %s does not have this text any more", doc, b.line, b.from)
			}
		}
	}
}

// sketched finds commands that would not be run.
var sketched = regexp.MustCompile(`(?m)^\$? ?(go|make|curl|git|npm|docker|apt-get|sudo|\./[a-z]+) `)

// standsIn reports whether a file has the lines of a block one after the other, wherever they are indented to.
func standsIn(t *testing.T, b block) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, b.from))
	if err != nil {
		t.Errorf("%s:%d: %v", b.doc, b.line, err)
		return true
	}
	lines, want := strings.Split(string(text), "\n"), strings.Split(strings.TrimRight(b.text, "\n"), "\n")
	for i := range len(lines) - len(want) + 1 {
		indent, found := strings.CutSuffix(lines[i], want[0])
		if !found || strings.TrimSpace(indent) != "" {
			continue
		}
		same := true
		for j, line := range want {
			same = same && (lines[i+j] == indent+line || line == "" && lines[i+j] == "")
		}
		if same {
			return true
		}
	}
	return false
}

// blocks returns the fenced blocks of a document.
func blocks(t *testing.T, doc string) (all []block) {
	t.Helper()
	var open *block
	var indent string
	after := false
	for n, line := range strings.Split(read(t, doc), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != nil && m != nil && strings.TrimSpace(m[2]) == "":
			all = append(all, *open)
			open, after = nil, true
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case m != nil:
			b := newBlock(t, doc, n+1, m[2])
			b.after = after
			open, indent = &b, m[1]
		case strings.TrimSpace(line) != "":
			after = false
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block has no end", doc, open.line)
	}
	return all
}

func newBlock(t *testing.T, doc string, line int, info string) block {
	t.Helper()
	if !shaped.MatchString(info) {
		t.Errorf("%s:%d: the fence says %q, which no test understands", doc, line, info)
	}
	b := block{doc: doc, line: line}
	for i, word := range strings.Fields(info) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case i == 0:
			b.lang = word
		case name == "from":
			b.from = value
		case name == "file":
			b.file = value
		case name == "background":
			b.background = true
		}
	}
	return b
}
