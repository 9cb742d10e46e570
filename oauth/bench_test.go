package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/stores/file"
)

// beside answers requests to the provider in this process, with the clock of the benchmark stopped.
type beside struct {
	b        *testing.B
	provider http.Handler
	timed    bool
}

func (p *beside) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.timed {
		p.b.StopTimer()
		defer p.b.StartTimer()
	}
	w := httptest.NewRecorder()
	p.provider.ServeHTTP(w, r)
	return w.Result(), nil
}

// BenchmarkCallback is the work for somebody who comes back from a provider, besides the provider's own: the state used up,
// the ID token verified, the account found and brought up to date, and a session or a program's code; durable, in a file.
func BenchmarkCallback(b *testing.B) {
	for name, start := range map[string][]string{"browser": nil, "api": appStart()} {
		b.Run(name, func(b *testing.B) {
			provider := &beside{b: b}
			s := newSite(b, func(p *plan) {
				store, err := file.Open(filepath.Join(b.TempDir(), "bench.db"), file.Options{})
				if err != nil {
					b.Fatal(err)
				}
				p.store, provider.provider = store, p.idp.Handler()
				p.idp.People = nil
				for i := range 64 {
					n := strconv.Itoa(i)
					p.idp.People = append(p.idp.People, idp.Person{Subject: n, Name: n, Email: n + "@id.example", EmailVerified: true})
				}
				p.options = append(p.options, oneauth.WithProviderClient(&http.Client{Transport: provider}))
			})
			for _, who := range s.idp.People {
				s.browser().signIn(who.Subject).want(303)
			}
			person := 0
			for b.Loop() {
				b.StopTimer()
				came := s.browser()
				r := came.request("GET", came.at(came.begin(start...), strconv.Itoa(person%64)).String(), nil)
				for _, c := range came.http.Jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
				w := httptest.NewRecorder()
				person++
				provider.timed = true
				b.StartTimer()
				s.handler.ServeHTTP(w, r)
				provider.timed = false
				if w.Code != http.StatusSeeOther {
					b.Fatalf("answer is %d %s", w.Code, w.Body)
				}
			}
		})
	}
}
