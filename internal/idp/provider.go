package idp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Person is somebody whom the provider knows.
type Person struct {
	Subject       string
	Name          string
	Email         string
	EmailVerified bool
	Picture       string
	Locale        string
}

// Provider is an identity provider at one issuer. Set the exported fields before it serves.
type Provider struct {
	Issuer string // where Handler is served, such as http://127.0.0.1:9000
	People []Person

	ClientID     string
	ClientSecret string   // "" is a public client
	RedirectURIs []string // exact; none allows every one
	Now          func() time.Time
	Lifetime     time.Duration // of access and ID tokens
	ThinIDTokens bool          // the ID token has the subject alone: the rest is at UserInfo

	// Hooks, for a provider that lies. Nil ones change nothing.
	Claims    func(claims map[string]any)                       // of the next ID tokens
	Answer    func(answer map[string]any)                       // of the token endpoint
	UserInfo  func(claims map[string]any)                       // of the UserInfo endpoint
	Discovery func(document map[string]any)                     // of the discovery document
	Sign      func(claims []byte) (string, error)               // instead of signing with the current key
	Intercept func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	Redirect  func(params map[string]string)                    // what goes back to the client

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	codes   map[string]grant
	refresh map[string]grant
	access  map[string]grant
	serial  int
}

// grant is what a code or token stands for.
type grant struct {
	person             Person
	clientID, redirect string
	challenge, nonce   string
	scope              string
	expires            time.Time
}

// New returns a provider with two people and one fresh ES256 key.
func New(issuer, clientID, clientSecret string) (*Provider, error) {
	p := &Provider{
		Issuer: issuer, ClientID: clientID, ClientSecret: clientSecret, Now: time.Now, Lifetime: 5 * time.Minute,
		People: []Person{
			{Subject: "1001", Name: "Ada Lovelace", Email: "ada@id.example", EmailVerified: true, Locale: "en"},
			{Subject: "1002", Name: "Charles Babbage", Email: "charles@id.example", EmailVerified: true, Locale: "en"},
		},
		codes: map[string]grant{}, refresh: map[string]grant{}, access: map[string]grant{},
	}
	return p, p.Rotate()
}

// Rotate signs with a fresh key from now on. The keys before stay published.
func (p *Provider) Rotate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, jose.JSONWebKey{
		Key: key, KeyID: fmt.Sprintf("key-%d", len(p.keys)+1), Algorithm: string(jose.ES256), Use: "sig",
	})
	return nil
}

// Revoke makes every refresh token bad.
func (p *Provider) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.refresh)
}

// Handler serves the provider.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("GET /jwks", p.jwks)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Intercept == nil || !p.Intercept(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"userinfo_endpoint": p.Issuer + "/userinfo", "jwks_uri": p.Issuer + "/jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if p.Discovery != nil {
		p.Discovery(doc)
	}
	reply(w, http.StatusOK, doc)
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := jose.JSONWebKeySet{}
	for _, k := range p.keys {
		set.Keys = append(set.Keys, k.Public())
	}
	reply(w, http.StatusOK, set)
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	g, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	p.mu.Unlock()
	if !ok || !p.Now().Before(g.expires) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	claims := profile(g.person)
	if p.UserInfo != nil {
		p.UserInfo(claims)
	}
	reply(w, http.StatusOK, claims)
}

func profile(who Person) map[string]any {
	claims := map[string]any{"sub": who.Subject, "name": who.Name}
	if who.Email != "" {
		claims["email"], claims["email_verified"] = who.Email, who.EmailVerified
	}
	if who.Picture != "" {
		claims["picture"] = who.Picture
	}
	if who.Locale != "" {
		claims["locale"] = who.Locale
	}
	return claims
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}
