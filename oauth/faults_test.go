package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A24: each call to the store of each step of a sign-in fails in each way. Whatever fails, the answer is a failure of ours
// and gives nothing, or it is a success and the store holds what it says; and then the person begins again and comes in.
func TestA24FailingStores(t *testing.T) {
	for name, stage := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failEachCall(t, stage)
		})
	}
}

// step sets the stage for one request and returns it, with what must hold after its success.
type step func(s *site, b *browser) (act func(b *browser) page, holds func(p page) error)

// direct serves requests to the site in this goroutine, so that their context reaches the store.
type direct struct{ s *site }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host != d.s.url {
		return http.DefaultTransport.RoundTrip(r)
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header, in.Host = r.Header, r.URL.Host
	w := httptest.NewRecorder()
	d.s.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

func failEachCall(t *testing.T, stage step) {
	open := func(*testing.T) record.Backend { return mem.New() }
	storetest.SomeFaults(t, open, func(t *testing.T, f *storetest.Faults) storetest.Flow {
		s := newSite(t, keepTokens, func(p *plan) { p.store = f })
		if _, _, err := s.Core().Clients().Register(t.Context(), core.ClientConfig{ID: "stored", RedirectURIs: []string{appRedirect}}, core.Public); err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		act, holds := stage(s, b)
		var p page
		return storetest.Flow{
			Act: func(ctx context.Context) error {
				acting := *b
				acting.ctx, acting.http = ctx, &http.Client{Transport: direct{s}, Jar: b.http.Jar, CheckRedirect: b.http.CheckRedirect}
				p = act(&acting)
				return nil
			},
			Check: func(in storetest.Injection, _ error) {
				s.judge(t, in, p, holds)
				again := s.browser()
				again.signIn("1002").want(303)
				if again.whoami() == "" {
					t.Error("nobody comes in any more")
				}
			},
		}
	})
}

// judge holds an answer against the store.
func (s *site) judge(t *testing.T, in storetest.Injection, p page, holds func(p page) error) {
	t.Helper()
	back := url.Values{} // what a program is told
	if to, err := url.Parse(p.header.Get("Location")); err == nil && strings.HasPrefix(to.String(), appRedirect) {
		back = to.Query()
	}
	failed := p.status >= 500 || back.Get("error") == "server_error" || back.Get("error") == "temporarily_unavailable"
	refused := p.status >= 400 && p.status < 500 || back.Get("error") == "access_denied"
	switch {
	case failed, refused:
		for _, c := range (&http.Response{Header: p.header}).Cookies() {
			if c.MaxAge >= 0 {
				t.Errorf("%d with a cookie: %v", p.status, c)
			}
		}
		if back.Has("code") || strings.Contains(p.text, "access_token") {
			t.Errorf("%d with a code or a token: %v %s", p.status, back, p.text)
		}
		if refused && in.Fault != storetest.StaleRead || in.Fault == 0 {
			t.Errorf("answer is %d %v %s", p.status, back, p.text)
		}
	default:
		if err := holds(p); err != nil {
			t.Errorf("%d, but %v", p.status, err)
		}
	}
}

func must(ok bool, what string) error {
	if ok {
		return nil
	}
	return errors.New(what)
}

// settle uses a session once more, so that a read of a moment ago finds it as it was, and not that it is missing. No store
// can tell a session that is missing from one that is too new for a stale replica.
func (s *site) settle(b *browser, who string) {
	s.t.Helper()
	s.clock.Advance(61 * time.Second)
	if b.whoami() != who {
		s.t.Fatal("nobody is signed in")
	}
}

// links returns how many accounts at the provider a user has connected.
func (s *site) links(userID string) int {
	s.t.Helper()
	all, err := s.Core().LinkedAccounts(s.t.Context(), userID)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

var steps = map[string]step{
	"begin in API mode": func(_ *site, b *browser) (func(*browser) page, func(page) error) {
		start := "/auth/oauth/example?" + form(appStart("client_id", "stored")).Encode()
		return func(b *browser) page { return b.get(start) }, func(p page) error {
			return must(b.get(b.at(p.location(), "1001").String()).want(303).location().Query().Has("code"), "the flow leads nowhere")
		}
	},
	"callback of somebody new": func(_ *site, b *browser) (func(*browser) page, func(page) error) {
		back := b.at(b.begin(), "1001").String()
		return func(b *browser) page { return b.get(back) }, func(page) error { return must(b.whoami() != "", "nobody is signed in") }
	},
	"callback of somebody known": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		first := s.browser()
		first.signIn("1001").want(303)
		s.clock.Advance(1)
		back := b.at(b.begin(), "1001").String()
		return func(b *browser) page { return b.get(back) }, func(page) error {
			return must(b.whoami() == first.whoami(), "somebody else is signed in")
		}
	},
	"callback that connects by address": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		squatter := s.browser()
		s.settle(squatter, squatter.member("ada@id.example"))
		back := b.at(b.begin(), "1001").String()
		return func(b *browser) page { return b.get(back) }, func(page) error {
			return must(b.whoami() != "" && squatter.whoami() == "", "the squatter is in, or nobody is")
		}
	},
	"callback of a replacement": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		old := b.member("me@example.com")
		s.settle(b, old)
		back := b.at(b.begin(), "1001").String()
		return func(b *browser) page { return b.get(back) }, func(page) error {
			left, err := s.Core().ListSessions(s.t.Context(), old)
			return must(err == nil && len(left) == 0 && b.whoami() != old, "the session from before lives")
		}
	},
	"callback in API mode": func(_ *site, b *browser) (func(*browser) page, func(page) error) {
		back := b.at(b.begin(appStart()...), "1001").String()
		return func(b *browser) page { return b.get(back) }, func(p page) error {
			b.redeem(p.location().Query().Get("code")).want(200)
			return nil
		}
	},
	"exchange of a code": func(_ *site, b *browser) (func(*browser) page, func(page) error) {
		code := b.appCode("1001")
		return func(b *browser) page { return b.redeem(code) }, func(p page) error {
			b.me(p.str("access_token")).want(200)
			b.redeem(code).want(400)
			return must(b.me(p.str("access_token")).status == 401, "the code can be used twice")
		}
	},
	"exchange of a code that was used": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		s.browser().signIn("1001").want(303)
		code := b.appCode("1001")
		given := b.redeem(code).want(200)
		s.clock.Advance(1)
		token := b.refresh(given.str("refresh_token")).want(200).str("access_token")
		act := func(b *browser) page {
			p := b.redeem(code)
			if p.status == 400 && p.str("error") == "invalid_grant" {
				p.status, p.text = 200, `{}` // as it must be
			}
			return p
		}
		return act, func(p page) error { return must(p.text == `{}` && b.me(token).status == 401, "the session lives") }
	},
	"native": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		body := object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}
		return func(b *browser) page { return b.call("/auth/oauth/example/token", body) }, func(p page) error {
			b.me(p.str("access_token")).want(200)
			return must(b.call("/auth/oauth/example/token", body).status == 400, "the ID token can be used twice")
		}
	},
	"begin to connect": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		me := b.member("me@example.com")
		return func(b *browser) page { return b.submit("/auth/oauth/example/link") }, func(p page) error {
			at, err := url.Parse(refreshURL.FindStringSubmatch(p.header.Get("Refresh"))[1])
			if err != nil {
				return err
			}
			b.get(b.at(at, "1001").String()).want(303)
			return must(s.links(me) == 1, "nothing is connected")
		}
	},
	"callback that connects": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		me := b.member("me@example.com")
		at, err := url.Parse(refreshURL.FindStringSubmatch(b.submit("/auth/oauth/example/link").want(200).header.Get("Refresh"))[1])
		if err != nil {
			s.t.Fatal(err)
		}
		back := b.at(at, "1001").String()
		return func(b *browser) page { return b.get(back) }, func(page) error { return must(s.links(me) == 1, "nothing is connected") }
	},
	"connecting with an ID token": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		me := b.member("me@example.com")
		body := object{"id_token": s.idToken(0, appNonce), "nonce": appNonce}
		return func(b *browser) page {
			return b.call("/auth/oauth/example/link", body, "Sec-Fetch-Site", "same-origin")
		}, func(page) error { return must(s.links(me) == 1, "nothing is connected") }
	},
	"disconnecting": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		me := b.member("me@example.com")
		b.connect("1001").want(303)
		s.clock.Advance(1)
		path := "/auth/linked/" + b.linked()[0].(object)["id"].(string) + "/unlink"
		return func(b *browser) page { return b.submit(path) }, func(page) error { return must(s.links(me) == 0, "it is connected") }
	},
	"refreshing a kept token": func(s *site, b *browser) (func(*browser) page, func(page) error) {
		b.signIn("1001").want(303)
		me := b.whoami()
		token := func(ctx context.Context) (string, error) {
			source, err := s.ProviderTokens(ctx, me, "example")
			if err != nil {
				return "", err
			}
			t, err := source.Token()
			if err != nil {
				return "", err
			}
			return t.AccessToken, nil
		}
		before, err := token(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		s.clock.Advance(s.idp.Lifetime)
		act := func(b *browser) page {
			got, err := token(b.ctx)
			switch code := core.AsError(err).Code; {
			case err == nil:
				return page{s.t, 200, http.Header{}, got}
			case code.Class() == core.Unavailable, code.Class() == core.Internal, errors.Is(err, context.DeadlineExceeded):
				return page{s.t, 503, http.Header{}, ""}
			default:
				return page{s.t, 400, http.Header{}, fmt.Sprint(err)}
			}
		}
		return act, func(p page) error {
			again, err := token(s.t.Context())
			return must(err == nil && p.text != before && again == p.text, fmt.Sprint("the token is not kept: ", err))
		}
	},
}
