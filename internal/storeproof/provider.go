package storeproof

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/internal/idp"
)

const (
	idpClient, idpSecret = "our-app", "the secret of our app at the provider"
	appClient            = "phone"
	appRedirect          = "com.example.app:/signed-in"
	appVerifier          = "a-verifier-of-the-app-that-is-long-enough-0123456789"
)

// network reaches the provider. httptest.Server.Close closes what is idle in http.DefaultTransport, and so breaks a request of
// another test that takes such a connection just then.
var network = http.DefaultTransport.(*http.Transport).Clone()

// provider is an identity provider, served for real, and the tokens that it gave out.
type provider struct {
	*idp.Provider
	mu     sync.Mutex
	tokens []string
}

func startProvider(t testing.TB) *provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	inner, err := idp.New("http://"+server.Listener.Addr().String(), idpClient, idpSecret)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{Provider: inner}
	inner.Answer = func(answer map[string]any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tokens = append(p.tokens, answer["access_token"].(string), answer["refresh_token"].(string))
	}
	server.Config.Handler = inner.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// code lets a person of the provider sign in on a phone app, and returns the code that the app gets.
func (a *app) code(person string) string {
	a.t.Helper()
	sum := sha256.Sum256([]byte(appVerifier))
	begin := url.Values{
		"mode": {"api"}, "client_id": {appClient}, "redirect_uri": {appRedirect}, "response_type": {"code"}, "state": {"app-state"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	began := a.want(303, send(a.Auth, "GET", "/auth/oauth/example?"+begin.Encode(), nil))
	at, err := url.Parse(began.header.Get("Location"))
	a.must(err)
	q := at.Query()
	q.Set("person", person)
	at.RawQuery = q.Encode()
	browser := &http.Client{Transport: network, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answered, err := browser.Get(at.String())
	a.must(err)
	_ = answered.Body.Close()
	back, err := answered.Location()
	a.must(err)
	done := a.want(303, send(a.Auth, "GET", back.RequestURI(), nil, withCookie(began.cookie)))
	to, err := url.Parse(done.header.Get("Location"))
	a.must(err)
	if to.Query().Get("code") == "" {
		a.t.Fatalf("the app gets %s", to)
	}
	return to.Query().Get("code")
}

func redeemOf(code string) object {
	return object{
		"grant_type": "authorization_code", "code": code, "redirect_uri": appRedirect, "code_verifier": appVerifier, "client_id": appClient,
	}
}
