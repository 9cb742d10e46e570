package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/oneauthtest"
)

var link = regexp.MustCompile(`/auth/signup\?invite=([A-Za-z0-9_-]+)`)

// invited returns the token of the invitation that was mailed to somebody.
func invited(t *testing.T, a *oneauthtest.App, to string) string {
	t.Helper()
	a.Mail(t)
	for _, m := range a.Mailbox().Messages() {
		if found := link.FindStringSubmatch(m.Text); found != nil && m.To == to {
			return found[1]
		}
	}
	t.Fatalf("%s is not invited", to)
	return ""
}

func signUp(t *testing.T, a *oneauthtest.App, email, invitation string) (int, string) {
	t.Helper()
	w := a.Request(t, app(a.Auth), "POST", "/auth/signup",
		fmt.Sprintf(`{"email":%q,"password":%q,"invite":%q}`, email, oneauthtest.Password, invitation))
	return w.Code, w.Body.String()
}

// Nobody is in without an invitation; with one, the invited are, once.
func TestInvitation(t *testing.T) {
	a := oneauthtest.New(t, options()...)
	if err := a.Users().Invite(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	token := invited(t, a, "ann@example.com")
	for name, c := range map[string]struct{ email, token, field string }{
		"none": {"eve@example.com", "", "invite"}, "guessed": {"eve@example.com", strings.Repeat("A", 43), "invite"},
		"another's": {"eve@example.com", token, "email"},
	} {
		if status, body := signUp(t, a, c.email, c.token); status != 403 || !strings.Contains(body, `"field":"`+c.field+`"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if w := a.Request(t, app(a.Auth), "POST", "/auth/api/signup", `{"email":"eve@example.com","password":"`+oneauthtest.Password+`"}`); w.Code != 403 {
		t.Errorf("through the API: %d %s", w.Code, w.Body)
	}
	if status, body := signUp(t, a, "ann@example.com", token); status != 201 || !strings.Contains(body, `"verified":true`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := signUp(t, a, "ann@example.com", token); status != 403 {
		t.Errorf("a second time: %d", status)
	}
}

// A member invites another with the form of the page; nobody else does, and only addresses of the domain.
func TestMembersInvite(t *testing.T) {
	a := oneauthtest.New(t, options()...)
	member := oneauthtest.Cookie(a.SignIn(t, "ann@example.com"))
	post := func(email string, edits ...oneauthtest.Edit) int {
		t.Helper()
		edits = append(edits, oneauthtest.Form(), oneauthtest.Header("Origin", oneauthtest.BaseURL))
		return a.Request(t, app(a.Auth), "POST", "/invite", url.Values{"email": {email}}.Encode(), edits...).Code
	}
	for email, want := range map[string]int{
		"bob@example.com": 200, "bob@lab.example.com": 200, "bob@evil.example": 422, "nobody": 422, "ann@example.com": 422,
	} {
		if got := post(email, member); got != want {
			t.Errorf("%s: %d", email, got)
		}
	}
	if got := post("carl@example.com"); got != http.StatusUnauthorized {
		t.Errorf("a stranger invites: %d", got)
	}
	if got := post("carl@example.com", member); got != 200 {
		t.Fatalf("%d", got)
	}
	if status, body := signUp(t, a, "carl@example.com", invited(t, a, "carl@example.com")); status != 201 {
		t.Errorf("%d %s", status, body)
	}
}
