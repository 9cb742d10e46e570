package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// compact is the one serialization that ID tokens have (OpenID Connect Core section 2, RFC 7515 section 7.1).
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// verify judges an ID token (OpenID Connect Core section 3.1.3.7) and returns its issuer, subject and claims.
func (p *provider) verify(ctx context.Context, raw, nonce string, audiences []string) (*idToken, error) {
	if !compact.MatchString(raw) {
		return nil, errors.New("oauth: ID token of " + p.Name + ": it is not of three parts")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	token, err := d.oidc.Verifier(&oidc.Config{
		SkipClientIDCheck: true, // below, for several
		SkipIssuerCheck:   p.ValidIssuer != nil, SupportedSigningAlgs: d.algs, Now: p.now,
	}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("oauth: ID token of %s: %w", p.Name, err)
	}
	fault := func(format string, args ...any) error {
		return fmt.Errorf("oauth: ID token of "+p.Name+": "+format, args...)
	}
	out := &idToken{Issuer: token.Issuer, Subject: token.Subject, Expires: token.Expiry, Nonce: token.Nonce}
	var more struct {
		AuthorizedParty string `json:"azp"`
	}
	switch err := errors.Join(token.Claims(&out.Claims), token.Claims(&more)); {
	case err != nil:
		return nil, fault("%w", err)
	case token.Subject == "":
		return nil, fault("the subject is missing")
	case !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, fault("it is for %q", token.Audience)
	case len(token.Audience) > 1 && !slices.Contains(audiences, more.AuthorizedParty):
		return nil, fault("it is for several, and the authorized party is %q", more.AuthorizedParty)
	case more.AuthorizedParty != "" && !slices.Contains(audiences, more.AuthorizedParty):
		return nil, fault("the authorized party is %q", more.AuthorizedParty)
	case token.IssuedAt.After(p.now().Add(5 * time.Minute)):
		return nil, fault("it was issued in the future")
	case p.ValidIssuer != nil && !p.ValidIssuer(token.Issuer, d.issuer, out.Claims):
		return nil, fault("the issuer is %q", token.Issuer)
	case !sameNonce(token.Nonce, nonce):
		return nil, fault("the nonce is not the one of this sign-in")
	}
	return out, nil
}

// sameNonce compares the nonce of an ID token with the one that was drawn for it, or its SHA-256 in hexadecimal, which is
// what native apps give to the platform's own sign-in. An ID token without one is nobody's.
func sameNonce(got, want string) bool {
	sum := sha256.Sum256([]byte(want))
	plain := subtle.ConstantTimeCompare([]byte(got), []byte(want))
	hashed := subtle.ConstantTimeCompare([]byte(got), []byte(hex.EncodeToString(sum[:])))
	return want != "" && plain|hashed == 1
}

// idToken is a verified ID token.
type idToken struct {
	Issuer, Subject, Nonce string
	Expires                time.Time
	Claims                 json.RawMessage
}
