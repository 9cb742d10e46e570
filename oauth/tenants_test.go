package oauth_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

// twoTenants is a site whose tenants acme and globex are told apart in some way, and where each is.
type twoTenants struct {
	*site
	at map[string]string // addresses by tenant
}

// byHost has the tenants at acme.app.test and globex.app.test.
func byHost(t *testing.T) twoTenants {
	at := func(tenant, port string) string { return "http://" + tenant + ".localhost:" + port }
	var port string
	s := newSite(t, func(p *plan) {
		p.late = func(site string) {
			_, port, _ = net.SplitHostPort(strings.TrimPrefix(site, "http://"))
			p.options = append(p.options,
				oneauth.WithTenants(func(r *http.Request) (string, error) {
					tenant, _, _ := strings.Cut(r.Host, ".")
					return tenant, nil
				}),
				oneauth.WithBaseURLOf(func(tenant string) string { return at(tenant, port) }))
		}
	})
	return twoTenants{s, map[string]string{"acme": at("acme", port), "globex": at("globex", port)}}
}

// byPath has them at one origin, below /t/acme and /t/globex.
func byPath(t *testing.T) twoTenants {
	s := newSite(t, func(p *plan) {
		p.late = func(site string) {
			p.options = append(p.options,
				oneauth.WithTenants(func(r *http.Request) (string, error) {
					tenant, _ := r.Context().Value(tenantKey{}).(string)
					return tenant, nil
				}),
				oneauth.WithBaseURLOf(func(tenant string) string { return site + "/t/" + tenant }))
		}
	})
	below := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/t/"), "/")
		r = r.WithContext(context.WithValue(r.Context(), tenantKey{}, tenant))
		http.StripPrefix(strings.TrimSuffix(r.URL.Path, "/"+rest), below).ServeHTTP(w, r)
	})
	return twoTenants{s, map[string]string{"acme": s.url + "/t/acme", "globex": s.url + "/t/globex"}}
}

type tenantKey struct{}

// in returns a browser and a function that completes paths for a tenant.
func (s twoTenants) in(tenant string) (*browser, func(path string) string) {
	b := s.browser()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	b.http.Transport = &http.Transport{DialContext: dial}
	s.t.Cleanup(b.http.CloseIdleConnections)
	return b, func(path string) string { return s.at[tenant] + path }
}

func (b *browser) whoAt(address string) string {
	b.t.Helper()
	if p := b.get(address); p.status == 200 {
		return p.text
	}
	return ""
}

// A29: tenants share a provider and nothing else. The same person of the provider is another user in each; neither state
// and cookie, nor a code, nor a used-up ID token of one is anything in the other.
func TestA29TenantsOfOneProvider(t *testing.T) {
	for name, open := range map[string]func(*testing.T) twoTenants{"by host": byHost, "by path": byPath} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			signIn := func(tenant string) (b *browser, who string) {
				b, at := s.in(tenant)
				back := b.at(b.get(at("/auth/oauth/example?return_to=/in")).want(303).location(), "1001")
				if !strings.HasPrefix(back.String(), s.at[tenant]+"/auth/oauth/example/callback?") {
					t.Errorf("%s comes back to %s", tenant, back)
				}
				if to := b.get(back.String()).want(303).location(); to.String() != "/in" {
					t.Errorf("the way goes on to %s", to)
				}
				return b, b.whoAt(at("/me"))
			}
			acmeBrowser, acme := signIn("acme")
			_, globex := signIn("globex")
			if acme == "" || globex == "" || acme == globex {
				t.Fatalf("Ada is %q and %q", acme, globex)
			}
			for tenant, who := range map[string]string{"acme": acme, "globex": globex} {
				all, err := s.Core().LinkedAccounts(core.WithTenant(t.Context(), tenant), who)
				if err != nil || len(all) != 1 {
					t.Errorf("%s: connected are %v, %v", tenant, all, err)
				}
			}
			if all, err := s.Core().LinkedAccounts(core.WithTenant(t.Context(), "globex"), acme); err != nil || len(all) != 0 {
				t.Errorf("acme's user has %v at globex, %v", all, err)
			}

			// The answer for acme, with acme's cookie, at globex's callback: as a browser would send both where they share a host.
			b, at := s.in("acme")
			_, there := s.in("globex")
			back := b.at(b.get(at("/auth/oauth/example")).want(303).location(), "1001")
			home, err := url.Parse(at("/"))
			if err != nil {
				t.Fatal(err)
			}
			astray := b.request("GET", there("/auth/oauth/example/callback?"+back.RawQuery), nil)
			for _, c := range b.http.Jar.Cookies(home) {
				if astray.URL.Host != home.Host {
					astray.AddCookie(c)
				}
			}
			if p := b.do(astray); p.status != 400 || b.whoAt(there("/me")) != "" {
				t.Errorf("the answer for acme at globex: %d %s", p.status, p.text)
			}

			// A code of acme at globex's token endpoint, and then at home.
			b, at = s.in("acme")
			code := b.get(b.at(b.get(at("/auth/oauth/example?"+form(appStart()).Encode())).want(303).location(), "1001").String()).
				want(303).location().Query().Get("code")
			redeem := func(address string) page {
				r := b.request("POST", address+"/auth/token", strings.NewReader(form([]string{
					"grant_type", "authorization_code", "code", code, "redirect_uri", appRedirect, "code_verifier", verifier, "client_id", "app",
				}).Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				return b.do(r)
			}
			redeem(s.at["globex"]).want(400, "invalid_grant")
			token := redeem(s.at["acme"]).want(200).str("access_token")
			for tenant, want := range map[string]int{"acme": 200, "globex": 401} {
				r := b.request("GET", s.at[tenant]+"/me", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				b.do(r).want(want)
			}

			// Who is locked out of acme is not locked out of globex.
			if err := s.Users().Disable(core.WithTenant(t.Context(), "acme"), acme, "test"); err != nil {
				t.Fatal(err)
			}
			if _, again := signIn("globex"); again != globex || acmeBrowser.whoAt(s.at["acme"]+"/me") != "" {
				t.Errorf("Ada is %q at globex, and %q at acme", again, acmeBrowser.whoAt(s.at["acme"]+"/me"))
			}
			if source, err := s.ProviderTokens(core.WithTenant(t.Context(), "globex"), acme, "example"); err == nil {
				t.Errorf("acme's user has tokens at globex: %v", source)
			}
		})
	}
}
