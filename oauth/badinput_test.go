package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// badInput is one site for many bad requests, each of which must be answered clearly, be told of, and give no session.
type badInput struct {
	*site
	t *testing.T
}

// refused sends a request and expects that it is refused: with an event that has the reason, and without a session, a new
// account or a cookie that lets anybody in.
func (s *badInput) refused(name, reason string, send func() page) page {
	s.t.Helper()
	s.mu.Lock()
	before := len(s.events)
	s.mu.Unlock()
	p := send()
	s.mu.Lock()
	defer s.mu.Unlock()
	told := false
	for _, e := range s.events[before:] {
		told = told || e.Type == core.EventSignInFailed && e.Outcome == core.Failure && e.Reason == reason
		if e.Type == core.EventSignedIn || e.Type == core.EventSignedUp {
			s.t.Errorf("%s: event %s", name, e.Type)
		}
	}
	if !told {
		s.t.Errorf("%s: no event with %s: answer is %d, events %+v", name, reason, p.status, s.events[before:])
	}
	for _, c := range (&http.Response{Header: p.header}).Cookies() {
		if c.MaxAge >= 0 {
			s.t.Errorf("%s: a cookie %s", name, c.Name)
		}
	}
	return p
}

// aPage expects a page that names what is wrong.
func (s *badInput) aPage(name string, status int, p page) {
	s.t.Helper()
	if p.status != status || !strings.Contains(p.text, "<html") || p.header.Get("Location") != "" {
		s.t.Errorf("%s: answer is %d %s %s", name, p.status, p.header.Get("Location"), p.text)
	}
}

// toApp expects that the program is told (RFC 6749 section 4.1.2.1).
func (s *badInput) toApp(name, code string, p page) {
	s.t.Helper()
	to := p.want(303).location()
	if q := to.Query(); !strings.HasPrefix(to.String(), appRedirect+"?") || q.Get("error") != code || q.Get("error_description") == "" || q.Has("code") {
		s.t.Errorf("%s: the app gets %s", name, to)
	}
}

// problem expects an error of RFC 6749 section 5.2.
func (s *badInput) problem(name string, status int, code, field string, p page) {
	s.t.Helper()
	if p.status != status || p.str("error") != code || p.str("error_description") == "" || field != "" && p.str("field") != field {
		s.t.Errorf("%s: answer is %d %s", name, p.status, p.text)
	}
}

// Every parameter of the request that begins, missing, doubled and oversized.
func TestBadStartRequests(t *testing.T) {
	s := &badInput{newSite(t), t}
	b := s.browser()
	start := func(v url.Values) func() page {
		return func() page { return b.get("/auth/oauth/example?" + v.Encode()) }
	}
	good := func() url.Values { return form(appStart("return_to", "/x", "scope", "read", "device_name", "phone")) }
	for name, c := range map[string]struct {
		most    int
		missing string // who hears that it is missing: "page", "app", or nobody, since it is optional
	}{
		"mode": {most: 16}, "return_to": {most: 2048}, "client_id": {100, "page"}, "redirect_uri": {1000, "page"},
		"response_type": {most: 16}, "code_challenge": {128, "app"}, "code_challenge_method": {most: 16}, "state": {512, "app"},
		"scope": {most: 500}, "device_name": {most: 200},
	} {
		v := good()
		v.Add(name, v.Get(name))
		s.aPage(name+" doubled", 400, s.refused(name+" doubled", "invalid_request", start(v)))
		v = good()
		v.Set(name, strings.Repeat("x", c.most+1))
		s.aPage(name+" oversized", 400, s.refused(name+" oversized", "invalid_request", start(v)))
		for _, empty := range []bool{true, false} {
			v = good()
			if v.Set(name, ""); !empty {
				v.Del(name)
			}
			switch c.missing {
			case "page":
				s.aPage(name+" missing", 400, s.refused(name+" missing", "invalid_request", start(v)))
			case "app":
				s.toApp(name+" missing", "invalid_request", s.refused(name+" missing", "invalid_request", start(v)))
			default:
				start(v)().want(303)
			}
		}
	}
	v := good()
	v.Set("mode", "implicit")
	s.aPage("another mode", 400, s.refused("another mode", "invalid_request", start(v)))
	v = good() // each is as long as it may be, and all of them need more than a cookie has
	v.Set("state", strings.Repeat(`"`, 512))
	v.Set("device_name", strings.Repeat("\x01", 200))
	v.Set("scope", strings.Repeat("a ", 249))
	v.Set("redirect_uri", "http://127.0.0.1:1/callback")
	p := s.refused("all together", "invalid_request", start(v))
	if q := p.want(303).location().Query(); q.Get("error") != "invalid_request" {
		t.Errorf("all together: the app gets %v", q)
	}
}

// Every parameter of the callback missing, doubled, oversized, replayed, from another browser, and after expiry.
func TestBadCallbacks(t *testing.T) {
	s := &badInput{newSite(t, func(p *plan) { p.provider.Rules.NoSignUp = true }), t} // nobody can come in by mistake
	// callback goes to the provider and changes the way back.
	callback := func(b *browser, change func(q url.Values)) func() page {
		back := b.at(b.begin(), "1001")
		q := back.Query()
		change(q)
		back.RawQuery = q.Encode()
		return func() page { return b.get(back.String()) }
	}
	b := s.browser()
	for name, most := range map[string]int{
		"code": 4096, "state": 128, "iss": 1000, "error": 200, "error_description": 2000, "user": 4096,
	} {
		s.aPage(name+" doubled", 400, s.refused(name+" doubled", "invalid_request", callback(b, func(q url.Values) {
			q.Add(name, q.Get(name))
			q.Add(name, q.Get(name))
		})))
		s.aPage(name+" oversized", 400, s.refused(name+" oversized", "invalid_request", callback(b, func(q url.Values) {
			q.Set(name, strings.Repeat("x", most+1))
		})))
	}
	for _, name := range []string{"code", "state", "iss"} {
		s.aPage(name+" missing", 400, s.refused(name+" missing", "invalid_request", callback(b, func(q url.Values) { q.Del(name) })))
		s.aPage(name+" empty", 400, s.refused(name+" empty", "invalid_request", callback(b, func(q url.Values) { q.Set(name, "") })))
	}
	for name, change := range map[string]func(q url.Values){
		"all missing":       func(q url.Values) { clear(q) },
		"another issuer":    func(q url.Values) { q.Set("iss", "https://evil.example") },
		"a forged user":     func(q url.Values) { q.Set("user", "AAAA") },
		"another's state":   func(q url.Values) { q.Set("state", s.browser().begin().Query().Get("state")) },
		"code and an error": func(q url.Values) { q.Set("error", "server_error") },
	} {
		reason, status := "invalid_request", 400
		if name == "code and an error" {
			reason, status = "provider_failed", 503
		}
		s.aPage(name, status, s.refused(name, reason, callback(b, change)))
	}
	s.aPage("a guessed code", 503, s.refused("a guessed code", "provider_failed", callback(b, func(q url.Values) { q.Set("code", "guessed") })))
	other := s.browser()
	s.aPage("another's code", 503, s.refused("another's code", "provider_failed", callback(b, func(q url.Values) {
		q.Set("code", other.at(other.begin(), "1002").Query().Get("code"))
	})))
	again := callback(b, func(url.Values) {})
	again() // who comes is unknown here: the state is used up all the same
	s.aPage("replayed", 400, s.refused("replayed", "invalid_request", again))
	s.aPage("another browser", 400, s.refused("another browser", "invalid_request", func() page {
		back := b.at(b.begin(), "1001")
		return other.get(back.String())
	}))
	late := callback(b, func(url.Values) {})
	s.clock.Advance(10 * time.Minute)
	s.aPage("after expiry", 400, s.refused("after expiry", "invalid_request", late))
}

// Every parameter of the request that exchanges a code missing, doubled, oversized, replayed, of somebody else, and after
// expiry. The code survives all of them, but the replay.
func TestBadTokenRequests(t *testing.T) {
	s := &badInput{newSite(t), t}
	b := s.browser()
	code := b.appCode("1001")
	good := func() url.Values {
		return form([]string{
			"grant_type", "authorization_code", "code", code, "redirect_uri", appRedirect, "code_verifier", verifier, "client_id", "app",
		})
	}
	token := func(v url.Values) func() page {
		return func() page {
			r := b.request("POST", "/auth/token", strings.NewReader(v.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return b.do(r)
		}
	}
	type answer struct {
		status int
		code   string
	}
	for name, c := range map[string]struct{ missing, oversized, others answer }{
		"grant_type": {answer{400, "invalid_request"}, answer{400, "unsupported_grant_type"}, answer{400, "invalid_request"}},
		"code":       {answer{400, "invalid_request"}, answer{400, "invalid_grant"}, answer{400, "invalid_grant"}},
		"redirect_uri": {
			answer{400, "invalid_request"}, answer{400, "invalid_grant"}, answer{400, "invalid_grant"},
		},
		"code_verifier": {
			answer{400, "invalid_request"}, answer{400, "invalid_grant"}, answer{400, "invalid_grant"},
		},
		"client_id": {answer{400, "unauthorized_client"}, answer{401, "invalid_client"}, answer{400, "invalid_grant"}},
	} {
		v := good()
		v.Del(name)
		p := s.refused(name+" missing", c.missing.code, token(v))
		field := ""
		if c.missing.code == "invalid_request" {
			field = name
		}
		s.problem(name+" missing", c.missing.status, c.missing.code, field, p)
		v = good()
		v.Add(name, v.Get(name))
		s.problem(name+" doubled", 400, "invalid_request", name, s.refused(name+" doubled", "invalid_request", token(v)))
		v = good()
		v.Set(name, strings.Repeat("x", 20000))
		s.problem(name+" oversized", c.oversized.status, c.oversized.code, "", s.refused(name+" oversized", c.oversized.code, token(v)))
		if name == "grant_type" {
			continue // refresh_token is another way to ask, with tests of its own
		}
		v = good()
		v.Set(name, map[string]string{
			"code": "guessed", "redirect_uri": "http://127.0.0.1/callback", "code_verifier": challenge(verifier), "client_id": "other",
		}[name])
		s.problem(name+" of another", c.others.status, c.others.code, "", s.refused(name+" of another", c.others.code, token(v)))
	}
	v := good()
	v.Set("code_verifier", strings.Repeat("x", 60000))
	v.Set("code", strings.Repeat("x", 60000))
	p := s.refused("a huge body", "request_too_large", token(v))
	s.problem("a huge body", 413, "invalid_request", "", p)
	session := token(good())().want(200).str("session_id")
	s.refused("replayed", "invalid_credentials", token(good())).want(400, "invalid_grant")
	if _, err := s.Core().Session(t.Context(), session); err == nil {
		t.Error("replayed: the session lives")
	}
	code = b.appCode("1001")
	s.clock.Advance(time.Minute)
	s.refused("after expiry", "invalid_credentials", token(good())).want(400, "invalid_grant")
}

// Every member of a native app's request missing, doubled, oversized, of another, replayed, and after expiry.
func TestBadNativeRequests(t *testing.T) {
	s := &badInput{newSite(t), t}
	b := s.browser()
	raw := func(body string) func() page {
		return func() page {
			r := b.request("POST", "/auth/oauth/example/token", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			return b.do(r)
		}
	}
	good := func() object {
		return object{"id_token": s.idToken(0, appNonce), "nonce": appNonce, "client_id": "app", "scope": "read", "device_name": "phone"}
	}
	call := func(name string, value any) func() page {
		body := good()
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return func() page { return b.call("/auth/oauth/example/token", body) }
	}
	for name, c := range map[string]struct {
		missing, oversized string // "" is fine
		status             int
	}{
		"id_token":  {"invalid_request", "invalid_request", 400},
		"nonce":     {"invalid_request", "invalid_grant", 400},
		"client_id": {"", "invalid_client", 401},
	} {
		if c.missing != "" {
			s.problem(name+" missing", 400, c.missing, name, s.refused(name+" missing", c.missing, call(name, nil)))
		}
		s.problem(name+" oversized", c.status, c.oversized, "", s.refused(name+" oversized", c.oversized, call(name, strings.Repeat("x", 20000))))
	}
	for name := range good() {
		body := `{"id_token":"` + s.idToken(0, appNonce) + `","nonce":"` + appNonce + `","client_id":"app","scope":"read","device_name":"phone","` + name + `":"x"}`
		s.problem(name+" doubled", 400, "invalid_request", name, s.refused(name+" doubled", "invalid_request", raw(body)))
		s.problem(name+" as a number", 400, "invalid_request", name, s.refused(name+" as a number", "invalid_request", call(name, 1)))
	}
	s.problem("another's nonce", 400, "invalid_grant", "id_token", s.refused("another's nonce", "invalid_grant", call("nonce", "other")))
	s.problem("a scope of nobody", 400, "invalid_scope", "", s.refused("a scope of nobody", "invalid_scope", call("scope", `"`)))
	body := good()
	again := func() page { return b.call("/auth/oauth/example/token", body) }
	again().want(200)
	s.problem("replayed", 400, "invalid_grant", "id_token", s.refused("replayed", "invalid_grant", again))
	late := call("device_name", "late")
	s.clock.Advance(s.idp.Lifetime + time.Second)
	s.problem("after expiry", 400, "invalid_grant", "id_token", s.refused("after expiry", "invalid_grant", late))
}
