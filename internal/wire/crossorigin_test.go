package wire_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

const cookie = "__Host-oneauth"

func newCheck(t *testing.T) *wire.CrossOrigin {
	t.Helper()
	base, err := url.Parse("https://App.example:443/base")
	if err != nil {
		t.Fatal(err)
	}
	check, err := wire.NewCrossOrigin(base, []string{"https://admin.example", "http://localhost:3000/"})
	if err != nil {
		t.Fatal(err)
	}
	return check
}

// Attack A28, for requests with and without a cookie: login and sign-up are guarded before there is one.
func TestCrossOriginByHeaders(t *testing.T) {
	check := newCheck(t)
	for _, tt := range []struct {
		site, origin string
		pass         bool
	}{
		{"same-origin", "", true},
		{"same-origin", "https://app.example", true},
		{"none", "", true},
		{"cross-site", "https://evil.example", false},
		{"cross-site", "", false},
		{"cross-site", "null", false},
		{"cross-site", "https://app.example", false},
		{"cross-site", "https://admin.example", true},
		{"same-site", "https://evil.app.example", false},
		{"same-site", "https://admin.example", true},
		{"Same-Origin", "", false},
		{"garbage", "https://admin.example", false},
		{"", "https://app.example", true},
		{"", "https://admin.example", true},
		{"", "http://localhost:3000", true},
		{"", "http://app.example", false},
		{"", "https://app.example:444", false},
		{"", "https://app.example.evil.example", false},
		{"", "https://evilapp.example", false},
		{"", "https://sub.app.example", false},
		{"", "https://APP.example", false},
		{"", "https://app.example/", false},
		{"", "http://localhost:3001", false},
		{"", "null", false},
	} {
		for _, withCookie := range []bool{false, true} {
			for _, contentType := range []string{asJSON, asForm, "text/plain"} {
				r := post(contentType, "{}")
				r.Host = "evil.example" // what the client says about the host decides nothing
				if tt.site != "" {
					r.Header.Set("Sec-Fetch-Site", tt.site)
				}
				if tt.origin != "" {
					r.Header.Set("Origin", tt.origin)
				}
				if withCookie {
					r.AddCookie(&http.Cookie{Name: cookie, Value: "x"})
				}
				if err := check.Check(r, cookie); (err == nil) != tt.pass {
					t.Errorf("site %q, origin %q, cookie %v, %s: %v", tt.site, tt.origin, withCookie, contentType, err)
				} else if err != nil {
					wantError(t, err, core.CodeCSRF, "", "refusal")
				}
			}
		}
	}
}

func TestCrossOriginRefusesDoubledHeaders(t *testing.T) {
	for _, header := range [][2]string{{"Origin", "https://app.example"}, {"Sec-Fetch-Site", "same-origin"}} {
		r := post(asJSON, "{}")
		r.Header.Add(header[0], header[1])
		r.Header.Add(header[0], header[1])
		wantError(t, newCheck(t).Check(r, cookie), core.CodeCSRF, "", "two of "+header[0])
	}
	r := post(asJSON, "{}")
	r.Header["Origin"] = []string{""}
	wantError(t, newCheck(t).Check(r, cookie), core.CodeCSRF, "", "an empty origin")
}

// A browser too old to tell the origin can still be used, with JSON or our form token.
func TestCrossOriginWithoutHeaders(t *testing.T) {
	check := newCheck(t)
	for _, tt := range []struct {
		contentType, cookie string
		pass                bool
	}{
		{asForm, "", true}, // no cookie: nothing to ride on
		{asForm, "other", true},
		{asForm, cookie, false},
		{"", cookie, false},
		{"text/plain", cookie, false},
		{"text/plain; a=application/json", cookie, false},
		{"application/jsonx", cookie, false},
		{asJSON, cookie, true},
		{"Application/JSON; charset=utf-8", cookie, true},
		{asForm, cookie + "-attempt", false},
	} {
		r := post(tt.contentType, "{}")
		if tt.cookie != "" {
			r.AddCookie(&http.Cookie{Name: tt.cookie, Value: "x"})
		}
		if err := check.Check(r, cookie); (err == nil) != tt.pass {
			t.Errorf("%q, cookie %q: %v", tt.contentType, tt.cookie, err)
		}
	}
	check.FormToken = func(r *http.Request) bool {
		token, err := wire.FormValue(r, "csrf_token")
		return err == nil && token == "good"
	}
	for body, pass := range map[string]bool{"csrf_token=good": true, "csrf_token=bad": false, "": false} {
		r := post(asForm, body)
		r.AddCookie(&http.Cookie{Name: cookie, Value: "x"})
		if err := check.Check(r, cookie); (err == nil) != pass {
			t.Errorf("form %q: %v", body, err)
		}
	}
}

func TestCrossOriginMethods(t *testing.T) {
	check := newCheck(t)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "PURGE"} {
		r := httptest.NewRequest(method, "/", strings.NewReader("_method=GET"))
		r.Header.Set("Content-Type", asForm)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("X-HTTP-Method-Override", "GET")
		r.Header.Set("X-HTTP-Method", "GET")
		r.Header.Set("X-Method-Override", "GET")
		safe := method == "GET" || method == "HEAD" || method == "OPTIONS"
		if err := check.Check(r, cookie); (err == nil) != safe {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestNewCrossOriginValidates(t *testing.T) {
	good := &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}
	for _, trusted := range []string{
		"", "null", "*", "https://*.example", "app.example", "https://", "ftp://a.example", "https://a.example/path", "https://a.example?x", "https://a.example#x",
		"https://u@a.example", "https:a.example", "https://é.example", "https://a b",
	} {
		if _, err := wire.NewCrossOrigin(good, []string{trusted}); err == nil {
			t.Errorf("%q is a trusted origin", trusted)
		}
	}
	for _, base := range []*url.URL{nil, {}, {Scheme: "ftp", Host: "a"}, {Scheme: "https"}, {Host: "a"}} {
		if _, err := wire.NewCrossOrigin(base, nil); err == nil {
			t.Errorf("%v is a base URL", base)
		}
	}
	check, err := wire.NewCrossOrigin(&url.URL{Scheme: "http", Host: "[::1]:80"}, nil)
	if err != nil || !check.Trusted("http://[::1]") || check.Trusted("https://[::1]") {
		t.Errorf("the origin of http://[::1]:80 is not http://[::1]: %v", err)
	}
}
