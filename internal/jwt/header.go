package jwt

import (
	"slices"
	"strings"
	"sync/atomic"
)

// MaxHeaderBytes is how long the encoded header segment of a token may be.
const MaxHeaderBytes = 1024

// A Header is what this package reads of a JOSE header (RFC 7515 section 4.1).
type Header struct {
	Alg   string // alg
	KeyID string // kid; empty where the header has none
	Type  string // typ; empty where the header has none
}

// parseHeader decodes and checks a header segment.
func parseHeader(b *buffers, segment string) (Header, error) {
	if len(segment) > MaxHeaderBytes {
		return Header{}, ErrTooLarge
	}
	decoded, ok := decodeBase64(b.decoded[:0], segment)
	b.decoded = decoded
	if !ok {
		return Header{}, errorf(ErrMalformed, "header is not base64url")
	}
	var h Header
	s := &b.scan
	s.reset(string(decoded))
	s.enter('{', "header is not an object")
	for first := true; s.err == nil && s.more(first, '}'); first = false {
		h.member(s)
	}
	return h, s.end()
}

func (h *Header) member(s *scanner) {
	name := s.member()
	if slices.Contains(refusedHeaders, name) {
		s.fail(ErrHeader, name)
		return
	}
	s.rememberTop(headerNames, name)
	switch name {
	case "alg":
		h.Alg = s.text()
	case "kid":
		h.KeyID = s.text()
	case "typ":
		h.Type = s.text()
	default:
		s.skip()
	}
}

// isType reports whether a typ header names the media type want: "application/" may be left out, case does not count
// (RFC 7515 section 4.1.9).
func isType(typ, want string) bool {
	const prefix = "application/"
	if len(typ) == len(prefix)+len(want) && equalASCIIFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return equalASCIIFold(typ, want)
}

func equalASCIIFold(a, b string) bool {
	return len(a) == len(b) && isASCII(a) && strings.EqualFold(a, b)
}

// maxCachedHeaders bounds a headerCache. An issuer has a few keys and one header for each.
const maxCachedHeaders = 64

// A headerCache remembers what header segments say. Only those of tokens with a good signature come in, so nobody but
// the issuer can fill it. It holds no keys: what a key set says is asked anew each time.
type headerCache struct {
	known atomic.Pointer[map[string]Header]
}

func (c *headerCache) get(segment string) (Header, bool) {
	known := c.known.Load()
	if known == nil {
		return Header{}, false
	}
	h, ok := (*known)[segment]
	return h, ok
}

// put adds a segment. A full cache begins anew; of two at a time one may be lost.
func (c *headerCache) put(segment string, h Header) {
	next := map[string]Header{strings.Clone(segment): h}
	if known := c.known.Load(); known != nil && len(*known) < maxCachedHeaders {
		for s, h := range *known {
			next[s] = h
		}
	}
	c.known.Store(&next)
}
