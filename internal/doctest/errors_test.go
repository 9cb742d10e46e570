package doctest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

var errorRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d+) \\| (\\d+ `[a-z_]+`) \\| (.+) \\| (.+) \\|$")

// docs/errors.md has every code once, with the status and the OAuth error that the code is really answered with, a cause
// and a cure.
func TestErrorsDocument(t *testing.T) {
	documented := map[core.Code]bool{}
	for _, row := range errorRow.FindAllStringSubmatch(read(t, "docs/errors.md"), -1) {
		code := core.Code(row[1])
		if documented[code] {
			t.Errorf("%s is there twice", code)
		}
		documented[code] = true
		if _, known := core.Codes[code]; !known {
			t.Errorf("%s is documented and not in core.Codes", code)
			continue
		}
		if got := problemStatus(code); row[2] != got {
			t.Errorf("%s: documented with status %s, answered with %s", code, row[2], got)
		}
		if got := oauthAnswer(t, code); row[3] != got {
			t.Errorf("%s: documented for OAuth as %s, answered as %s", code, row[3], got)
		}
	}
	for code := range core.Codes {
		if !documented[code] {
			t.Errorf("%s is in core.Codes and not in docs/errors.md", code)
		}
	}
}

func problemStatus(code core.Code) string {
	w := httptest.NewRecorder()
	wire.ErrorWriter{}.Problem(w, httptest.NewRequest("GET", "/", nil), core.E(code, ""))
	return strconv.Itoa(w.Code)
}

func oauthAnswer(t *testing.T, code core.Code) string {
	t.Helper()
	w := httptest.NewRecorder()
	wire.ErrorWriter{}.OAuthError(w, httptest.NewRequest("POST", "/token", nil), core.E(code, ""))
	var body struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return fmt.Sprintf("%d `%s`", w.Code, body.Error)
}
