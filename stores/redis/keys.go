package redis

import (
	"fmt"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

// DefaultPrefix begins the store's keys where Options.Prefix is empty.
const DefaultPrefix = "oneauth:"

func checkPrefix(prefix string) error {
	if strings.ContainsAny(prefix, "{}") {
		return fmt.Errorf("redis: Prefix %q: braces would decide on the hash slot", prefix)
	}
	return nil
}

// space is the keys of one tenant, all in one hash slot. It is what they begin with.
type space string

// space returns the keys of a tenant. No tenant can leave its braces: they are not among the bytes that stand for
// themselves.
func (s *Store) space(tenant string) space {
	return space(s.prefix + "{" + escape(tenant) + "}:")
}

func (sp space) meta() string                { return string(sp) + "meta" }
func (sp space) due() string                 { return string(sp) + "due" }
func (sp space) all(kind string) string      { return string(sp) + "all:" + kind }
func (sp space) by(kind, term string) string { return string(sp) + "by:" + kind + ":" + term }
func (sp space) records(kind string) string  { return string(sp) + "rec:" + kind + ":" }
func (sp space) record(k record.Key) string  { return sp.records(k.Kind) + k.ID }

func (s *Store) schemaKey() string  { return s.prefix + "schema" }
func (s *Store) tenantsKey() string { return s.prefix + "tenants" }

// escape percent-encodes every byte that is not unreserved in RFC 3986, section 2.3. It is lossless.
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
