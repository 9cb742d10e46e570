package webauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// whoami is an application's handler.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if p := core.PrincipalOf(r.Context()); p != nil {
		fmt.Fprint(w, p.Subject, " ", p.Via, " ", p.HasScope("read"), " ", p.Tenant)
		return
	}
	fmt.Fprint(w, "nobody")
})

func serve(h http.Handler, method string, header http.Header, values ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/app", nil)
	for k, v := range header {
		r.Header[k] = v
	}
	for _, v := range values {
		r.AddCookie(&http.Cookie{Name: cookie, Value: v})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRequireSession(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	h := a.web.RequireSession(whoami)
	if w := serve(h, "GET", nil, value); w.Code != 200 || w.Body.String() != id+" session true default" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"nobody": serve(h, "GET", nil), "dead cookie": serve(h, "GET", nil, "dead"), "two": serve(h, "GET", nil, value, value),
		"access token": serve(h, "GET", token(a.apiSession(ann))),
	} {
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Vary") != "Cookie" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	if w := serve(h, "GET", header("Authorization", "Bearer x"), value); w.Code != 400 {
		t.Errorf("two credentials: %d", w.Code)
	}
	if w := serve(h, "POST", header("Origin", "https://evil.example"), value); w.Code != 403 {
		t.Errorf("foreign POST: %d", w.Code)
	}
	if w := serve(h, "POST", header("Origin", baseURL), value); w.Code != 200 {
		t.Errorf("own POST: %d", w.Code)
	}
}

func TestOptional(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	h := a.web.Optional(whoami)
	if w := serve(h, "GET", nil, value); w.Body.String() != id+" session true default" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"nobody": serve(h, "GET", nil), "dead cookie": serve(h, "GET", nil, "dead"), "two": serve(h, "GET", nil, value, "x"),
	} {
		if w.Code != 200 || w.Body.String() != "nobody" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := serve(h, "GET", header("X-API-Key", "x"), value); w.Code != 400 {
		t.Errorf("two credentials: %d", w.Code)
	}
	if w := serve(h, "POST", header("Sec-Fetch-Site", "cross-site"), value); w.Code != 403 {
		t.Errorf("foreign POST: %d", w.Code)
	}
}

// A store that fails is never "nobody is signed in".
func TestMiddlewareFailsClosed(t *testing.T) {
	var f *storetest.Faults
	a := newAppOn(t, func() record.Backend { f = storetest.Faulty(mem.New()); return f }())
	value, _ := a.signUp(ann)
	f.FailAll(storetest.Fail)
	for name, h := range map[string]http.Handler{"RequireSession": a.web.RequireSession(whoami), "Optional": a.web.Optional(whoami)} {
		if w := serve(h, "GET", nil, value); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	f.Clear()
}

func TestMiddlewareAsksForTheTenant(t *testing.T) {
	a := newApp(t, multiTenant)
	for name, h := range map[string]http.Handler{"RequireSession": a.web.RequireSession(whoami), "Optional": a.web.Optional(whoami)} {
		if w := serve(h, "GET", nil); w.Code != 404 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// multiTenant takes the tenant from a header, as an application may from its host name.
func multiTenant(s *settings) {
	s.core.MultiTenant = true
	s.web.Entry.Tenant = func(r *http.Request) (string, error) {
		if tenant := r.Header.Get("X-Tenant"); tenant != "" {
			return tenant, nil
		}
		return "", errors.New("no such tenant")
	}
}
