package jwt

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Sign makes an access token: claims, and beside them the members of custom, a struct or map that encoding/json turns into
// an object (nil for none). What [Verifier.Verify] would refuse for its form is not signed: the error wraps [ErrClaims], and
// [ErrReserved] where a custom claim has a name of [ReservedClaims].
func Sign(key *Key, claims Claims, custom any) (string, error) {
	return SignTyped(key, TypeAccessToken, claims, custom)
}

// SignTyped is [Sign] for another type of token, named as in [Options].Type.
func SignTyped(key *Key, typ string, claims Claims, custom any) (string, error) {
	if key == nil {
		return "", fmt.Errorf("%w: key is nil", ErrKey)
	}
	header := key.header
	if typ != TypeAccessToken {
		var err error
		if header, err = encodeHeader(key, typ); err != nil {
			return "", err
		}
	}
	payload, err := encodePayload(typ, &claims, custom)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	size := len(header) + enc.EncodedLen(len(payload)) + enc.EncodedLen(key.signatureLen()) + 2
	if size > DefaultMaxBytes {
		return "", fmt.Errorf("%w: the token would have %d bytes, more than %d", ErrClaims, size, DefaultMaxBytes)
	}
	token := append(make([]byte, 0, size), header...)
	token = enc.AppendEncode(append(token, '.'), payload)
	signature, err := key.sign(token)
	if err != nil {
		return "", fmt.Errorf("jwt: signing: %w", err)
	}
	return string(enc.AppendEncode(append(token, '.'), signature)), nil
}

// encodeHeader returns the encoded header of tokens of a type.
func encodeHeader(k *Key, typ string) (string, error) {
	if typ == "" || !utf8.ValidString(typ) || !utf8.ValidString(k.id) {
		return "", fmt.Errorf("%w: type is empty or not UTF-8", ErrClaims)
	}
	b := appendText([]byte(`{"alg":`), string(k.alg))
	b = appendText(append(b, `,"kid":`...), k.id)
	b = append(appendText(append(b, `,"typ":`...), typ), '}')
	segment := base64.RawURLEncoding.EncodeToString(b)
	if len(segment) > MaxHeaderBytes {
		return "", fmt.Errorf("%w: header of %d bytes", ErrClaims, len(segment))
	}
	return segment, nil
}

// encodePayload checks claims and returns them as JSON.
func encodePayload(typ string, c *Claims, custom any) ([]byte, error) {
	if c.Issuer == "" {
		return nil, fmt.Errorf("%w: iss is empty", ErrClaims)
	}
	if len(c.Audience) == 0 || slices.Contains(c.Audience, "") {
		return nil, fmt.Errorf("%w: aud is empty", ErrClaims)
	}
	if err := c.complete(typ); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrClaims, err)
	}
	b := c.appendJSON(make([]byte, 0, 512))
	if custom != nil {
		members, err := customMembers(custom)
		if err != nil {
			return nil, err
		}
		if members != "" {
			b = append(append(b, ','), members...)
		}
	}
	b = append(b, '}')
	if _, err := ScanClaims(string(b)); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrClaims, err)
	}
	return b, nil
}

// appendJSON appends c as a JSON object that is still open.
func (c *Claims) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"iss":`...), c.Issuer)
	b = append(b, `,"aud":`...)
	if len(c.Audience) == 1 {
		b = appendText(b, c.Audience[0])
	} else {
		b = appendTexts(b, c.Audience)
	}
	b = appendDate(b, "exp", c.Expires)
	b = appendDate(b, "nbf", c.NotBefore)
	b = appendDate(b, "iat", c.IssuedAt)
	b = appendClaim(b, "sub", c.Subject)
	b = appendClaim(b, "jti", c.ID)
	b = appendClaim(b, "sid", c.SessionID)
	b = appendClaim(b, "client_id", c.ClientID)
	b = appendClaim(b, "scope", c.Scope)
	b = appendClaim(b, "tid", c.Tenant)
	b = appendDate(b, "auth_time", c.AuthTime)
	b = appendClaim(b, "acr", c.ACR)
	if len(c.AMR) > 0 {
		b = appendTexts(append(b, `,"amr":`...), c.AMR)
	}
	return b
}

// customMembers returns the inside of the JSON object that custom stands for.
func customMembers(custom any) (string, error) {
	encoded, err := json.Marshal(custom)
	if err != nil {
		return "", fmt.Errorf("%w: custom claims: %w", ErrClaims, err)
	}
	if string(encoded) == "null" {
		return "", nil
	}
	var s scanner
	s.reset(string(encoded))
	s.enter('{', "not an object")
	for first := true; s.err == nil && s.more(first, '}'); first = false {
		if name := s.member(); IsReserved(name) {
			return "", fmt.Errorf("%w: %q", ErrReserved, name)
		}
		s.skip()
	}
	if err := s.end(); err != nil {
		return "", fmt.Errorf("%w: custom claims: %v", ErrClaims, err)
	}
	return string(encoded[1 : len(encoded)-1]), nil
}

func appendDate(b []byte, name string, seconds int64) []byte {
	if seconds == 0 {
		return b
	}
	return strconv.AppendInt(appendName(b, name), seconds, 10)
}

func appendClaim(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(appendName(b, name), value)
}

func appendName(b []byte, name string) []byte {
	return append(append(append(b, `,"`...), name...), `":`...)
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText appends s as a JSON string (RFC 8259 section 7). Bytes that are not UTF-8 stay as they are, for the check of
// the whole payload to find.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
