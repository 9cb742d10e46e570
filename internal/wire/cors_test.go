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

// newRouter serves /things, a list that fails to POST, and /keys, which is public; admin.example is trusted.
func newRouter(t *testing.T) http.Handler {
	t.Helper()
	fine := func(w http.ResponseWriter, _ *http.Request) error { wire.WriteJSON(w, 200, "fine"); return nil }
	rt := wire.NewRouter("/auth", &wire.Entry{}, wire.ErrorWriter{}, []wire.Route{
		{Method: "GET", Path: "/things", Handle: fine},
		{Method: "POST", Path: "/things", Handle: func(http.ResponseWriter, *http.Request) error { return core.ErrUnauthenticated }},
		{Method: "GET", Path: "/keys", Public: true, Handle: fine},
	})
	rt.AllowOrigins(newCheck(t))
	return rt
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A preflight request of a trusted origin is told what the path takes.
func TestPreflight(t *testing.T) {
	w := ask(newRouter(t), "OPTIONS", "/auth/things",
		"Origin", "https://admin.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for header, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://admin.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST",
		"Access-Control-Allow-Headers":     "Content-Type, Authorization, X-API-Key",
		"Access-Control-Max-Age":           "7200",
		"Access-Control-Expose-Headers":    "",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %q, not %q", header, got, want)
		}
	}
	if !strings.Contains(strings.Join(w.Header()["Vary"], ", "), "Origin") {
		t.Errorf("Vary: %q", w.Header()["Vary"])
	}
	for name, headers := range map[string][]string{
		"not asking for another request": {"Origin", "https://admin.example"},
		"of nobody":                      {"Access-Control-Request-Method", "POST"},
	} {
		if w := ask(newRouter(t), "OPTIONS", "/auth/things", headers...); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	unknown := ask(newRouter(t), "OPTIONS", "/auth/nowhere", "Origin", "https://admin.example", "Access-Control-Request-Method", "GET")
	if unknown.Code != 404 {
		t.Errorf("of an unknown path: %d", unknown.Code)
	}
}

// What is answered to a trusted origin can be read there, errors included; every other origin gets nothing.
func TestCORSOrigins(t *testing.T) {
	for origin, trusted := range map[string]bool{
		"https://admin.example":              true,
		"http://localhost:3000":              true,
		"https://admin.example:444":          false,
		"http://admin.example":               false,
		"https://ADMIN.example":              false,
		"https://admin.example.evil.example": false,
		"https://evil.example":               false,
		"https://admin.example, https://b":   false,
		"null":                               false,
		"*":                                  false,
		"":                                   false,
	} {
		want := ""
		if trusted {
			want = origin
		}
		for _, method := range []string{"GET", "POST", "OPTIONS", "DELETE"} {
			w := ask(newRouter(t), method, "/auth/things", "Origin", origin, "Access-Control-Request-Method", "POST")
			got := w.Header()["Access-Control-Allow-Origin"]
			if strings.Join(got, "|") != want || (w.Header().Get("Access-Control-Allow-Credentials") == "true") != trusted {
				t.Errorf("%s from %q: %d %v", method, origin, w.Code, w.Header())
			}
		}
	}
	w := ask(newRouter(t), "POST", "/auth/things", "Origin", "https://admin.example")
	if w.Code != 401 || w.Header().Get("Access-Control-Expose-Headers") != "WWW-Authenticate, Retry-After" {
		t.Errorf("an error: %d %v", w.Code, w.Header())
	}
	two := ask(newRouter(t), "GET", "/auth/things", "Origin", "https://admin.example", "Origin", "https://evil.example")
	if two.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("two origins: %v", two.Header())
	}
}

// Public documents can be read by everybody, but not with somebody's cookies.
func TestCORSPublic(t *testing.T) {
	w := ask(newRouter(t), "GET", "/auth/keys", "Origin", "https://evil.example")
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a foreign origin: %v", w.Header())
	}
	w = ask(newRouter(t), "GET", "/auth/keys", "Origin", "https://admin.example")
	if w.Header().Get("Access-Control-Allow-Origin") != "https://admin.example" {
		t.Errorf("a trusted one: %v", w.Header())
	}
}

// The application's own routes: preflight requests end here, and nothing else does.
func TestCORSAround(t *testing.T) {
	h := newCheck(t).CORS(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	preflight := []string{"Origin", "https://admin.example", "Access-Control-Request-Method", "PUT"}
	for asked, want := range map[string]string{
		"":                                 "Content-Type, Authorization, X-API-Key",
		"content-type,idempotency-key":     "content-type,idempotency-key",
		"x\r\nSet-Cookie: a=b":             "Content-Type, Authorization, X-API-Key",
		strings.Repeat("x-very-long,", 99): "Content-Type, Authorization, X-API-Key",
	} {
		w := ask(h, "OPTIONS", "/", append(preflight, "Access-Control-Request-Headers", asked)...)
		if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != want ||
			!strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "PUT") {
			t.Errorf("asked for %q: %d %v", asked, w.Code, w.Header())
		}
	}
	if w := ask(h, "OPTIONS", "/", "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"); w.Code != http.StatusTeapot ||
		w.Header().Get("Access-Control-Allow-Methods") != "" || w.Header().Get("Vary") != "Origin" {
		t.Errorf("a foreign preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(h, "PUT", "/", "Origin", "https://admin.example"); w.Code != http.StatusTeapot ||
		w.Header().Get("Access-Control-Allow-Origin") != "https://admin.example" {
		t.Errorf("a request: %d %v", w.Code, w.Header())
	}
}

// Where no origin is trusted there is no CORS, and caches are told nothing of origins.
func TestCORSOff(t *testing.T) {
	base, err := url.Parse("https://app.example")
	if err != nil {
		t.Fatal(err)
	}
	check, err := wire.NewCrossOrigin(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := ask(check.CORS(http.NotFoundHandler()), "OPTIONS", "/", "Origin", "https://app.example", "Access-Control-Request-Method", "PUT")
	if w.Code != 404 || len(w.Header()["Vary"]) != 0 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
