package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/idp"
	"github.com/oneauth-go/oneauth/oauth"
)

// answers are what a provider of the catalogue says to one sign-in, in the shapes that its documentation shows, with
// values of our own: testdata/answers/<name>.json.
type answers struct {
	Documentation []string          `json:"documentation"`
	Authorize     string            `json:"authorize"` // where the browser is sent
	Params        map[string]string `json:"params"`    // what it brings beside what every provider gets
	Client        string            `json:"client"`    // how it authenticates at the token endpoint: params or basic
	Answers       map[string]any    `json:"answers"`   // by method and address; text is a form
	IDToken       map[string]any    `json:"id_token"`  // aud, nonce and times are filled in
	User          map[string]any    `json:"user"`      // the form parameter of that name
	Profile       struct {
		Issuer, Subject, Email, Name, Picture, Locale string
		Verified                                      bool `json:"email_verified"`
	} `json:"profile"` // what is kept of it all
}

// object returns the answer to a request, for a test that changes it.
func (a *answers) object(request string) map[string]any {
	object, ok := a.Answers[request].(map[string]any)
	if !ok {
		panic("no object answers " + request)
	}
	return object
}

func recorded(t testing.TB, name string) *answers {
	t.Helper()
	text, err := os.ReadFile("testdata/answers/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	a := &answers{}
	if err := json.Unmarshal(text, a); err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	theirCode   = "a-code-of-theirs"
	accessToken = "an-access-token"
)

// world is a transport behind which the servers of a provider stand, on this machine, under their real names. A request
// that no answer is recorded for fails the test.
type world struct {
	t      testing.TB
	says   *answers
	server *httptest.Server
	now    func() time.Time
	keys   jose.JSONWebKeySet

	mu        sync.Mutex
	asked     map[string]bool
	nonce     string
	challenge string
	exchanged url.Values // what the token endpoint got
	basic     [2]string  // and in the header
}

// providerKey signs the ID tokens.
var providerKey = sync.OnceValue(func() jose.JSONWebKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: string(jose.RS256), Use: "sig"}
})

// enter makes a site with a provider of the catalogue, whose servers say a.
func enter(t testing.TB, p oauth.Provider, a *answers) (*world, *site) {
	t.Helper()
	key := providerKey()
	w := &world{t: t, says: a, asked: map[string]bool{}, keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}}
	w.server = httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(w.server.Close)
	s := newSite(t, func(plan *plan) {
		w.now = plan.clock.Now
		plan.provider = p
		plan.options = append(plan.options, oneauth.WithProviderClient(&http.Client{Transport: w}))
	})
	return w, s
}

// RoundTrip sends a request to the server here. It keeps the name of the one it was for.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		w.t.Errorf("%s is asked without TLS", r.URL)
	}
	local := r.Clone(r.Context())
	local.Host = r.URL.Host
	local.URL.Scheme, local.URL.Host = "http", strings.TrimPrefix(w.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(local)
}

func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	request := r.Method + " https://" + r.Host + r.URL.RequestURI()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[request] = true
	says, known := w.says.Answers[request]
	for _, document := range w.says.Answers {
		if d, ok := document.(map[string]any); ok && "GET "+text(d["jwks_uri"]) == request {
			says, known = w.keys, true
		}
	}
	if !known {
		w.t.Errorf("%s is asked", request)
		http.NotFound(rw, r)
		return
	}
	if r.Method == http.MethodPost {
		says = w.exchange(r, says)
	} else if !strings.Contains(request, ".well-known") && !isKeys(says) {
		w.expectBearer(r)
	}
	if form, ok := says.(string); ok {
		rw.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = io.WriteString(rw, form)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(says)
}

func isKeys(says any) bool { _, ok := says.(jose.JSONWebKeySet); return ok }

func text(v any) string { s, _ := v.(string); return s }

// expectBearer looks at a request to a provider's API.
func (w *world) expectBearer(r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+accessToken || r.Header.Get("Accept") != "application/json" ||
		!strings.HasPrefix(r.Header.Get("User-Agent"), "OneAuth") {
		w.t.Errorf("%s is asked with %v", r.URL, r.Header)
	}
}

// exchange is the token endpoint: it puts a signed ID token into the answer.
func (w *world) exchange(r *http.Request, says any) any {
	if err := r.ParseForm(); err != nil {
		w.t.Error(err)
	}
	w.exchanged = r.PostForm
	w.basic[0], w.basic[1], _ = r.BasicAuth()
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if w.challenge != "" && w.challenge != base64.RawURLEncoding.EncodeToString(verifier[:]) {
		w.t.Errorf("the verifier is %q", r.PostForm.Get("code_verifier"))
	}
	if w.says.IDToken == nil {
		return says
	}
	answer := maps.Clone(says.(map[string]any))
	answer["id_token"] = w.idToken(w.nonce)
	return answer
}

// idToken signs the claims.
func (w *world) idToken(nonce string) string {
	claims := map[string]any{
		"aud": "our-app", "nonce": nonce, "iat": w.now().Unix(), "exp": w.now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, w.says.IDToken)
	payload, err := json.Marshal(claims)
	if err != nil {
		w.t.Error(err)
	}
	token, err := idp.Sign(jose.RS256, providerKey(), payload)
	if err != nil {
		w.t.Error(err)
	}
	return token
}

// begin sends a browser to a provider.
func (w *world) begin(b *browser, name string) *url.URL {
	w.t.Helper()
	at := b.get("/auth/oauth/" + name).want(303).location()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nonce, w.challenge = at.Query().Get("nonce"), at.Query().Get("code_challenge")
	return at
}

// signIn sends a browser to a provider and back again, and returns the answer to the callback.
func (w *world) signIn(b *browser, name string) page {
	w.t.Helper()
	at := w.begin(b, name).Query()
	back := url.Values{"code": {theirCode}, "state": {at.Get("state")}}
	if at.Get("response_mode") != "form_post" {
		return b.get("/auth/oauth/" + name + "/callback?" + back.Encode())
	}
	if w.says.User != nil {
		user, err := json.Marshal(w.says.User)
		if err != nil {
			w.t.Fatal(err)
		}
		back.Set("user", string(user))
	}
	r := b.request("POST", "/auth/oauth/"+name+"/callback", strings.NewReader(back.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.get(b.do(r).want(303).location().String())
}

// onlyLink returns the one account that whoever is signed in here has connected.
func (b *browser) onlyLink() *core.LinkedAccount {
	b.t.Helper()
	all, err := b.s.Core().LinkedAccounts(b.t.Context(), b.whoami())
	if err != nil || len(all) != 1 {
		b.t.Fatalf("%d accounts are linked, %v", len(all), err)
	}
	return all[0]
}

// appleKey returns a key for Sign in with Apple.
func appleKey(t testing.TB) (oauth.AppleKey, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return oauth.AppleKey{TeamID: "DEF123GHIJ", ID: "ABC123DEFG", PEM: pkcs8(t, key)}, key
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
