package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// Why a token is not accepted. Their texts contain nothing of the token.
var (
	// ErrInvalidToken means that the token is not valid here and now.
	ErrInvalidToken = errors.New("verify: the token is not valid")
	// ErrUnavailable means that nobody could say whether it is: the issuer could not be asked. It is never "valid".
	ErrUnavailable = errors.New("verify: the issuer is not available")
)

// Verifier checks tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	issuer *issuer
	keys   *keyring
	jwt    *jwt.Verifier
	tokens *cache
	judge  func(ctx context.Context, token string) (*Claims, error)
}

// New makes a verifier. Nothing is fetched yet: see [Verifier.Refresh]. The error says what is wrong in the configuration.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := &Verifier{cfg: cfg, issuer: &issuer{cfg.Issuer, cfg.httpClient()}, tokens: newCache(cfg.CacheSize)}
	if cfg.Introspection != nil {
		in := newInquiry(v)
		v.judge = in.ask
		return v, nil
	}
	v.keys = &keyring{
		issuer: v.issuer, algorithms: cfg.Algorithms, keysFor: cfg.KeysFor, staleFor: cfg.StaleFor, now: cfg.Now,
		log: cfg.Log,
	}
	v.judge = v.verify
	var err error
	v.jwt, err = jwt.NewVerifier(jwt.Options{
		Issuer: cfg.Issuer, Audiences: cfg.Audiences, AudienceArrays: true, Leeway: cfg.Leeway, Now: cfg.Now, Keys: v.keys.set,
	})
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return v, nil
}

// Refresh fetches the issuer's keys now, or waits for the fetch under way: to find out at the start whether the issuer can
// be reached. It is never needed. With introspection it does nothing. The error is [ErrUnavailable] or that of ctx.
func (v *Verifier) Refresh(ctx context.Context) error {
	if v.keys == nil {
		return nil
	}
	return v.keys.wait(ctx, asked)
}

// Verify returns the claims of a valid token. All others are refused with [ErrInvalidToken]; when that cannot be found out
// the error is [ErrUnavailable], or that of ctx.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	return v.judge(ctx, token)
}

// verify checks a JWT.
func (v *Verifier) verify(ctx context.Context, token string) (*Claims, error) {
	k, err := v.keys.current(ctx)
	if err != nil {
		return nil, err
	}
	if claims := v.tokens.get(token, k, v.cfg.Now()); claims != nil {
		return claims, nil
	}
	found, err := v.jwt.Verify(token)
	if errors.Is(err, jwt.ErrUnknownKey) {
		if err := v.keys.unknown(ctx); err != nil {
			return nil, err
		}
		k = v.keys.state.Load()
		found, err = v.jwt.Verify(token)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	claims := claimsOf(found)
	if err := v.further(claims); err != nil {
		return nil, err
	}
	v.tokens.put(token, entry{claims: claims, keys: k, until: found.Expires})
	return claims, nil
}

// further checks what is particular to this service.
func (v *Verifier) further(c *Claims) error {
	if v.cfg.Tenant != "" && c.Tenant != v.cfg.Tenant {
		return fmt.Errorf("%w: it is of another tenant", ErrInvalidToken)
	}
	if name := c.missing(v.cfg.Require); name != "" {
		return fmt.Errorf("%w: it has no claim %s", ErrInvalidToken, name)
	}
	return nil
}

func claimsOf(c *jwt.Claims) *Claims {
	return &Claims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, ClientID: c.ClientID, SessionID: c.SessionID, Tenant: c.Tenant,
		TokenID: c.ID, Scopes: scopesOf(c.Scope), AMR: c.AMR, ACR: c.ACR, AuthTime: timeOf(c.AuthTime), IssuedAt: timeOf(c.IssuedAt),
		NotBefore: timeOf(c.NotBefore), ExpiresAt: timeOf(c.Expires), raw: c.Payload(),
	}
}
