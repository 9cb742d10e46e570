package jwt

import (
	"errors"
	"fmt"
)

// ErrInvalid is what every refusal of a token wraps: errors.Is(err, ErrInvalid) holds for each error that
// [Verifier.Verify], [VerifySignature] and [ScanClaims] return.
var ErrInvalid = errors.New("jwt: invalid token")

// Why a token is refused. Their texts never contain anything from the token.
var (
	ErrTooLarge    = fmt.Errorf("%w: too large", ErrInvalid)
	ErrMalformed   = fmt.Errorf("%w: malformed", ErrInvalid)
	ErrHeader      = fmt.Errorf("%w: header not allowed", ErrInvalid)       // a header member that is always refused
	ErrType        = fmt.Errorf("%w: wrong type", ErrInvalid)               // header typ, RFC 9068 section 4
	ErrAlgorithm   = fmt.Errorf("%w: wrong algorithm", ErrInvalid)          // alg is not that of the key
	ErrUnknownKey  = fmt.Errorf("%w: unknown key", ErrInvalid)              // no kid, or not one of ours
	ErrSignature   = fmt.Errorf("%w: wrong signature", ErrInvalid)          // RFC 7515 section 5.2
	ErrIssuer      = fmt.Errorf("%w: wrong issuer", ErrInvalid)             // iss
	ErrAudience    = fmt.Errorf("%w: wrong audience", ErrInvalid)           // aud
	ErrExpired     = fmt.Errorf("%w: expired", ErrInvalid)                  // exp
	ErrNotYetValid = fmt.Errorf("%w: not yet valid", ErrInvalid)            // nbf or iat in the future
	ErrMissing     = fmt.Errorf("%w: required claim missing", ErrInvalid)   // RFC 9068 section 2.2
	ErrClaimType   = fmt.Errorf("%w: member of the wrong type", ErrInvalid) // registered claim or header parameter
)

// What the issuing side can get wrong. These say nothing about a token, so they do not wrap [ErrInvalid].
var (
	ErrKey      = errors.New("jwt: unusable key")
	ErrClaims   = errors.New("jwt: claims cannot be signed")
	ErrReserved = fmt.Errorf("%w: custom claim has a reserved name", ErrClaims)
)

// errorf adds detail, a constant text of ours, to one of the errors above.
func errorf(kind error, detail string) error { return fmt.Errorf("%w: %s", kind, detail) }
