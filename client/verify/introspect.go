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
	"sync"
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

	mu        sync.Mutex
	questions map[string]*question // under way, by token
}

// question is one that any number of callers with the same token wait for.
type question struct {
	done   chan struct{}
	claims *Claims
	err    error
}

func newInquiry(v *Verifier) *inquiry {
	in := &inquiry{verifier: v, how: *v.cfg.Introspection, questions: map[string]*question{}}
	if in.how.CacheFor == 0 {
		in.how.CacheFor = defaultCacheFor
	}
	if in.how.Endpoint != "" {
		in.endpoint.Store(&in.how.Endpoint)
	}
	return in
}

// introspected is what an answer of RFC 7662 section 2.2 says beside claims, which it names as a JWT does.
type introspected struct {
	active    bool
	tokenType string
}

// readIntrospected reads an answer whose form was checked. Names count as they are written, which those of a struct's
// fields would not: "Active" says nothing.
func readIntrospected(body []byte) (introspected, error) {
	var members map[string]json.RawMessage
	var a introspected
	if err := json.Unmarshal(body, &members); err != nil {
		return a, err
	}
	for name, dst := range map[string]any{"active": &a.active, "token_type": &a.tokenType} {
		if value, has := members[name]; has {
			if err := json.Unmarshal(value, dst); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// ask returns the claims of an access token or API key that the issuer calls active. Of callers with one token, whose
// answer is not remembered, one asks; with no memory each asks for itself.
func (in *inquiry) ask(ctx context.Context, token string) (*Claims, error) {
	if claims := in.remembered(token); claims != nil {
		return claims, nil
	}
	if !isToken(token) {
		return nil, fmt.Errorf("%w: it is malformed", ErrInvalidToken)
	}
	if in.how.CacheFor < 0 {
		claims, err := in.inquire(ctx, token)
		return claims, ownError(ctx, err)
	}
	q := in.join(ctx, token)
	select {
	case <-q.done:
		return q.claims, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ownError is err, or that of a caller who has given up.
func ownError(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// remembered returns what the issuer said of a token a while ago, or nil.
func (in *inquiry) remembered(token string) *Claims {
	return in.verifier.tokens.get(token, nil, in.verifier.cfg.Now())
}

// join returns the question about a token that is under way, or that was answered since the caller looked, or puts it. It is
// no caller's in particular: who gives up does not take the answer from the others, and it ends by the timeouts of its
// requests.
func (in *inquiry) join(ctx context.Context, token string) *question {
	in.mu.Lock()
	defer in.mu.Unlock()
	if q := in.questions[token]; q != nil {
		return q
	}
	q := &question{done: make(chan struct{}), claims: in.remembered(token)}
	if q.claims != nil {
		close(q.done)
		return q
	}
	in.questions[token] = q
	go func() {
		q.claims, q.err = in.inquire(context.WithoutCancel(ctx), token)
		in.mu.Lock()
		delete(in.questions, token)
		in.mu.Unlock()
		close(q.done)
	}()
	return q
}

// inquire asks the issuer, and remembers what it calls active.
func (in *inquiry) inquire(ctx context.Context, token string) (*Claims, error) {
	now := in.verifier.cfg.Now() // before: the answer is at least as fresh
	body, err := in.answer(ctx, token)
	if err != nil {
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
		in.verifier.tokens.put(token, entry{claims: claims, until: until})
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
	unreadable := fmt.Errorf("%w: introspection: the answer is not the JSON it should be", ErrUnavailable)
	scanned, err := jwt.ScanClaims(string(body))
	if err != nil {
		return nil, unreadable
	}
	a, err := readIntrospected(body)
	if err != nil {
		return nil, unreadable
	}
	v := in.verifier
	claims := claimsOf(scanned)
	switch {
	case !a.active:
		return nil, fmt.Errorf("%w: it is not active", ErrInvalidToken)
	case !strings.EqualFold(a.tokenType, "Bearer") && a.tokenType != "api_key":
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
	if err := v.further(claims); err != nil {
		return nil, err
	}
	return claims, nil
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
