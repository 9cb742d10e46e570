package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/webauth/pages"
)

func BenchmarkLoginPage(b *testing.B) {
	set := newSet(b, everything())
	r := httptest.NewRequest(http.MethodGet, "/auth/login", nil)
	r.Header.Set("Accept-Language", "de-DE,de;q=0.9,en;q=0.8")
	p := pages.Login{Form: pages.Form{Token: strings.Repeat("x", 86), ReturnTo: "/app"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := set.Render(httptest.NewRecorder(), r, http.StatusOK, p); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoginPageIsSmall(t *testing.T) {
	set := newSet(t, pages.Options{App: "Analytical Engines", PasswordLength: 15})
	body := render(t, set, "de", pages.Login{Form: pages.Form{Token: strings.Repeat("x", 86), ReturnTo: "/app"}}).Body.Len()
	_, h := set.Stylesheet()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	t.Logf("login page: %d bytes of HTML, %d of CSS, uncompressed", body, w.Body.Len())
	if total := body + w.Body.Len(); total > 15_000 {
		t.Errorf("the login page has %d bytes with its stylesheet, at most 15,000", total)
	}
}
