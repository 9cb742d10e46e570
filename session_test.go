package oneauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

// An application with a way in of its own, and a form of its own, uses the session and the protection of OneAuth.
func TestApplicationsOwnWayInAndForms(t *testing.T) {
	auth := newAuth(t, oneauth.WithoutNotice(core.NoticeNewSignIn))
	u, _, err := auth.Users().Ensure(t.Context(), core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: annMail, Verified: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.HandleFunc("GET /sso", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.StartSession(w, r, r.URL.Query().Get("user")); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	posted := 0
	mux.Handle("/form", auth.CSRF(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posted++
		}
		_, _ = w.Write([]byte(auth.FormToken(r)))
	})))

	if r := send(mux, "GET", "/sso?user=usr_nobody", ""); r.Code != 403 || len(r.Result().Cookies()) != 0 {
		t.Fatalf("nobody: %d", r.Code)
	}
	first := send(mux, "GET", "/sso?user="+u.ID, "").Result().Cookies()
	if len(first) != 1 || !first[0].Secure || !first[0].HttpOnly {
		t.Fatalf("cookies: %v", first)
	}
	brings := func(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }
	second := send(mux, "GET", "/sso?user="+u.ID, "", brings(first[0])).Result().Cookies()[0]
	for c, want := range map[*http.Cookie]int{first[0]: 401, second: 200} {
		if r := send(mux, "GET", "/auth/session", "", brings(c)); r.Code != want {
			t.Errorf("GET /session: %d, want %d", r.Code, want)
		}
	}

	token := send(mux, "GET", "/form", "", brings(second)).Body.String()
	for name, c := range map[string]struct {
		token, site string
		posted      int
	}{
		"with its token": {token, "", 1}, "without": {"", "", 0}, "with another": {strings.Repeat("A", len(token)), "", 0},
		"from a foreign page": {token, "cross-site", 0}, "from our own": {"", "same-origin", 1},
	} {
		posted = 0
		r := send(mux, "POST", "/form", url.Values{oneauth.FormTokenField: {c.token}}.Encode(), brings(second), func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
		})
		if posted != c.posted || (r.Code == 403) != (c.posted == 0) {
			t.Errorf("%s: %d", name, r.Code)
		}
	}
}
