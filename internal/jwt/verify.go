package jwt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// TypeAccessToken is the type of an access token (RFC 9068 section 2.1), without "application/".
	TypeAccessToken = "at+jwt"
	// DefaultMaxBytes is how long a token may be where Options say nothing. Sign makes no longer ones.
	DefaultMaxBytes = 8 << 10
	// MaxMaxBytes is the largest [Options].MaxBytes.
	MaxMaxBytes = 64 << 10
	// MaxLeeway is the largest [Options].Leeway.
	MaxLeeway = 5 * time.Minute
)

// Options say which tokens a [Verifier] accepts.
type Options struct {
	Issuer    string           // required: the only accepted iss, compared as bytes
	Audiences []string         // required: aud must be one of them
	Type      string           // header typ without "application/"; default TypeAccessToken
	Leeway    time.Duration    // by how much clocks may differ; default 0, at most MaxLeeway
	MaxBytes  int              // of a whole token; default DefaultMaxBytes, at most MaxMaxBytes
	Now       func() time.Time // required: the clock
	Keys      func() *KeySet   // required: the keys as of now; called for each token, so it must be fast

	// AudienceArrays also accepts an aud that is an array in which at least one string is one of Audiences.
	AudienceArrays bool
}

// A Verifier judges tokens. It is safe for concurrent use.
type Verifier struct {
	opt     Options
	headers headerCache
}

// NewVerifier checks the options and makes a Verifier.
func NewVerifier(opt Options) (*Verifier, error) {
	switch {
	case opt.Issuer == "":
		return nil, errors.New("jwt: Options.Issuer is empty")
	case len(opt.Audiences) == 0 || slices.Contains(opt.Audiences, ""):
		return nil, errors.New("jwt: Options.Audiences is empty or has an empty string")
	case opt.Leeway < 0 || opt.Leeway > MaxLeeway:
		return nil, fmt.Errorf("jwt: Options.Leeway is not between 0 and %v", MaxLeeway)
	case opt.MaxBytes < 0 || opt.MaxBytes > MaxMaxBytes:
		return nil, fmt.Errorf("jwt: Options.MaxBytes is not between 0 and %d", MaxMaxBytes)
	case opt.Now == nil:
		return nil, errors.New("jwt: Options.Now is nil")
	case opt.Keys == nil:
		return nil, errors.New("jwt: Options.Keys is nil")
	}
	opt.Audiences = slices.Clone(opt.Audiences)
	if opt.Type == "" {
		opt.Type = TypeAccessToken
	}
	if opt.MaxBytes == 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	return &Verifier{opt: opt}, nil
}

// Verify returns the claims of a token that is valid now. Any other is refused with an error that wraps [ErrInvalid] and
// one of the errors declared with it. Nothing of the payload is looked at before the signature is known to be good.
func (v *Verifier) Verify(token string) (*Claims, error) {
	if len(token) > v.opt.MaxBytes {
		return nil, ErrTooLarge
	}
	t, err := split(token)
	if err != nil {
		return nil, err
	}
	b := getBuffers()
	defer putBuffers(b)
	header, cached := v.headers.get(t.header)
	if !cached {
		if header, err = parseHeader(b, t.header); err != nil {
			return nil, err
		}
	}
	if !isType(header.Type, v.opt.Type) {
		return nil, ErrType
	}
	key, ok := v.opt.Keys().Lookup(header.KeyID)
	if !ok {
		return nil, ErrUnknownKey
	}
	if err := key.check(b, header, t); err != nil {
		return nil, err
	}
	if !cached {
		v.headers.put(t.header, header)
	}
	payload, ok := decodeBase64(b.decoded[:0], t.payload)
	b.decoded = payload
	if !ok {
		return nil, errorf(ErrMalformed, "payload is not base64url")
	}
	claims, err := scanClaims(&b.scan, string(payload))
	if err != nil {
		return nil, err
	}
	claims.KeyID = key.id
	if err := v.judge(claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// judge holds claims against the options: RFC 7519 section 4.1, RFC 9068 section 4.
func (v *Verifier) judge(c *Claims) error {
	if c.Issuer != v.opt.Issuer {
		return ErrIssuer
	}
	if c.array && !v.opt.AudienceArrays || !slices.ContainsFunc(c.Audience, v.isAudience) {
		return ErrAudience
	}
	if err := c.complete(v.opt.Type); err != nil {
		return err
	}
	now := v.opt.Now()
	if !now.Before(time.Unix(c.Expires, 0).Add(v.opt.Leeway)) {
		return ErrExpired
	}
	latest := now.Add(v.opt.Leeway)
	if c.NotBefore != 0 && latest.Before(time.Unix(c.NotBefore, 0)) {
		return errorf(ErrNotYetValid, "nbf")
	}
	if c.IssuedAt != 0 && latest.Before(time.Unix(c.IssuedAt, 0)) {
		return errorf(ErrNotYetValid, "iat")
	}
	return nil
}

func (v *Verifier) isAudience(aud string) bool { return slices.Contains(v.opt.Audiences, aud) }

// complete reports what a token of a type must have and lacks.
func (c *Claims) complete(typ string) error {
	if c.Expires == 0 {
		return errorf(ErrMissing, "exp")
	}
	if !equalASCIIFold(typ, TypeAccessToken) {
		return nil
	}
	switch {
	case c.Subject == "":
		return errorf(ErrMissing, "sub")
	case c.ClientID == "":
		return errorf(ErrMissing, "client_id")
	case c.IssuedAt == 0:
		return errorf(ErrMissing, "iat")
	case c.ID == "":
		return errorf(ErrMissing, "jti")
	}
	return nil
}

// VerifySignature verifies a JWS in compact form (RFC 7515 section 5.2) with a key that the caller chose, and returns its
// header and payload. The header's alg must be the key's; its kid and typ, and the whole payload, are the caller's to judge.
// The JWS may have [DefaultMaxBytes]. Errors wrap [ErrInvalid].
func VerifySignature(jws string, key *Key) (Header, []byte, error) {
	if len(jws) > DefaultMaxBytes {
		return Header{}, nil, ErrTooLarge
	}
	t, err := split(jws)
	if err != nil {
		return Header{}, nil, err
	}
	b := getBuffers()
	defer putBuffers(b)
	header, err := parseHeader(b, t.header)
	if err != nil {
		return Header{}, nil, err
	}
	if err := key.check(b, header, t); err != nil {
		return Header{}, nil, err
	}
	payload, ok := decodeBase64(b.decoded[:0], t.payload)
	b.decoded = payload
	if !ok {
		return Header{}, nil, errorf(ErrMalformed, "payload is not base64url")
	}
	return header, bytes.Clone(payload), nil
}

// check verifies the signature of t, whose header says header.
func (k *Key) check(b *buffers, header Header, t segments) error {
	if k == nil {
		return ErrUnknownKey
	}
	if header.Alg != string(k.alg) {
		return ErrAlgorithm
	}
	if decodedLen(len(t.signature)) != k.signatureLen() {
		return ErrSignature
	}
	signature, ok := decodeBase64(b.signature[:0], t.signature)
	if !ok {
		return errorf(ErrMalformed, "signature is not base64url")
	}
	b.input = append(b.input[:0], t.signed...)
	if !k.verify(b.input, signature) {
		return ErrSignature
	}
	return nil
}

// segments are the parts of a JWS in compact form, still encoded.
type segments struct {
	header, payload, signature string
	signed                     string // header "." payload
}

// split looks for exactly two dots, and at no more than three.
func split(token string) (segments, error) {
	first := strings.IndexByte(token, '.')
	if first < 0 {
		return segments{}, errorf(ErrMalformed, "not three segments")
	}
	n := strings.IndexByte(token[first+1:], '.')
	if n < 0 {
		return segments{}, errorf(ErrMalformed, "not three segments")
	}
	second := first + 1 + n
	t := segments{token[:first], token[first+1 : second], token[second+1:], token[:second]}
	if strings.IndexByte(t.signature, '.') >= 0 {
		return segments{}, errorf(ErrMalformed, "not three segments")
	}
	return t, nil
}

// buffers are what one verification needs and nobody keeps.
type buffers struct {
	input     []byte // what is signed
	decoded   []byte // of one segment
	signature [maxSignature]byte
	scan      scanner
}

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

func getBuffers() *buffers { return bufferPool.Get().(*buffers) }

func putBuffers(b *buffers) {
	b.scan.reset("")
	bufferPool.Put(b)
}
