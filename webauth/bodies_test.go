package webauth_test

import (
	"strings"
	"testing"
)

// Every endpoint reads its body in the same strict way.
func TestBadBodies(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	for _, path := range [][2]string{
		{"POST", "/signup"}, {"POST", "/login"}, {"POST", "/verify/request"}, {"POST", "/verify"}, {"POST", "/password/forgot"},
		{"POST", "/password/reset"}, {"POST", "/password/change"}, {"PATCH", "/account"}, {"POST", "/keys"},
	} {
		for name, c := range map[string]struct {
			media, body string
			status      int
			code        string
		}{
			"text":          {"text/plain", `{}`, 415, "unsupported_media_type"},
			"xml":           {"application/xml", `<a/>`, 415, "unsupported_media_type"},
			"latin-1":       {"application/json; charset=iso-8859-1", `{}`, 415, "unsupported_media_type"},
			"no type":       {"", `{}`, 415, "unsupported_media_type"},
			"too large":     {"application/json", `{"x":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "request_too_large"},
			"malformed":     {"application/json", `{"x":`, 400, "invalid_request"},
			"array":         {"application/json", `[]`, 400, "invalid_request"},
			"two values":    {"application/json", `{}{}`, 400, "invalid_request"},
			"twice":         {"application/json", `{"x":1,"x":2}`, 400, "invalid_request"},
			"two cases":     {"application/json", `{"x":1,"X":2}`, 400, "invalid_request"},
			"not UTF-8":     {"application/json", "{\"x\":\"\xff\"}", 400, "invalid_request"},
			"half a rune":   {"application/json", `{"x":"\ud800"}`, 400, "invalid_request"},
			"form twice":    {"application/x-www-form-urlencoded", "x=1&x=2", 400, "invalid_request"},
			"form with %zz": {"application/x-www-form-urlencoded", "x=%zz", 400, "invalid_request"},
		} {
			h := header("Content-Type", c.media)
			if c.media == "" {
				h = nil
			}
			r := a.raw(path[0], path[1], c.body, value, h)
			if code, _ := r.problem(c.status); code != c.code {
				t.Errorf("%v %s: %s", path, name, code)
			}
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	a := newApp(t)
	a.do(call{method: "GET", path: "/nothing"}).wantProblem(404, "not_found", "")
	a.do(call{method: "PUT", path: "/account"}).wantProblem(405, "method_not_allowed", "")
	a.do(call{method: "GET", path: "/logout"}).wantProblem(405, "method_not_allowed", "")
}
