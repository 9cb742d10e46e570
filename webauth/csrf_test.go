package webauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/webauth"
)

// Every endpoint that changes something refuses a foreign page, signed in or not.
func TestA28CrossOriginRequestsAreRefused(t *testing.T) {
	a := newApp(t, func(s *settings) { s.web.TrustedOrigins = []string{"https://www.example"} })
	value, _ := a.signUp(ann)
	link := a.link(core.NoticeVerify)
	for _, path := range changing {
		for name, h := range map[string]http.Header{
			"cross-site": header("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
			"same-site":  header("Sec-Fetch-Site", "same-site"),
			"origin":     header("Origin", "https://evil.example"),
			"null":       header("Origin", "null"),
			"http":       header("Origin", "http://app.example"),
			"suffix":     header("Origin", baseURL+".evil.example"),
			"two":        {"Origin": {baseURL, "https://evil.example"}},
			"forwarded":  header("Origin", "https://evil.example", "X-Forwarded-Host", "evil.example", "X-Http-Method-Override", "GET"),
		} {
			for _, cookies := range []map[string]string{nil, with(value)} {
				body := obj{
					"email": "b@example.com", "identifier": ann, "password": goodPass, "token": link, "name": "x", "scopes": "read",
					"current": goodPass,
				}
				r := a.do(call{method: path[0], path: path[1], json: body, header: h, cookies: cookies})
				if code, _ := r.problem(403); code != "csrf" {
					t.Errorf("%v %s: %s", path, name, code)
				}
				if len(r.Result().Cookies()) != 0 {
					t.Errorf("%v %s sets cookies", path, name)
				}
			}
		}
	}
	if !a.alive(value) {
		t.Error("a foreign page ended the session")
	}
	a.do(call{method: "POST", path: "/login", json: obj{"identifier": ann, "password": goodPass}, header: header("Origin", "https://www.example")}).want(200)
}

var changing = [][2]string{
	{"POST", "/signup"}, {"POST", "/login"}, {"POST", "/logout"}, {"POST", "/verify/request"}, {"POST", "/verify"},
	{"POST", "/password/forgot"}, {"POST", "/password/reset"}, {"POST", "/password/change"}, {"PATCH", "/account"},
	{"DELETE", "/sessions/x"}, {"POST", "/sessions/x/end"}, {"DELETE", "/sessions"}, {"POST", "/sessions/end-others"},
	{"POST", "/keys"}, {"DELETE", "/keys/x"}, {"POST", "/keys/x/revoke"},
}

func TestA28RequestsThatTellNoOrigin(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	form := url.Values{"identifier": {ann}}
	send := func(c call) reply {
		t.Helper()
		c.method, c.path = "POST", "/verify/request"
		return a.do(c)
	}
	send(call{form: form}).want(202) // no cookie, nothing to abuse
	send(call{form: form, cookies: with(value)}).wantProblem(403, "csrf", "")
	send(call{json: obj{}, cookies: with(value)}).want(202) // no foreign page can send JSON
	send(call{cookies: with(value), header: header("Content-Type", "text/plain")}).wantProblem(403, "csrf", "")
	send(call{form: form, cookies: map[string]string{cookie + "-attempt": "x"}}).wantProblem(403, "csrf", "")

	page := httptest.NewRequest("GET", "/", nil)
	page.AddCookie(&http.Cookie{Name: cookie, Value: value})
	one, two := a.web.FormToken(page), a.web.FormToken(page)
	if one == two || one == "" {
		t.Errorf("form tokens %q and %q", one, two)
	}
	for _, good := range []string{one, two} {
		form.Set(webauth.FormTokenField, good)
		send(call{form: form, cookies: with(value)}).want(202)
	}
	other, _ := a.signUp("bob@example.com")
	for name, c := range map[string]call{
		"another session": {form: form, cookies: with(other)},
		"changed":         {form: url.Values{webauth.FormTokenField: {one[:10] + "x" + one[11:]}}, cookies: with(value)},
		"truncated":       {form: url.Values{webauth.FormTokenField: {one[:43]}}, cookies: with(value)},
		"empty":           {form: url.Values{webauth.FormTokenField: {""}}, cookies: with(value)},
	} {
		r := send(c)
		if code, _ := r.problem(403); code != "csrf" {
			t.Errorf("%s: %s", name, code)
		}
	}
	if a.web.FormToken(httptest.NewRequest("GET", "/", nil)) != "" {
		t.Error("a form token without a cookie to bind it to")
	}
	page.AddCookie(&http.Cookie{Name: cookie, Value: other})
	if a.web.FormToken(page) != "" {
		t.Error("a form token for a browser with a planted cookie")
	}
	page = httptest.NewRequest("GET", "/", nil)
	page.AddCookie(&http.Cookie{Name: cookie + "-attempt", Value: "half"})
	form.Set(webauth.FormTokenField, a.web.FormToken(page))
	send(call{form: form, cookies: map[string]string{cookie + "-attempt": "half"}}).want(202)
}

// The page behind a mailed link works in a browser that tells no origin.
func TestLinkPageCarriesTheFormToken(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	link := a.link(core.NoticeVerify)
	page := a.do(call{method: "GET", path: "/verify?token=" + link, header: wantsPage, cookies: with(value)}).want(200).Body.String()
	_, rest, found := strings.Cut(page, `name="form_token" value="`)
	if !found {
		t.Fatal(page)
	}
	formToken, _, _ := strings.Cut(rest, `"`)
	form := url.Values{"token": {link}, "form_token": {formToken}}
	a.do(call{method: "POST", path: "/verify", form: form, cookies: with(value)}).want(200)
}

// The application's own routes get the same check.
func TestCSRFMiddleware(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	h := a.web.CSRF(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(r.PostFormValue("note")))
	}))
	foreign := header("Origin", "https://evil.example")
	page := httptest.NewRequest("GET", "/", nil)
	page.AddCookie(&http.Cookie{Name: cookie, Value: value})
	for name, c := range map[string]struct {
		header http.Header
		cookie bool
		token  string
		want   int
	}{
		"foreign":                   {foreign, false, "", 403},
		"foreign with cookie":       {foreign, true, "", 403},
		"own":                       {header("Origin", baseURL), true, "", 200},
		"no origin":                 {nil, true, "", 403},
		"no origin, form token":     {nil, true, a.web.FormToken(page), 200},
		"bearer":                    {plus(foreign, "Authorization", "Bearer x"), false, "", 200},
		"key":                       {plus(foreign, "X-API-Key", "x"), false, "", 200},
		"bearer and cookie":         {plus(foreign, "Authorization", "Bearer x"), true, "", 403},
		"basic, which browsers add": {plus(foreign, "Authorization", "Basic YTpi"), false, "", 403},
	} {
		r := httptest.NewRequest("POST", "/notes", strings.NewReader(url.Values{"note": {"hi"}, "form_token": {c.token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, v := range c.header {
			r.Header[k] = v
		}
		if c.cookie {
			r.AddCookie(&http.Cookie{Name: cookie, Value: value})
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || w.Code == 200 && w.Body.String() != "hi" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("GET", "/notes", nil)
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("GET: %d", w.Code)
	}
}
