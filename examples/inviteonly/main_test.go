package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/oneauthtest"
)

func newApp(t *testing.T) *oneauthtest.App {
	t.Helper()
	a := oneauthtest.New(t, options()...)
	if err := invite(t.Context(), a.Auth, "welcome-ann"); err != nil {
		t.Fatal(err)
	}
	return a
}

func signUp(t *testing.T, a *oneauthtest.App, path, email, password, code string) (int, string) {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q,"data":{"invitation":%q}}`, email, password, code)
	w := a.Request(t, app(a.Auth), "POST", path, body)
	return w.Code, w.Body.String()
}

// Without a good invitation there is no account, in a browser or through the API; with one there is, once.
func TestInvitation(t *testing.T) {
	a := newApp(t)
	for _, path := range []string{"/auth/signup", "/auth/api/signup"} {
		for _, code := range []string{"", "guessed"} {
			status, body := signUp(t, a, path, "eve@example.com", oneauthtest.Password, code)
			if status != 403 || !strings.Contains(body, "signup_refused") || !strings.Contains(body, `"field":"data.invitation"`) {
				t.Errorf("%s with %q: %d %s", path, code, status, body)
			}
		}
	}
	if status, body := signUp(t, a, "/auth/signup", "ann@example.com", "short", "welcome-ann"); status != 422 {
		t.Errorf("a weak password: %d %s", status, body)
	}
	if status, body := signUp(t, a, "/auth/signup", "ann@example.com", oneauthtest.Password, "welcome-ann"); status != 201 {
		t.Errorf("after a mistake the invitation should still be good: %d %s", status, body)
	}
	if status, body := signUp(t, a, "/auth/signup", "eve@example.com", oneauthtest.Password, "welcome-ann"); status != 403 {
		t.Errorf("used twice: %d %s", status, body)
	}
}

// Of many who use one invitation at once, one gets in.
func TestInvitationIsUsedOnce(t *testing.T) {
	a := newApp(t)
	var wait sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for i := range 16 {
		wait.Go(func() {
			status, _ := signUp(t, a, "/auth/signup", fmt.Sprintf("user%d@example.com", i), oneauthtest.Password, "welcome-ann")
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	wait.Wait()
	if answers[201] != 1 || answers[403] != 15 {
		t.Errorf("answers by status: %v", answers)
	}
}
