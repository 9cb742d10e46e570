// Package flow plays the tour that the README promises against a running program: sign up, confirm, see and end devices,
// tokens, keys, theft, and a kill that loses nothing. It is for the tests of examples.
package flow

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

const (
	mail     = "ann@example.com"
	password = "purple otters sing at dawn"
)

var verifyLink = regexp.MustCompile(`/auth/verify\?token=([A-Za-z0-9_-]+)`)

// Tour is where somebody has come to.
type Tour struct {
	t       *testing.T
	user    string
	browser *Person        // signed in
	key     *Person        // may read and write
	api     map[string]any // a pair of tokens of a session that goes on
	stolen  map[string]any // a pair of tokens of a session that ended by theft
}

// Play is the whole tour. start starts the program on the same data, the second time on the address of the first.
func Play(t *testing.T, start func(addr string) *Process) {
	t.Helper()
	p := start("127.0.0.1:0")
	tour := Begin(t, p)
	tour.Check(p)

	// Kills the process, starts it again, and nothing acknowledged is gone.
	p.Kill()
	p = start(p.Address())
	tour.Check(p)
	tour.End(p)
}

// Begin goes from the sign-up to the theft that is caught.
func Begin(t *testing.T, p *Process) *Tour {
	t.Helper()
	tour := &Tour{t: t, browser: p.Browser()}
	tour.signUp()
	tour.devices()
	tour.tokens()
	return tour
}

// signUp signs up, and confirms through the development mailbox.
func (tour *Tour) signUp() {
	t, browser := tour.t, tour.browser
	t.Helper()
	tour.user = browser.Do("POST", "/auth/signup", map[string]any{"email": mail, "password": password}, 201)["user"].(map[string]any)["id"].(string)
	box := browser.Do("GET", "/dev/mail", nil, 200)["text"].(string)
	token := verifyLink.FindStringSubmatch(box)
	if token == nil {
		t.Fatalf("no link in the mailbox: %s", box)
	}
	verified, err := json.Marshal(browser.Do("POST", "/auth/verify", map[string]any{"token": token[1]}, 200))
	if err != nil || !strings.Contains(string(verified), `"verified":true`) {
		t.Fatalf("not verified: %s, %v", verified, err)
	}
	browser.Do("POST", "/auth/verify", map[string]any{"token": token[1]}, 400) // a link works once
}

// devices sees and ends devices.
func (tour *Tour) devices() {
	t, browser := tour.t, tour.browser
	t.Helper()
	second := browser.P.Browser()
	second.Do("POST", "/auth/login", map[string]any{"identifier": mail, "password": password}, 200)
	if n := len(browser.Do("GET", "/auth/sessions", nil, 200)["sessions"].([]any)); n != 2 {
		t.Fatalf("%d devices, not 2", n)
	}
	browser.Do("DELETE", "/auth/sessions", nil, 204)
	second.Do("GET", "/auth/session", nil, 401)
	if me := browser.Do("GET", "/api/me", nil, 200); me["via"] != "session" || me["user_id"] != tour.user {
		t.Fatalf("/api/me with the cookie: %v", me)
	}
}

// tokens logs in as an API client, calls scoped endpoints with a token and with a key, and is caught replaying.
func (tour *Tour) tokens() {
	t, p := tour.t, tour.browser.P
	t.Helper()
	anon := p.Program("")
	login := map[string]any{"identifier": mail, "password": password, "scope": "read"}
	first := anon.Do("POST", "/auth/api/login", login, 200)
	api := p.Program(first["access_token"].(string))
	if me := api.Do("GET", "/api/me", nil, 200); me["via"] != "jwt" {
		t.Fatalf("/api/me with a token: %v", me)
	}
	api.Do("GET", "/api/read", nil, 200)
	api.Do("POST", "/api/write", map[string]any{}, 403)
	made := tour.browser.Do("POST", "/auth/keys", map[string]any{"name": "ci", "scopes": []string{"read", "write"}}, 201)
	tour.key = p.Program(made["key"].(string))
	if me := tour.key.Do("GET", "/api/me", nil, 200); me["via"] != "api_key" {
		t.Fatalf("/api/me with a key: %v", me)
	}
	tour.key.Do("POST", "/api/write", map[string]any{}, 200)

	// Refreshes twice, and is caught replaying the first token.
	second := anon.Refresh(first["refresh_token"], 200)
	tour.stolen = anon.Refresh(second["refresh_token"], 200)
	anon.Refresh(first["refresh_token"], 400)
	anon.Refresh(tour.stolen["refresh_token"], 400) // theft ended the session
	p.Program(tour.stolen["access_token"].(string)).Do("GET", "/api/me", nil, 401)
	tour.api = anon.Do("POST", "/auth/api/login", login, 200)
}

// Refresh exchanges a refresh token.
func (c *Person) Refresh(token any, status int) map[string]any {
	c.t.Helper()
	return c.Do("POST", "/auth/token", map[string]any{"grant_type": "refresh_token", "refresh_token": token}, status)
}

// Check finds everything acknowledged as it was, and nothing that was revoked.
func (tour *Tour) Check(p *Process) {
	tour.t.Helper()
	tour.browser.P, tour.key.P = p, p
	if me := tour.browser.Do("GET", "/api/me", nil, 200); me["user_id"] != tour.user {
		tour.t.Fatalf("after the kill: %v", me)
	}
	tour.key.Do("GET", "/api/read", nil, 200)
	anon := p.Program("")
	tour.api = anon.Refresh(tour.api["refresh_token"], 200)
	p.Program(tour.api["access_token"].(string)).Do("GET", "/api/read", nil, 200)
	anon.Refresh(tour.stolen["refresh_token"], 400) // what was revoked stays so
	p.Program(tour.stolen["access_token"].(string)).Do("GET", "/api/me", nil, 401)
}

// End signs out.
func (tour *Tour) End(p *Process) {
	tour.t.Helper()
	tour.browser.P = p
	tour.browser.Do("POST", "/auth/logout", nil, 204)
	tour.browser.Do("GET", "/auth/session", nil, 401)
}
