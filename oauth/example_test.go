package oauth_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// A provider is declared and handed to oneauth.New; the pages get its button. Here Ada opens the address of that button,
// says at the provider who she is, and is back where she wanted to go.
func Example() {
	site := httptest.NewUnstartedServer(nil)
	provider, stop := exampleProvider()
	defer stop()

	example := oauth.OIDC("example", provider.Issuer, "our-app", "our-secret")
	example.Title = "Example ID"
	example.Rules.TrustEmail = true // nobody gets an address verified there that is not theirs
	example.Rules.Sync.Name = core.SyncAlways
	auth, err := oneauth.New(mem.New(), oneauth.WithDevelopment(),
		oneauth.WithBaseURL("http://"+site.Listener.Addr().String()), oneauth.WithProviders(example))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close()
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/welcome", auth.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, identities, err := auth.Core().User(r.Context(), oneauth.From(r.Context()).Subject)
		if err == nil {
			fmt.Println("Welcome,", user.Name, "with", identities[0].Value)
		}
	})))
	site.Config.Handler = mux
	site.Start()
	defer site.Close()

	jar, err := cookiejar.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/authorize" { // the provider's page, where she chooses who she is
			q := r.URL.Query()
			fmt.Println("at the provider with PKCE", q.Get("code_challenge_method"), "as", q.Get("client_id"))
			q.Set("person", "1001")
			r.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawQuery: q.Encode()}
		}
		return nil
	}}
	answer, err := ada.Get(site.URL + "/auth/oauth/example?return_to=/welcome")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println("back at", answer.Request.URL.Path)
	// Output:
	// at the provider with PKCE S256 as our-app
	// Welcome, Ada Lovelace with ada@id.example
	// back at /welcome
}

// exampleProvider serves an identity provider in this process.
func exampleProvider() (p *idp.Provider, stop func()) {
	server := httptest.NewUnstartedServer(nil)
	p, err := idp.New("http://"+server.Listener.Addr().String(), "our-app", "our-secret")
	if err != nil {
		panic(err)
	}
	server.Config.Handler = p.Handler()
	server.Start()
	return p, server.Close
}
