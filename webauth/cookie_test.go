package webauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/webauth"
)

func TestCookieAttributes(t *testing.T) {
	a := newApp(t)
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}}).want(201)
	line := r.Header().Get("Set-Cookie")
	_, attributes, _ := strings.Cut(line, "; ")
	if attributes != "Path=/; HttpOnly; Secure; SameSite=Lax" || !strings.HasPrefix(line, "__Host-oneauth=ses_") {
		t.Errorf("Set-Cookie: %s", line)
	}
	if strings.Contains(r.Body.String(), r.signedIn()) {
		t.Error("the cookie's value is in the body")
	}
}

// On plain-http loopback the cookie's name has the port in it, since cookies do not tell ports apart.
func TestDevelopmentCookie(t *testing.T) {
	for base, name := range map[string]string{
		"http://127.0.0.1:8080": "oneauth_dev_8080", "http://localhost": "oneauth_dev_80",
		"http://[::1]:3000": "oneauth_dev_3000", "http://app.localhost:9": "oneauth_dev_9",
		"https://app.example:8443": "__Host-oneauth",
	} {
		a := newApp(t, func(s *settings) { s.core.BaseURL = base })
		r := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}}).want(201)
		c := r.cookie(name)
		if c == nil {
			t.Fatalf("%s: %v", base, r.Result().Cookies())
		}
		if c.Secure != strings.HasPrefix(base, "https:") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v", base, c)
		}
		a.do(call{method: "GET", path: "/session", cookies: map[string]string{name: c.Value}}).want(200)
	}
}

func TestOwnCookieName(t *testing.T) {
	a := newApp(t, func(s *settings) { s.web.CookieName = "__Secure-shop" })
	r := a.do(call{method: "POST", path: "/signup", json: obj{"email": ann, "password": goodPass}}).want(201)
	value := r.cookie("__Secure-shop").Value
	a.do(call{method: "GET", path: "/session", cookies: map[string]string{"__Secure-shop": value}}).want(200)
	a.do(call{method: "GET", path: "/session", cookies: with(value)}).want(401)
}

func TestHasCookie(t *testing.T) {
	a := newApp(t)
	for line, want := range map[string]bool{
		"":                                    false,
		"__Host-oneauth=":                     false,
		"__Host-oneauth":                      false,
		"__Host-oneauth=x":                    true,
		"a=b;__Host-oneauth=x":                true,
		"a=b;  __Host-oneauth=x ; c=d":        true,
		"__Host-oneauth-attempt=x":            false,
		"__host-oneauth=x":                    false,
		"a=__Host-oneauth=x":                  false,
		`a="; __Host-oneauth=x"`:              true,
		"__Host-oneauth=" + long:              true,
		"__Host-oneauth=; __Host-oneauth=x":   true,
		strings.Repeat("a=b; ", 9000) + "c=d": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{line}
		if got := a.web.HasCookie(r); got != want {
			t.Errorf("%.60s: %v", line, got)
		}
	}
}

var long = strings.Repeat("x", 5000)

// What is not exactly what the server set is nobody's, and costs no look at the store.
func TestBadCookieValues(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	id, secret, _ := strings.Cut(value, ".")
	for name, bad := range map[string]string{
		"truncated": value[:len(value)-1], "padded": value + "=", "longer": value + "A", "upper case": strings.ToUpper(value),
		"quoted": `"` + value + `"`, "id alone": id, "no secret": id + ".", "secret alone": "." + secret, "spaced": value + "%20",
		"another secret": id + "." + strings.Repeat("A", 43), "huge": long, "other bits": value[:len(value)-1] + flip(value),
	} {
		if a.alive(bad) {
			t.Errorf("%s: %.80s is a session", name, bad)
		}
	}
	if !a.alive(value) {
		t.Error("the session itself is gone")
	}
}

// flip returns another last character of base64 that a lax decoder takes for the same.
func flip(value string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, value[len(value)-1])
	return string(alphabet[i^1])
}

func FuzzCookie(f *testing.F) {
	a := newApp(f)
	value, _ := a.signUp(ann)
	for _, seed := range []string{
		"__Host-oneauth=" + value, "__Host-oneauth=" + value + "; __Host-oneauth=x", "a=b;__Host-oneauth=x", "=;=;",
		"__Host-oneauth", `__Host-oneauth="` + value + `"`, "__Host-oneauth=" + value + "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{line}
		p, err := a.web.Authenticate(t.Context(), r)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v %v", p, err)
		}
		if p == nil {
			return
		}
		// Whoever is signed in is so by exactly the one cookie that net/http reads, too.
		theirs := r.CookiesNamed("__Host-oneauth")
		if !a.web.HasCookie(r) || strings.Count(line, value) != 1 || len(theirs) < 1 || theirs[0].Value != value && len(theirs) == 1 {
			t.Fatalf("%q signs in; net/http reads %v", line, theirs)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := webauth.New(nil, webauth.Options{}); err == nil {
		t.Error("New without core")
	}
	for base, o := range map[string]webauth.Options{
		"http://app.example":    {},
		"http://192.0.2.1:8080": {CookieName: "x"},
		"https://app.example":   {CookieName: "a b"},
		"https://b.example":     {TrustedOrigins: []string{"https://c.example/path"}},
		"https://c.example":     {TrustedOrigins: []string{"*"}},
		"http://localhost":      {CookieName: "__Host-x"},
	} {
		if _, err := webauth.New(newCore(t, base), o); err == nil || !strings.HasPrefix(err.Error(), "webauth: ") {
			t.Errorf("%s %+v: %v", base, o, err)
		}
	}
	if _, err := webauth.New(newCore(t, "http://localhost:1"), webauth.Options{}); err != nil {
		t.Error(err)
	}
}
