package oneauthtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Edit changes a request before it is sent.
type Edit func(*http.Request)

// Request sends a request to a handler and returns the answer. The path is below the base URL, or a whole URL such as
// that of Link. A body is JSON unless an edit says otherwise.
func (a *App) Request(t testing.TB, h http.Handler, method, path, body string, edits ...Edit) *httptest.ResponseRecorder {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = a.Core().Config().BaseURL + path
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, edit := range append(a.edits[:len(a.edits):len(a.edits)], edits...) {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Cookie sends a cookie, such as that of App.SignIn.
func Cookie(c *http.Cookie) Edit { return func(r *http.Request) { r.AddCookie(c) } }

// Bearer sends an access token or an API key.
func Bearer(token string) Edit { return Header("Authorization", "Bearer "+token) }

// Header sets a header.
func Header(name, value string) Edit { return func(r *http.Request) { r.Header.Set(name, value) } }

// Host sets the host that the request asks for, such as a tenant's.
func Host(host string) Edit { return func(r *http.Request) { r.Host = host } }

// Form says that the body is that of a form which a browser posts from a page of the application, and expects a page.
func Form() Edit {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Accept", "text/html")
	}
}
