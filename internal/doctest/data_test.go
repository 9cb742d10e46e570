package doctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Blocks of data can be read as what they say they are.
func TestDataBlocks(t *testing.T) {
	for _, doc := range documents(t) {
		for _, b := range blocks(t, doc) {
			var err error
			switch b.lang {
			case "json":
				err = readJSON(b.text)
			case "yaml":
				var tree any
				err = yaml.Unmarshal([]byte(b.text), &tree)
			case "ini":
				_, err = readINI(b.text)
			}
			if err != nil {
				t.Errorf("%s:%d: %v", doc, b.line, err)
			}
		}
	}
}

// readJSON reads one value, or several one after the other.
func readJSON(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	for n := 0; ; n++ {
		var v any
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case err != nil:
			return err
		}
	}
}

var (
	iniSection = regexp.MustCompile(`^\[[A-Za-z]+\]$`)
	iniSetting = regexp.MustCompile(`^([A-Za-z]+)=(.*)$`)
)

// readINI reads a file of sections with settings, such as a unit of systemd, and returns the settings of all of them.
func readINI(text string) (settings [][2]string, err error) {
	section := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch m := iniSetting.FindStringSubmatch(line); {
		case line == "" || line[0] == '#':
		case iniSection.MatchString(line):
			section = true
		case m != nil && section:
			settings = append(settings, [2]string{m[1], m[2]})
		default:
			return nil, fmt.Errorf("%q is neither a section nor a setting in one", line)
		}
	}
	return settings, nil
}
