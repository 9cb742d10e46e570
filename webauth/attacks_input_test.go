package webauth_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestA30OperatorsAndSeparators(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	for _, body := range []string{
		`{"identifier":{"$ne":""},"password":"` + goodPass + `"}`, `{"identifier":["` + ann + `"],"password":"x"}`,
		`{"identifier":true,"password":"x"}`,
	} {
		a.do(call{method: "POST", path: "/login", json: body}).wantProblem(400, "invalid_request", "identifier")
	}
	form := url.Values{"identifier[$ne]": {""}, "password": {goodPass}}
	a.do(call{method: "POST", path: "/login", form: form}).wantProblem(400, "invalid_request", "identifier")
	for _, id := range []string{"%25", "' OR 1=1 --", "ann@example.com\r\nGET x", "../default/user", "CON", "*", "_%@example.com"} {
		a.login(id, goodPass).wantProblem(401, "invalid_credentials", "")
	}
	for _, id := range []string{
		"%00", "x%0d%0aDEL", "*", "%25", "%7B%22$ne%22:%22%22%7D", "%ff%fe", "%F0%9F%98%80",
		strings.Repeat("a", 3000), "SES_01", ":", "CON",
	} {
		for _, kind := range []string{"/sessions/", "/keys/"} {
			a.do(call{method: "DELETE", path: kind + id, cookies: with(value)}, sameOrigin).wantProblem(404, "not_found", "")
		}
	}
	for _, id := range []string{"..%2f..%2fsecret", "%2e%2e%2f"} { // http.ServeMux sends these on to where they lead
		if r := a.do(call{method: "DELETE", path: "/sessions/" + id, cookies: with(value)}, sameOrigin); r.Code < 300 {
			t.Errorf("%s: %d", id, r.Code)
		}
	}
	if !a.alive(value) {
		t.Error("one of them meant the session")
	}
}

// A log has no line that a request wrote, and no secret.
func TestA31NothingOfARequestEntersTheLogRaw(t *testing.T) {
	var log bytes.Buffer
	store := storetest.Faulty(mem.New())
	a := newAppOn(t, store, func(s *settings) { s.web.Errors = wire.ErrorWriter{Log: jsonLog(&log)} })
	value, _ := a.signUp(ann)
	reset := a.forgot(ann)
	store.FailAll(storetest.Fail)
	for _, c := range []call{
		{method: "POST", path: "/login", json: obj{"identifier": "x\nlevel=ERROR", "password": goodPass}},
		{method: "DELETE", path: "/sessions/x%0aFAKE", cookies: with(value), header: header("User-Agent", "x\ny")},
		{method: "POST", path: "/password/reset", json: obj{"token": reset, "password": newPass}},
		{method: "GET", path: "/password/reset?token=" + reset},
	} {
		r := a.do(c, sameOrigin).want(503)
		for _, secret := range []string{"injected", goodPass, newPass, value, reset} {
			if strings.Contains(r.Body.String(), secret) {
				t.Errorf("%s %s shows %s", c.method, c.path, secret)
			}
		}
	}
	store.Clear()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 4 {
		t.Errorf("%d lines: %s", len(lines), log.String())
	}
	for _, secret := range []string{goodPass, newPass, value, reset, "level=ERROR"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

// The address of a client is what a trusted proxy says, and nobody else.
func TestClientAddress(t *testing.T) {
	proxies, err := wire.ParseTrustedProxies("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, func(s *settings) { s.web.Entry.Proxies = proxies })
	a.signUp(ann)
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.9:1", "198.51.100.7", "203.0.113.9"},
		{"10.1.2.3:1", "198.51.100.7", "198.51.100.7"},
		{"10.1.2.3:1", "6.6.6.6, 198.51.100.7, 10.9.9.9", "198.51.100.7"},
	} {
		v := a.do(call{
			method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass}, remote: c.remote,
			header: header("X-Forwarded-For", c.forwarded, "X-Real-Ip", "6.6.6.6"),
		}).want(200).json()
		if got := at(v, "session", "device", "ip"); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The time and place of the last use are noted once a minute, and kept when the place is unknown.
func TestLastUse(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	a.clock.Advance(59 * time.Second)
	v := a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "last_seen_at") != "2030-01-02T03:04:05Z" {
		t.Errorf("%v", at(v, "session", "last_seen_at"))
	}
	a.clock.Advance(time.Second)
	a.do(call{method: "GET", path: "/session", cookies: with(value), remote: "203.0.113.9:1"})
	v = a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "last_seen_at") != "2030-01-02T03:05:05Z" || at(v, "session", "device", "ip") != "203.0.113.9" {
		t.Errorf("%v", at(v, "session"))
	}
	a.clock.Advance(time.Minute)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	if p, err := a.web.Authenticate(t.Context(), r); err != nil || p.Session.IP != "203.0.113.9" {
		t.Errorf("%v %v", p, err)
	}
	v = a.do(call{method: "GET", path: "/session", cookies: with(value)}).json()
	if at(v, "session", "device", "ip") != "203.0.113.9" {
		t.Errorf("a use from nowhere erased the address: %v", at(v, "session", "device"))
	}
}
