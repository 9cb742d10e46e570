package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// provider is a declared provider with what was discovered of it.
type provider struct {
	Provider
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	known    *discovered
	knownAt  time.Time
	asking   chan struct{} // closed when the discovery under way is over
	askError error
}

// discovered is what OpenID Connect Discovery 1.0 tells.
type discovered struct {
	oidc     *oidc.Provider
	issuer   string
	algs     []string // of ID tokens
	userInfo string
	issOK    bool // answers carry iss (RFC 9207)
	auth     oauth2.AuthStyle
}

// discoverAgain is how old a discovery may become.
const discoverAgain = 24 * time.Hour

// signingAlgs are the algorithms of ID tokens that are believed: asymmetric ones.
var signingAlgs = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// discover returns what is known of an OpenID Connect provider, asking it if that is too old. Requests that come
// meanwhile wait for the one that asks. An old answer is good while the provider does not answer.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	if p.known != nil && p.now().Sub(p.knownAt) < discoverAgain {
		defer p.mu.Unlock()
		return p.known, nil
	}
	asking := p.asking
	if asking == nil {
		asking = make(chan struct{})
		p.asking = asking
		go p.ask(context.WithoutCancel(ctx), asking)
	}
	p.mu.Unlock()
	select {
	case <-asking:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		return nil, p.askError
	}
	return p.known, nil
}

// ask reads the discovery document for everybody who waits.
func (p *provider) ask(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, 2*askTimeout)
	defer cancel()
	d, err := p.read(ctx)
	if err != nil && ctx.Err() == nil {
		d, err = p.read(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking, p.askError = nil, err
	if err == nil {
		p.known, p.knownAt = d, p.now()
	}
	close(done)
}

func (p *provider) read(ctx context.Context) (*discovered, error) {
	// The key set keeps the context's client, and lives longer than this request.
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) && p.ValidIssuer != nil {
		lax := oidc.InsecureIssuerURLContext(oidc.ClientContext(ctx, p.client), mismatch.Discovered)
		found, err = oidc.NewProvider(lax, p.Issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("oauth: discover %s: %w", p.Name, err)
	}
	var meta struct {
		Issuer string   `json:"issuer"`
		Algs   []string `json:"id_token_signing_alg_values_supported"`
		IssOK  bool     `json:"authorization_response_iss_parameter_supported"`
		JWKS   string   `json:"jwks_uri"`
		Auth   []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&meta); err != nil {
		return nil, fmt.Errorf("oauth: discover %s: %w", p.Name, err)
	}
	endpoint := found.Endpoint()
	d := &discovered{
		oidc: found, issuer: meta.Issuer, userInfo: found.UserInfoEndpoint(), issOK: meta.IssOK, auth: oauth2.AuthStyleInHeader,
	}
	if len(meta.Auth) > 0 && !slices.Contains(meta.Auth, "client_secret_basic") { // which is the default
		d.auth = oauth2.AuthStyleInParams
	}
	for _, u := range []string{endpoint.AuthURL, endpoint.TokenURL, meta.JWKS, d.userInfo} {
		if u == "" && u == d.userInfo {
			continue
		}
		if err := checkURL(u); err != nil {
			return nil, fmt.Errorf("oauth: discover %s: %w", p.Name, err)
		}
	}
	for _, alg := range meta.Algs {
		if slices.Contains(signingAlgs, alg) {
			d.algs = append(d.algs, alg)
		}
	}
	if len(d.algs) == 0 {
		d.algs = []string{oidc.RS256} // which every provider must have (OpenID Connect Core section 15.1)
	}
	return d, nil
}

// config returns the OAuth 2.0 client for one sign-in. How it authenticates is settled here, since x/oauth2 would else try
// both ways, and a code is good once.
func (p *provider) config(ctx context.Context, callback string) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: callback, Scopes: p.Scopes}
	c.Endpoint = oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL}
	style := oauth2.AuthStyleInHeader
	if p.Issuer != "" {
		d, err := p.discover(ctx)
		if err != nil {
			return nil, err
		}
		c.Endpoint, style = d.oidc.Endpoint(), d.auth
	}
	if p.ClientSecret == "" && p.SecretOf == nil {
		style = oauth2.AuthStyleInParams
	}
	c.Endpoint.AuthStyle = cmp.Or(p.AuthStyle, style)
	return c, nil
}
