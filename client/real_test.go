package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
)

const billingSecret = "of billing: at least 32 characters, with %&: odd ones"

// providing is a world in which people come in through an identity provider as well, and where the clients cli and billing
// are registered.
func providing(t *testing.T) *world {
	t.Helper()
	identity := httptest.NewUnstartedServer(nil)
	provider := must(idp.New("http://"+identity.Listener.Addr().String(), "our-app", "our-secret"))(t)
	identity.Config.Handler = provider.Handler()
	identity.Start()
	t.Cleanup(identity.Close)
	declared := oauth.OIDC("example", provider.Issuer, "our-app", "our-secret")
	declared.Rules.TrustEmail = true
	w := newWorld(t, oneauth.WithProviders(declared), oneauth.WithClients(
		core.ClientConfig{ID: "cli", RedirectURIs: []string{"http://127.0.0.1/callback"}},
		core.ClientConfig{ID: "billing", Secrets: []string{billingSecret}, Grants: []string{core.GrantClient}, Scopes: []string{"read"}},
	))
	provider.Now = w.Now
	return w
}

// browse opens a URL as a person does who is known to the provider, and returns the last page.
func (w *world) browse(start, person string, follow func(*url.URL) *url.URL) string {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: w.base(), CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		r.URL = follow(r.URL)
		if r.URL.Path == "/authorize" {
			r.URL.RawQuery += "&person=" + person
		}
		return nil
	}}
	_, page := send(w.t, browser, must(http.NewRequest("GET", start, nil))(w.t))
	return page
}

func straight(u *url.URL) *url.URL { return u }

// opens is what opens the browser of a person. The test waits for w.browsers.
func (w *world) opens(person string) func(context.Context, string) error {
	return func(_ context.Context, start string) error {
		w.browsers.Go(func() { w.browse(start, person, straight) })
		return nil
	}
}

// Every way to sign in, against the real server, each to a call of the API and to the end of the session.
func TestLogins(t *testing.T) {
	w := providing(t)
	defer w.browsers.Wait()
	for name, c := range map[string]struct {
		client *client.Client
		login  func(c *client.Client) (client.Session, error)
		device string
	}{
		"password": {w.client(client.WithDeviceName("a terminal")), func(c *client.Client) (client.Session, error) {
			return c.LoginWithPassword(t.Context(), ann, "purple otters sing at dawn")
		}, "a terminal"},
		"browser": {w.client(client.WithClient("cli", ""), client.WithDeviceName("a laptop")), func(c *client.Client) (client.Session, error) {
			return c.LoginWithBrowser(t.Context(), client.Browser{Provider: "example", Open: w.opens("1001")})
		}, "a laptop"},
	} {
		t.Run(name, func(t *testing.T) {
			session := must(c.login(c.client))(t)
			w.wantMe(c.client)
			if s := must(w.Core().Session(t.Context(), session.ID))(t); s.DeviceName != c.device {
				t.Errorf("the device is %q", s.DeviceName)
			}
			before := w.refreshes.Load()
			w.Advance(lifetime)
			w.wantMe(c.client)
			w.wantRefreshes(before + 1)
			if err := c.client.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Core().Session(t.Context(), session.ID); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("after Logout: %v", err)
			}
		})
	}
	t.Run("API key", func(t *testing.T) {
		c := w.client()
		must(c.LoginWithAPIKey(t.Context(), w.Key(t, ann, "read")))(t)
		w.wantMe(c)
	})
	t.Run("service", func(t *testing.T) {
		c := w.client(client.WithClient("billing", billingSecret), client.WithClientCredentials(), client.WithScopes("read"))
		for range 2 {
			if status, body := w.get(c, "/api/me"); status != 200 || !strings.HasPrefix(body, "svc_") {
				t.Errorf("%d %s", status, body)
			}
			w.Advance(lifetime)
		}
		wrong := w.client(client.WithClient("billing", billingSecret+"x"), client.WithClientCredentials())
		if _, err := wrong.TokenSource(t.Context()).Token(); !errors.Is(err, client.ErrInvalidClient) {
			t.Errorf("a wrong secret: %v", err)
		}
	})
}

// Sign-ins at the same time do not cross, and the code of one is worth nothing at the port of another, with its state.
func TestConcurrentLogins(t *testing.T) {
	w := providing(t)
	defer w.browsers.Wait()
	const many = 8
	var all sync.WaitGroup
	for i := range many {
		person := []string{"1001", "1002"}[i%2]
		c := w.client(client.WithClient("cli", ""))
		all.Go(func() {
			session, err := c.LoginWithBrowser(t.Context(), client.Browser{Provider: "example", Open: w.opens(person)})
			if err != nil {
				t.Error(err)
				return
			}
			s, err := w.Core().Session(t.Context(), session.ID)
			if err != nil {
				t.Error(err)
				return
			}
			u, _, err := w.Core().User(t.Context(), s.UserID)
			if want := map[string]string{"1001": "Ada Lovelace", "1002": "Charles Babbage"}[person]; err != nil || u.Name != want {
				t.Errorf("%s came in as %v, %v", want, u, err)
			}
		})
	}
	all.Wait()
}

// Somebody brings their own code to the sign-in of another, state and all: without the verifier it is refused.
func TestSwappedCode(t *testing.T) {
	w := providing(t)
	defer w.browsers.Wait()
	codes, page := make(chan string, 1), make(chan string, 1)
	mallory, victim := w.client(client.WithClient("cli", "")), w.client(client.WithClient("cli", ""))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = mallory.LoginWithBrowser(ctx, client.Browser{Provider: "example", Open: func(_ context.Context, start string) error {
			w.browsers.Go(func() {
				w.browse(start, "1002", func(u *url.URL) *url.URL {
					if code := u.Query().Get("code"); u.Path == "/callback" {
						codes <- code
						return must(url.Parse(w.URL + "/nothing"))(t)
					}
					return u
				})
			})
			return nil
		}})
	}()
	_, err := victim.LoginWithBrowser(t.Context(), client.Browser{Provider: "example", Open: func(_ context.Context, start string) error {
		go func() {
			page <- w.browse(start, "1001", func(u *url.URL) *url.URL {
				if u.Path == "/callback" {
					q := u.Query()
					q.Set("code", <-codes)
					u.RawQuery = q.Encode()
				}
				return u
			})
		}()
		return nil
	}})
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != "invalid_grant" || !strings.Contains(<-page, "You are not signed in") {
		t.Errorf("%v", err)
	}
	if _, err := victim.Session(t.Context()); !errors.Is(err, client.ErrSignedOut) {
		t.Errorf("afterwards: %v", err)
	}
}
