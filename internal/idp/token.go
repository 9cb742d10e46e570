package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"
)

// token is the token endpoint. Codes and refresh tokens are good once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if id, secret := clientOf(r); id != p.ClientID || secret != p.ClientSecret {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	var g grant
	var ok bool
	p.mu.Lock()
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		g, ok = p.codes[code]
		delete(p.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		ok = ok && p.Now().Before(g.expires) && g.redirect == r.PostFormValue("redirect_uri") &&
			g.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		g, ok = p.refresh[token]
		delete(p.refresh, token)
		g.nonce = ""
	}
	p.mu.Unlock()
	if !ok {
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	answer, err := p.issue(g)
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	reply(w, http.StatusOK, answer)
}

// issue makes a fresh set of tokens.
func (p *Provider) issue(g grant) (map[string]any, error) {
	id, err := p.IDToken(g.person, g.nonce)
	if err != nil {
		return nil, err
	}
	g.expires = p.Now().Add(p.Lifetime)
	access, refresh := rand.Text(), rand.Text()
	p.mu.Lock()
	p.access[access], p.refresh[refresh] = g, g
	p.mu.Unlock()
	answer := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(p.Lifetime.Seconds()), "refresh_token": refresh,
		"scope": g.scope, "id_token": id,
	}
	if p.Answer != nil {
		p.Answer(answer)
	}
	return answer, nil
}

// IDToken returns an ID token for a person, as a platform's own sign-in hands it to an app.
func (p *Provider) IDToken(who Person, nonce string) (string, error) {
	now := p.Now()
	claims := map[string]any{
		"iss": p.Issuer, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(p.Lifetime).Unix(), "sub": who.Subject,
	}
	p.mu.Lock()
	p.serial++
	claims["jti"] = p.serial
	key := p.keys[len(p.keys)-1]
	p.mu.Unlock()
	if !p.ThinIDTokens {
		for name, value := range profile(who) {
			claims[name] = value
		}
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if p.Claims != nil {
		p.Claims(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	if p.Sign != nil {
		return p.Sign(payload)
	}
	return Sign(jose.ES256, key, payload)
}

// Sign makes a signed token of claims.
func Sign(alg jose.SignatureAlgorithm, key any, claims []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Keys returns the published keys, the current one last.
func (p *Provider) Keys() []jose.JSONWebKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []jose.JSONWebKey
	for _, k := range p.keys {
		all = append(all, k.Public())
	}
	return all
}

// clientOf returns what a client says of itself: by HTTP Basic, form-encoded, or in the body (RFC 6749 section 2.3.1).
func clientOf(r *http.Request) (id, secret string) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		return r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return "", ""
	}
	return id, secret
}
