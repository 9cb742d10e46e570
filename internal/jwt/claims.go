package jwt

import (
	"encoding/json"
	"fmt"
)

// Claims are the claims of an access token (RFC 7519 section 4.1, RFC 9068 section 2.2, OpenID Connect). Times are whole
// seconds since 1970, 0 where the claim is absent. Strings are parts of the decoded payload, so keeping one keeps it all.
type Claims struct {
	Issuer    string   // iss
	Subject   string   // sub
	Audience  []string // aud
	Expires   int64    // exp: not valid at this second nor later
	NotBefore int64    // nbf
	IssuedAt  int64    // iat
	ID        string   // jti
	SessionID string   // sid
	ClientID  string   // client_id
	Scope     string   // scope: scopes separated by spaces, RFC 8693 section 4.2
	Tenant    string   // tid
	AuthTime  int64    // auth_time: when the person last signed in
	AMR       []string // amr: how, RFC 8176
	ACR       string   // acr

	// KeyID is the key that verified the token. Sign ignores it.
	KeyID string

	raw   string
	array bool // aud was an array
}

// Payload returns the JSON text that the claims were read from; it is empty for claims that were not.
func (c *Claims) Payload() string { return c.raw }

// DecodeCustom decodes the payload into dst, a pointer to a struct with the application's own claims, as encoding/json
// does. Registered claims are members like the others: a field of dst with such a name receives them. Claims that did not
// come from a token leave dst as it is.
func (c *Claims) DecodeCustom(dst any) error {
	if c.raw == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(c.raw), dst); err != nil {
		return fmt.Errorf("jwt: custom claims: %w", err)
	}
	return nil
}

// ScanClaims reads a payload, the decoded second segment of a token, under the rules in the package comment that concern
// its form. It checks neither signature nor issuer, audience and times: what it returns is only a claim.
func ScanClaims(payload string) (*Claims, error) {
	b := getBuffers()
	defer putBuffers(b)
	return scanClaims(&b.scan, payload)
}

func scanClaims(s *scanner, payload string) (*Claims, error) {
	c := &Claims{raw: payload}
	var seen uint32 // bit i: registered[i]
	s.reset(payload)
	s.enter('{', "payload is not an object")
	for n := 0; s.err == nil && s.more(n == 0, '}'); n++ {
		if n >= MaxMembers {
			s.fail(ErrMalformed, "too many members")
		}
		name := s.member()
		bit := c.member(s, name)
		if bit == 0 && s.err == nil {
			s.rememberTop(reserved, name)
			s.skip()
		}
		if seen&bit != 0 {
			s.fail(ErrMalformed, "duplicate member")
		}
		seen |= bit
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	return c, nil
}

// member reads the value of a registered claim and returns the bit that stands for it; for other names it returns 0 and
// reads nothing.
func (c *Claims) member(s *scanner, name string) (bit uint32) {
	switch name {
	case "iss":
		c.Issuer = s.text()
		return 1 << 0
	case "sub":
		c.Subject = s.text()
		return 1 << 1
	case "aud":
		c.audience(s)
		return 1 << 2
	case "exp":
		c.Expires = s.date()
		return 1 << 3
	case "nbf":
		c.NotBefore = s.date()
		return 1 << 4
	case "iat":
		c.IssuedAt = s.date()
		return 1 << 5
	case "jti":
		c.ID = s.text()
		return 1 << 6
	case "sid":
		c.SessionID = s.text()
		return 1 << 7
	case "client_id":
		c.ClientID = s.text()
		return 1 << 8
	case "scope":
		c.Scope = s.text()
		return 1 << 9
	case "tid":
		c.Tenant = s.text()
		return 1 << 10
	case "auth_time":
		c.AuthTime = s.date()
		return 1 << 11
	case "amr":
		c.AMR = s.texts()
		return 1 << 12
	case "acr":
		c.ACR = s.text()
		return 1 << 13
	}
	return 0
}

// audience reads an aud: one string, or an array of strings.
func (c *Claims) audience(s *scanner) {
	if c.array = s.peek() == '['; c.array {
		c.Audience = s.texts()
	} else if aud := s.text(); s.err == nil {
		c.Audience = []string{aud}
	}
}
