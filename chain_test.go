package oneauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

// quick is an answer that allocates nothing.
var quick = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// chain is one route of an application, bare and behind the whole chain, and a request for it with an access token that
// was seen before.
func chain(t testing.TB) (bare, whole http.Handler, r *http.Request) {
	t.Helper()
	app := oneauthtest.New(t, oneauth.WithScopes("read"), oneauth.WithTrustedOrigins("https://spa.example"))
	in := app.Request(t, app, "POST", "/auth/api/signup", signUpBody(annMail))
	token := decode(t, in)["access_token"]
	bareMux, mux := http.NewServeMux(), http.NewServeMux()
	app.Mount(mux)
	bareMux.Handle("GET /api/notes", quick)
	mux.Handle("GET /api/notes", app.CORS(app.RequireScopes("read")(quick)))
	r = httptest.NewRequest("GET", "https://app.example/api/notes", nil)
	r.Header.Set("Authorization", fmt.Sprint("Bearer ", token))
	w := httptest.NewRecorder()
	if mux.ServeHTTP(w, r); w.Code != http.StatusNoContent {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return bareMux, mux, r
}

// unwritten is a response that nobody reads.
type unwritten struct{ header http.Header }

func (u unwritten) Header() http.Header         { return u.header }
func (u unwritten) Write(p []byte) (int, error) { return len(p), nil }
func (u unwritten) WriteHeader(int)             {}

// A request with an access token that is in use costs at most six allocations more than without OneAuth: CORS, scopes and
// all.
func TestAllocationsOfTheChain(t *testing.T) {
	bare, whole, r := chain(t)
	allocations := func(h http.Handler) float64 {
		w := unwritten{http.Header{}}
		return testing.AllocsPerRun(1000, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
	}
	if b, all := allocations(bare), allocations(whole); all > b+6 {
		t.Errorf("%.0f allocations, %.0f without OneAuth", all, b)
	} else {
		t.Logf("%.0f allocations, %.0f without OneAuth", all, b)
	}
}

func BenchmarkBearerChain(b *testing.B) {
	bare, whole, r := chain(b)
	for name, h := range map[string]http.Handler{"bare": bare, "whole": whole} {
		b.Run(name, func(b *testing.B) {
			w := unwritten{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// A remembered session is one of the options of New.
func TestWithSessionCache(t *testing.T) {
	app := oneauthtest.New(t, oneauth.WithSessionCache(10*time.Second))
	w := app.Request(t, app, "POST", "/auth/signup", signUpBody(annMail))
	cookie := func(r *http.Request) { r.AddCookie(w.Result().Cookies()[0]) }
	for _, h := range []http.Handler{app.RequireSession(quick), app.RequireAuth(quick), app.Optional(quick)} {
		if got := app.Request(t, h, "GET", "/", "", cookie); got.Code != http.StatusNoContent {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	}
	if got := app.Request(t, app, "POST", "/auth/logout", "", cookie, oneauthtest.Header("Sec-Fetch-Site", "same-origin")); got.Code != http.StatusNoContent {
		t.Fatalf("logout: %d %s", got.Code, got.Body)
	}
	for _, h := range []http.Handler{app.RequireSession(quick), app.RequireAuth(quick)} {
		if got := app.Request(t, h, "GET", "/", "", cookie); got.Code != http.StatusUnauthorized {
			t.Errorf("after logout: %d", got.Code)
		}
	}
}
