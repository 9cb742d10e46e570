package browsertest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/oneauth-go/oneauth"
)

// A person comes to an application, signs up, and uses every page in every state that the handlers can answer with: once
// in English, with JavaScript and a mouse; once in German, without JavaScript and with the keyboard. In each state, light
// and dark, wide and narrow, axe-core finds nothing; nothing scrolls sideways; the console stays silent; and
// nothing is asked for elsewhere. The whole product of languages, colours and widths is audited by webauth/pages.
// ONEAUTH_SCREENSHOTS names a folder that keeps the pictures:
//
//	ONEAUTH_SCREENSHOTS=/tmp/shots go test ./internal/browsertest -run TestWalk
func TestWalk(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	for name, v := range map[string]visitor{
		"English":                    {Language: "en", JavaScript: true, Hands: "mouse", Looks: []int{0, 1}},
		"German, without JavaScript": {Language: "de", JavaScript: false, Hands: "keyboard", Looks: []int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.openStrict()
			found := d.drive(t, s, order{Scenario: "walk", Visitor: v, Screenshots: screenshots(t)}, len(stations))
			if found.Audits != len(v.Looks)*len(found.States) || len(found.States) < leastStates {
				t.Errorf("%d audits of %d states: %v", found.Audits, len(found.States), found.States)
			}
			t.Logf("%d states, %d audits", len(found.States), found.Audits)
		})
	}
}

// stations are the parts of the walk, and leastStates is how many states of pages are looked at on it.
var stations = []string{
	"arrival", "sign-up", "confirmation", "profile", "addresses", "recent sign-in", "password", "devices", "keys", "sign-out",
	"sign-in", "forgotten password", "links that expire", "verify first", "errors",
}

const leastStates = 40

// TestPicture takes the picture of the README, where it is asked for:
//
//	ONEAUTH_SCREENSHOTS=/tmp/shots go test ./internal/browsertest -run TestPicture && cp /tmp/shots/login.png docs/
func TestPicture(t *testing.T) {
	shots := screenshots(t)
	if shots == "" {
		t.Log("not asked for: ONEAUTH_SCREENSHOTS names no folder")
		return
	}
	d, ok := newDriver(t)
	if !ok {
		return
	}
	d.drive(t, open(t, oneauth.WithAppName("Quickstart")), order{Scenario: "picture", Screenshots: shots}, 1)
	if info, err := os.Stat(filepath.Join(shots, "login.png")); err != nil || info.Size() > 60<<10 {
		t.Errorf("the picture has %v bytes, %v", info, err)
	}
}

// screenshots returns the folder that keeps pictures, or "".
func screenshots(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ONEAUTH_SCREENSHOTS")
	if dir == "" {
		return ""
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
