package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// A person without a session is sent to the application's login page, and from there back; a failed form comes back with
// what was typed.
func TestOwnPages(t *testing.T) {
	server := oneauthtest.Serve(t, app, options()...)
	browser := person{t, server.URL, server.Browser(t)}

	w, _ := browser.send("GET", "/?page=2", nil)
	if where := w.Header.Get("Location"); w.StatusCode != 303 || where != "/login?notice=sign_in_first&return_to=%2F%3Fpage%3D2" {
		t.Fatalf("without a session: %d to %q", w.StatusCode, where)
	}
	w, body := browser.send("GET", w.Header.Get("Location"), nil)
	if w.StatusCode != 200 || !strings.Contains(body, `name="return_to" value="/?page=2"`) || w.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the login page: %d %s", w.StatusCode, body)
	}

	w, body = browser.send("POST", "/auth/signup", url.Values{"email": {ann}, "password": {"short"}, "return_to": {"/"}})
	if w.StatusCode != 422 || !strings.Contains(body, `value="`+ann+`"`) || !strings.Contains(body, `role="alert"`) ||
		!strings.Contains(body, `action="/auth/signup"`) || !strings.Contains(body, "aria-invalid") || strings.Contains(body, "short\"") {
		t.Errorf("a weak password: %d %s", w.StatusCode, body)
	}
	w, _ = browser.send("POST", "/auth/signup", url.Values{"email": {ann}, "password": {oneauthtest.Password}, "return_to": {"/?page=2"}})
	if w.StatusCode != 303 || w.Header.Get("Location") != "/?page=2" {
		t.Errorf("sign-up: %d to %q", w.StatusCode, w.Header.Get("Location"))
	}
	if w, body = browser.send("GET", "/?page=2", nil); w.StatusCode != 200 || !strings.Contains(body, server.User(t, ann).ID) {
		t.Errorf("signed up: %d %s", w.StatusCode, body)
	}
	_, token, _ := strings.Cut(body, `name="form_token" value="`)
	token, _, _ = strings.Cut(token, `"`)
	if w, _ = browser.send("POST", "/auth/logout", url.Values{"form_token": {token}, "return_to": {"/login"}}); w.Header.Get("Location") != "/login" {
		t.Errorf("sign-out: %d", w.StatusCode)
	}

	w, body = browser.send("POST", "/auth/login", url.Values{"identifier": {ann}, "password": {"wrong"}, "return_to": {"/"}})
	if w.StatusCode != 401 || !strings.Contains(body, `value="`+ann+`"`) || !strings.Contains(body, "Wrong identifier or password") {
		t.Errorf("a wrong password: %d %s", w.StatusCode, body)
	}
	w, _ = browser.send("POST", "/auth/login", url.Values{"identifier": {ann}, "password": {oneauthtest.Password}, "return_to": {"//evil.example"}})
	if w.StatusCode != 303 || w.Header.Get("Location") != "/" {
		t.Errorf("sign-in: %d to %q", w.StatusCode, w.Header.Get("Location"))
	}
}

// In a browser that tells no origin a form needs its token once there is a session.
func TestFormToken(t *testing.T) {
	server := oneauthtest.Serve(t, app, options()...)
	h, cookie := app(server.Auth), oneauthtest.Cookie(server.SignIn(t, ann))
	home := server.Request(t, h, "GET", "/", "", cookie).Body.String()
	_, token, _ := strings.Cut(home, `name="form_token" value="`)
	token, _, _ = strings.Cut(token, `"`)
	for _, c := range []struct {
		name, token string
		want        int
	}{{"without", "", 403}, {"forged", token[1:] + "A", 403}, {"with", token, 303}} {
		form := url.Values{"form_token": {c.token}, "return_to": {"/login"}}.Encode()
		w := server.Request(t, h, "POST", "/auth/logout", form, oneauthtest.Form(), cookie, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") })
		if w.Code != c.want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && w.Code != 303 {
			t.Errorf("%s the token: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// person is somebody with a browser.
type person struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (p person) send(method, path string, form url.Values) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.url)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, string(body)
}
