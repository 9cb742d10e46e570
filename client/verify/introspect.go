package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

const maxIntrospection = 64 << 10

// inquiry asks the issuer about tokens (RFC 7662).
type inquiry struct {
	verifier *Verifier
	how      Introspection
	endpoint atomic.Pointer[string]
}

func newInquiry(v *Verifier) *inquiry {
	in := &inquiry{verifier: v, how: *v.cfg.Introspection}
	if in.how.CacheFor == 0 {
		in.how.CacheFor = defaultCacheFor
	}
	if in.how.Endpoint != "" {
		in.endpoint.Store(&in.how.Endpoint)
	}
	return in
}

// introspected is an answer of RFC 7662 section 2.2, which names claims as a JWT does.
type introspected struct {
	Active    bool   `json:"active"`
	TokenType string `json:"token_type"`
}

// ask returns the claims of an access token or API key that the issuer calls active.
func (in *inquiry) ask(ctx context.Context, token string) (*Claims, error) {
	v, now := in.verifier, in.verifier.cfg.Now()
	if !isToken(token) {
		return nil, fmt.Errorf("%w: it is malformed", ErrInvalidToken)
	}
	if claims := v.tokens.get(token, nil, now); claims != nil {
		return claims, nil
	}
	body, err := in.answer(ctx, token)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: introspection: %w", ErrUnavailable, err)
	}
	claims, err := in.read(body, now)
	if err != nil {
		return nil, err
	}
	if in.how.CacheFor > 0 {
		until := now.Add(in.how.CacheFor).Unix()
		if !claims.ExpiresAt.IsZero() {
			until = min(until, claims.ExpiresAt.Unix())
		}
		v.tokens.put(token, entry{claims: claims, until: until})
	}
	return claims, nil
}

// answer asks the endpoint.
func (in *inquiry) answer(ctx context.Context, token string) ([]byte, error) {
	endpoint, err := in.where(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {token}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if in.how.APIKey != "" {
		r.Header.Set("Authorization", "Bearer "+in.how.APIKey)
	} else {
		r.SetBasicAuth(url.QueryEscape(in.how.ClientID), url.QueryEscape(in.how.ClientSecret)) // RFC 6749 section 2.3.1
	}
	return in.verifier.issuer.read(r, maxIntrospection)
}

// where returns the endpoint, which the metadata says once.
func (in *inquiry) where(ctx context.Context) (string, error) {
	if known := in.endpoint.Load(); known != nil {
		return *known, nil
	}
	m, err := in.verifier.issuer.discover(ctx)
	if err != nil {
		return "", err
	}
	if err := secure(m.IntrospectionEndpoint); err != nil {
		return "", fmt.Errorf("introspection_endpoint of the metadata: %w", err)
	}
	in.endpoint.Store(&m.IntrospectionEndpoint)
	return m.IntrospectionEndpoint, nil
}

// read judges an answer. What the issuer calls active must still be an access token or API key, for this service, now.
func (in *inquiry) read(body []byte, now time.Time) (*Claims, error) {
	var a introspected
	scanned, err := jwt.ScanClaims(string(body))
	if err != nil || json.Unmarshal(body, &a) != nil {
		return nil, fmt.Errorf("%w: introspection: the answer is not the JSON it should be", ErrUnavailable)
	}
	v := in.verifier
	claims := claimsOf(scanned)
	switch {
	case !a.Active:
		return nil, fmt.Errorf("%w: it is not active", ErrInvalidToken)
	case !strings.EqualFold(a.TokenType, "Bearer") && a.TokenType != "api_key":
		return nil, fmt.Errorf("%w: it is no access token", ErrInvalidToken) // such as a refresh token, which is active too
	case claims.Issuer != "" && claims.Issuer != v.cfg.Issuer:
		return nil, fmt.Errorf("%w: wrong issuer", ErrInvalidToken)
	case !slices.ContainsFunc(claims.Audience, func(aud string) bool { return slices.Contains(v.cfg.Audiences, aud) }):
		return nil, fmt.Errorf("%w: wrong audience", ErrInvalidToken)
	case claims.Subject == "":
		return nil, fmt.Errorf("%w: it has no subject", ErrInvalidToken)
	}
	if err := inTime(claims, now, v.cfg.Leeway); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return claims, v.further(claims)
}

func inTime(c *Claims, now time.Time, leeway time.Duration) error {
	switch {
	case !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt.Add(leeway)):
		return errors.New("expired")
	case now.Add(leeway).Before(c.NotBefore):
		return errors.New("not yet valid")
	}
	return nil
}

// isToken reports whether s has the form of a bearer token (RFC 6750 section 2.1).
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	return body != "" && len(s) <= maxToken && strings.IndexFunc(body, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/", r))
	}) < 0
}
