package oauth_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// silentAt passes requests to a provider in this process, but those for one path, which it never answers.
type silentAt struct {
	path     string
	provider http.Handler
}

func (s silentAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == s.path {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	s.provider.ServeHTTP(w, r)
	return w.Result(), nil
}

// A provider that never answers keeps nobody longer than ten seconds for each request, and one more try where a request
// may be made twice; also where the application's own client has no time limit.
func TestProviderIsSilent(t *testing.T) {
	for path, limit := range map[string]time.Duration{
		"/.well-known/openid-configuration": 20 * time.Second, "/token": 10 * time.Second, "/jwks": 10 * time.Second,
		"/userinfo": 20 * time.Second,
	} {
		t.Run(path, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { waitFor(t, path, limit) }) })
	}
}

// waitFor signs in at a provider that is silent at a path.
func waitFor(t *testing.T, path string, limit time.Duration) {
	provider, err := idp.New("https://id.example", "our-app", "our-secret")
	if err != nil {
		t.Fatal(err)
	}
	provider.ThinIDTokens = true
	auth, err := oneauth.New(mem.New(),
		oneauth.WithSecrets([]byte("0123456789abcdef-a-master-secret-of-the-tests")), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithProviders(oauth.OIDC("example", "https://id.example", "our-app", "our-secret")),
		oneauth.WithProviderClient(&http.Client{Transport: silentAt{path, provider.Handler()}}),
		oneauth.WithEnv(core.Env{Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}))
	if err != nil {
		t.Fatal(err)
	}
	defer auth.Close()
	open := func(h http.Handler, address string, cookies ...*http.Cookie) *http.Response {
		r, w := httptest.NewRequestWithContext(t.Context(), "GET", address, nil), httptest.NewRecorder()
		for _, c := range cookies {
			r.AddCookie(c)
		}
		h.ServeHTTP(w, r)
		return w.Result()
	}
	began := time.Now()
	answer := open(auth, "/auth/oauth/example")
	if answer.StatusCode == http.StatusSeeOther {
		back := open(provider.Handler(), answer.Header.Get("Location")+"&person=1001").Header.Get("Location")
		answer = open(auth, back, answer.Cookies()...)
	}
	if took := time.Since(began); answer.StatusCode != http.StatusServiceUnavailable || took > limit {
		t.Errorf("answer is %d after %v", answer.StatusCode, took)
	}
}

// Where a provider fails for the moment, what may be asked twice is asked once more.
func TestProviderStumbles(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/userinfo"} {
		asked := 0
		s := newSite(t, func(p *plan) {
			p.idp.ThinIDTokens = true
			p.idp.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != path {
					return false
				}
				if asked++; asked == 1 {
					w.WriteHeader(http.StatusBadGateway)
				}
				return asked == 1
			}
		})
		if p := s.browser().signIn("1001"); p.status != 303 || asked != 2 {
			t.Errorf("%s: %d after %d requests", path, p.status, asked)
		}
	}
}
