package webauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// withPages is an application that shows OneAuth's own pages.
func withPages(s *settings) { pagesWith(func(*pages.Options) {})(s) }

// pagesWith is withPages with further options. It comes after what changes the configuration.
func pagesWith(change func(*pages.Options)) func(*settings) {
	return func(s *settings) {
		o := pages.Options{App: "Example", PasswordLength: 15, Fields: s.core.Fields}
		change(&o)
		set, err := pages.New(o)
		if err != nil {
			panic(err)
		}
		s.web.Pages = set
	}
}

// page opens a page as a browser does.
func (a *app) page(path string, cookies map[string]string) reply {
	return a.do(call{method: "GET", path: path, cookies: cookies, header: wantsPage})
}

// submit sends a form as a browser does.
func (a *app) submit(path string, cookies map[string]string, form url.Values) reply {
	header := http.Header{"Accept": {"text/html"}, "Origin": {baseURL}}
	return a.do(call{method: "POST", path: path, cookies: cookies, form: form, header: header})
}

func wantText(t *testing.T, r reply, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Body.String(), text) {
			t.Errorf("the page lacks %q: %.600s", text, r.Body)
		}
	}
}

// Every page opens, for browsers alone: a program is told where it is.
func TestPagesOpen(t *testing.T) {
	a := newApp(t, withPages)
	for path, text := range map[string]string{
		"/login": `action="/auth/login"`, "/signup": `action="/auth/signup"`, "/password/forgot": `action="/auth/password/forgot"`,
	} {
		r := a.page(path, nil).want(200)
		wantText(t, r, text, "<h1>")
		if csp := r.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if got := a.do(call{method: "GET", path: path}).want(200).json()["url"]; got != baseURL+"/auth"+path {
			t.Errorf("%s tells a program %v", path, got)
		}
	}
}

// Nothing that was typed is lost but passwords, and each fault is shown at its field.
func TestFormErrorsComeBackToTheirPage(t *testing.T) {
	a := newApp(t, withPages)
	r := a.submit("/signup", nil, url.Values{"email": {"not an address"}, "password": {"short-secret"}}).want(422)
	wantText(t, r, `value="not an address"`, `id="f-email-error"`, `id="f-password-error"`, `role="alert"`)
	if strings.Contains(r.Body.String(), "short-secret") {
		t.Error("the page repeats the password")
	}
	r = a.submit("/login", nil, url.Values{"identifier": {ann}, "password": {"wrong wrong wrong"}, "return_to": {"/app"}}).want(401)
	wantText(t, r, `value="`+ann+`"`, `value="/app"`, `role="alert"`)
	if r.Header().Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
	r = a.do(call{method: "POST", path: "/login", form: url.Values{"identifier": {ann}}, header: http.Header{
		"Accept": {"text/html"}, "Origin": {"https://evil.example"},
	}}).want(403)
	wantText(t, r, "<h1>")
}

// From sign-up to a changed account and out again, with forms alone.
func TestPagesTour(t *testing.T) {
	a := newApp(t, withPages)
	r := a.submit("/signup", nil, url.Values{"email": {ann}, "password": {goodPass}, "return_to": {"/app"}}).want(303)
	if r.Header().Get("Location") != "/app" {
		t.Errorf("sign-up leads to %q", r.Header().Get("Location"))
	}
	cookies := map[string]string{r.Result().Cookies()[0].Name: r.Result().Cookies()[0].Value}
	wantText(t, a.page("/account", cookies).want(200), ann, `action="/auth/account"`, `action="/auth/password/change"`)

	link := a.link(core.NoticeVerify)
	wantText(t, a.page("/verify?token="+link, nil).want(200), link, `action="/auth/verify"`)
	wantText(t, a.submit("/verify", nil, url.Values{"token": {link}}).want(200), "/auth/login")
	wantText(t, a.submit("/verify", nil, url.Values{"token": {link}}).want(400), "<h1>")

	back := "/auth/account?notice=profile_saved"
	if r := a.submit("/account", cookies, url.Values{"name": {"Ann"}, "return_to": {back}}).want(303); r.Header().Get("Location") != back {
		t.Errorf("the profile form leads to %q", r.Header().Get("Location"))
	}
	r = a.submit("/keys", cookies, url.Values{"name": {"ci"}, "scope.read": {"on"}, "expires_in": {""}}).want(200)
	wantText(t, r, "oak_")
	wantText(t, a.submit("/keys", cookies, url.Values{"name": {"none ticked"}}).want(422), "none ticked", `id="keys-scopes-error"`)
	a.submit("/identities", cookies, url.Values{"identifier": {work}, "return_to": {"/auth/account"}}).want(303)
	wantText(t, a.submit("/identities", cookies, url.Values{"identifier": {"a@@b"}}).want(422), "a@@b")
	wantText(t, a.submit("/password/change", cookies, url.Values{"current": {"wrong wrong wrong"}, "password": {newPass}}).want(422),
		`id="password-current-error"`)

	wantText(t, a.submit("/password/forgot", nil, url.Values{"identifier": {ann}}).want(200), "<h1>")
	reset := a.link(core.NoticeReset)
	wantText(t, a.page("/password/reset?token="+reset, nil).want(200), reset)
	wantText(t, a.submit("/password/reset", nil, url.Values{"token": {reset}, "password": {"short"}}).want(422), reset)
	wantText(t, a.submit("/password/reset", nil, url.Values{"token": {reset}, "password": {newPass}}).want(200), `action="/auth/login"`)
	wantText(t, a.page("/password/reset?token="+reset, nil).want(400), "/auth/password/forgot")

	in := a.submit("/login", nil, url.Values{"identifier": {ann}, "password": {newPass}}).want(303)
	cookies = map[string]string{in.Result().Cookies()[0].Name: in.Result().Cookies()[0].Value}
	wantText(t, a.submit("/logout", cookies, url.Values{}).want(200), "/auth/login")
	r = a.page("/account", cookies).want(303)
	if at := r.Header().Get("Location"); at != "/auth/login?notice=sign_in_first&return_to=%2Fauth%2Faccount" {
		t.Errorf("without a session the account page leads to %q", at)
	}
}

// A page of the application sends people to the login page and back; machines get 401.
func TestRequireSessionSendsPeopleToLogin(t *testing.T) {
	a := newApp(t, withPages)
	h := a.web.RequireSession(http.NotFoundHandler())
	for accept, want := range map[string]int{"text/html": 303, "application/json": 401} {
		r, w := httptest.NewRequest("GET", "/account?tab=1", nil), httptest.NewRecorder()
		r.Header.Set("Accept", accept)
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d", accept, w.Code)
		}
		if at := w.Header().Get("Location"); want == 303 && at != "/auth/login?notice=sign_in_first&return_to=%2Faccount%3Ftab%3D1" {
			t.Errorf("leads to %q", at)
		}
	}
}

// What a person leaves empty is absent at sign-up, and on the account page takes away what was there.
func TestFormsLeaveOptionalFieldsEmpty(t *testing.T) {
	a := newApp(t, func(s *settings) {
		s.core.Fields = append(s.core.Fields, core.Field{Name: "motto", Type: core.TextField, Required: true})
	}, withPages)
	empty := url.Values{"email": {ann}, "password": {goodPass}, "name": {""}, "data.city": {""}, "data.age": {""}, "data.news": {""}}
	r := a.submit("/signup", nil, empty).want(422)
	wantText(t, r, `id="f-data.motto-error"`)
	if strings.Contains(r.Body.String(), `id="f-data.age-error"`) || strings.Contains(r.Body.String(), `id="f-data.news-error"`) {
		t.Error("an optional field is asked for")
	}
	empty.Set("data.motto", "on")
	cookies := with(a.submit("/signup", nil, empty).want(303).signedIn())
	data := func() any {
		t.Helper()
		return at(a.do(call{method: "GET", path: "/session", cookies: cookies}).want(200).json(), "user", "data")
	}
	if got := data(); !reflect.DeepEqual(got, obj{"motto": "on"}) {
		t.Errorf("after sign-up %v", got)
	}
	full := url.Values{"data.city": {"Bonn"}, "data.age": {"33"}, "data.news": {"false"}, "data.motto": {"off"}}
	a.submit("/account", cookies, full).want(303)
	if got := data(); !reflect.DeepEqual(got, obj{"city": "Bonn", "age": 33.0, "news": false, "motto": "off"}) {
		t.Errorf("after a full form %v", got)
	}
	cleared := url.Values{"name": {""}, "data.city": {""}, "data.age": {""}, "data.news": {""}, "data.motto": {"off"}}
	a.submit("/account", cookies, cleared).want(303)
	if got := data(); !reflect.DeepEqual(got, obj{"motto": "off"}) {
		t.Errorf("after an empty form %v", got)
	}
	wantText(t, a.submit("/account", cookies, url.Values{"data.motto": {""}}).want(422), `id="profile-data.motto-error"`)
	if got := data(); !reflect.DeepEqual(got, obj{"motto": "off"}) {
		t.Errorf("a required field is gone: %v", got)
	}
}

// Without a page to return to, forms lead to the application's start page; no form leads where nothing can be opened.
func TestFormsLeadHome(t *testing.T) {
	for name, settings := range map[string]func(*settings){
		"pages":     pagesWith(func(o *pages.Options) { o.Home = "/home" }),
		"own pages": func(s *settings) { s.web.OwnPages = webauth.OwnPages{Home: "/home"} },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, settings)
			cookies := with(a.submit("/signup", nil, url.Values{"email": {ann}, "password": {goodPass}}).want(303).signedIn())
			for _, c := range []struct {
				returnTo, want string
			}{
				{"", "/home"}, {"//evil.example", "/home"}, {"/auth/logout", "/home"}, {"/auth/logout?x=1#y", "/home"},
				{"/auth/password/change", "/home"}, {"/", "/"}, {"/app", "/app"}, {"/logout", "/logout"},
				{"/auth/session#x", "/auth/session#x"},
			} {
				r := a.submit("/account", cookies, url.Values{"name": {"Ann"}, "return_to": {c.returnTo}}).want(303)
				if got := r.Header().Get("Location"); got != c.want {
					t.Errorf("return_to %q leads to %q", c.returnTo, got)
				}
			}
			r := a.submit("/login", nil, url.Values{"identifier": {ann}, "password": {goodPass}}).want(303)
			if got := r.Header().Get("Location"); got != "/home" {
				t.Errorf("signing in leads to %q", got)
			}
			changed := a.submit("/password/change", with(r.signedIn()), url.Values{"current": {goodPass}, "password": {newPass}}).want(303)
			if got := changed.Header().Get("Location"); got != "/home" {
				t.Errorf("changing the password leads to %q", got)
			}
		})
	}
}

// The account page adds what the pages ask for, and nothing else.
func TestAccountPageAddsConfiguredKinds(t *testing.T) {
	a := newApp(t, withPages)
	a.signUp("bob@example.com")
	value, id := a.verified(ann)
	add := func(a *app, typed string) reply {
		return a.submit("/identities", with(value), url.Values{"identifier": {typed}, "return_to": {"/auth/account"}})
	}
	for typed, says := range map[string]string{
		"nonsense": "It has no @ sign.", "+4930901820": "It has no @ sign.", "a@@b": "It has two @ signs.",
		ann: "It is yours already.", "bob@example.com": "Another account has this.",
	} {
		r := add(a, typed)
		if r.Code != 422 && r.Code != 409 {
			t.Errorf("%s: %d", typed, r.Code)
		}
		wantText(t, r, `id="identities-identifier-error"`, `value="`+strings.ReplaceAll(typed, "+", "&#43;")+`"`, says)
	}
	if _, all, err := a.auth.User(t.Context(), id); err != nil || len(all) != 1 {
		t.Errorf("%d identities, %v", len(all), err)
	}
	wantText(t, a.page("/account", with(value)), "notice=identity_added")

	several := newApp(t, pagesWith(func(o *pages.Options) {
		o.Identifiers = []identifier.Kind{identifier.Email, identifier.Username}
	}))
	value, id = several.verified(ann)
	wantText(t, several.page("/account", with(value)), "notice=either_added")
	add(several, "annie").want(303)
	add(several, "+4930901820").want(422)
	if _, all, err := several.auth.User(t.Context(), id); err != nil || len(all) != 2 || all[0].Kind == all[1].Kind {
		t.Errorf("%d identities, %v", len(all), err)
	}
}

// What must stay has no button that would fail, and who asks all the same reads why on the account page.
func TestAccountPageOffersWhatWorks(t *testing.T) {
	a := newApp(t, withPages)
	value, _ := a.verified(ann)
	a.submit("/identities", with(value), url.Values{"identifier": {work}}).want(303)
	removes := func(typed string) string {
		return `name="value" value="` + typed + `"><button class="button danger small">`
	}
	if r := a.page("/account", with(value)); strings.Contains(r.Body.String(), removes(ann)) {
		t.Error("the last verified address has a button that removes it")
	} else {
		wantText(t, r, removes(work))
	}
	german := http.Header{"Accept": {"text/html"}, "Origin": {baseURL}, "Accept-Language": {"de"}}
	for language, says := range map[string]string{"en": "It is the last way to sign in", "de": "letzte Möglichkeit, sich anzumelden"} {
		german.Set("Accept-Language", language)
		r := a.do(call{method: "POST", path: "/identities/remove", cookies: with(value), header: german, form: url.Values{
			"kind": {"email"}, "value": {ann},
		}}).want(403)
		wantText(t, r, says, `role="alert"`, `id="identities"`)
	}
	a.do(call{method: "POST", path: "/verify", json: obj{"token": a.link(core.NoticeVerify)}}).want(200)
	wantText(t, a.page("/account", with(value)), removes(ann), removes(work))
}
