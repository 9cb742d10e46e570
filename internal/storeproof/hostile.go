package storeproof

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/stores/storetest"
)

// hostile are values that mean something to a database, a file system, a protocol or a person who reads a log.
var hostile = []string{
	`{"$ne":""}`, `{"$gt":""}`, `$where`, `a.b.$[].c`, "a\r\nDEL *", "*3\r\n$3\r\nSET", "{tag}", "a:b:c", "%", "_", `\`, `\%`, `' OR 1=1 --`,
	`"; DROP TABLE oneauth_user; --`, "`x`", "/**/", "../../etc/passwd", "..", "CON", "NUL.txt", "__key__", "__a__", "a/b", "a\\b", "a|b",
	"a\x00b", "a\u202eb", "Ann ", " Ann", "ANN", "ann", "ſ", "K", "é", "e\u0301", "\U0001F511", "null", "undefined",
	"0", "-1", "1e309", "NaN", "true", "2026-03-01T12:00:00Z", strings.Repeat("x", 200), strings.Repeat("é", 200),
}

// HostileValues proves A30 over a store: whatever somebody writes as a name, as the name of a key, as a password or as who
// they are comes back as it was given, or is refused with the name of the field. It is nobody else's, and no error of ours.
func HostileValues(t *testing.T, h storetest.Harness) {
	t.Helper()
	a := start(t, opened(t, h), "")
	kept, refused := 0, 0
	for i, v := range hostile {
		cookie := a.named(t, numbered("hostile", i), v)
		if cookie == "" {
			refused++
			continue
		}
		kept++
		made := a.post("/keys", map[string]any{"name": v, "scopes": []string{"read"}}, withCookie(cookie))
		if made.code == 201 {
			var list struct{ Keys []struct{ Name string } }
			a.must(json.Unmarshal([]byte(a.want(200, send(a.Auth, "GET", "/auth/keys", nil, withCookie(cookie))).text), &list))
			if len(list.Keys) != 1 || list.Keys[0].Name != v {
				t.Errorf("a key named %q is listed as %+v", v, list)
			}
		} else if made.code != 422 || made.str("field") != "name" {
			t.Errorf("a key named %q is answered by %d %s", v, made.code, made.text)
		}
	}
	for i, v := range hostile {
		for what, got := range map[string]answer{
			"identifier": a.post("/login", object{"identifier": v, "password": goodPassword}),
			"password":   a.post("/login", object{"identifier": numbered("hostile", i), "password": v}),
			"reset":      a.post("/password/forgot", object{"identifier": v}),
			"token":      a.post("/password/reset", object{"token": v, "password": newPassword}),
			"session id": send(a.Auth, "DELETE", "/auth/sessions/"+url.PathEscape(v), nil),
			"cookie":     send(a.guarded, "GET", "/", nil, withCookie("__Host-oneauth="+url.QueryEscape(v))),
		} {
			if got.code == 202 && what == "reset" || got.code >= 400 && got.code < 500 {
				continue
			}
			t.Errorf("%q as %s is answered by %d %s", v, what, got.code, got.text)
		}
	}
	t.Logf("%d values came back as given, %d were refused by name", kept, refused)
}

// named signs somebody up under a name, and returns the cookie once the name came back as given, or "" when it is refused.
func (a *app) named(t *testing.T, email, name string) (cookie string) {
	t.Helper()
	body := signUpOf(email)
	body["name"] = name
	got := a.post("/signup", body)
	if got.code == 422 && got.str("field") == "name" {
		return ""
	}
	a.want(201, got)
	var seen struct{ User struct{ Name string } }
	a.must(json.Unmarshal([]byte(a.want(200, send(a.Auth, "GET", "/auth/session", nil, withCookie(got.cookie))).text), &seen))
	if seen.User.Name != name {
		t.Errorf("the name %q came back as %q", name, seen.User.Name)
	}
	return got.cookie
}
