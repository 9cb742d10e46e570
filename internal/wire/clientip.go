package wire

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how far X-Forwarded-For is walked.
const maxHops = 32

// TrustedProxies are the networks whose word about a client's address is taken.
type TrustedProxies []netip.Prefix

// ParseTrustedProxies parses networks such as 10.0.0.0/8 and single addresses.
func ParseTrustedProxies(networks ...string) (TrustedProxies, error) {
	var proxies TrustedProxies
	for _, s := range networks {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, errAddr := netip.ParseAddr(s)
			if errAddr != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("trusted proxy %q is neither a network nor an address", s)
			}
			addr = addr.Unmap()
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() {
			if prefix.Bits() < 96 {
				return nil, fmt.Errorf("trusted proxy %q is wider than all of IPv4", s)
			}
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// ClientIP returns the address that a request comes from: the peer's, or, as long as that is a trusted proxy, the one
// that it says it forwards for, read from the right end of X-Forwarded-For. No other header is read, and Forwarded
// (RFC 7239) is not. An entry that is no address ends the walk at the hop before it. IPv4-mapped addresses come as
// IPv4, zones are dropped. The zero Addr means that the peer has no IP address, as on a Unix socket.
func (p TrustedProxies) ClientIP(r *http.Request) netip.Addr {
	client, found := parseHop(r.RemoteAddr)
	if !found || !p.contains(client) {
		return client
	}
	headers := r.Header.Values("X-Forwarded-For")
	hops := 0
	for i := len(headers) - 1; i >= 0; i-- {
		for rest, more := headers[i], true; more; hops++ {
			var entry string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			hop, found := parseHop(strings.Trim(entry, " \t"))
			if !found || hops == maxHops {
				return client
			}
			if client = hop; !p.contains(client) {
				return client
			}
		}
	}
	return client
}

func (p TrustedProxies) contains(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// parseHop parses an address with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if inner, found := strings.CutPrefix(s, "["); found && strings.HasSuffix(inner, "]") {
		s = s + ":0"
	}
	if both, err := netip.ParseAddrPort(s); err == nil {
		return both.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// IPKey returns the key under which an address is counted: an IPv6 address by its /64 network, of which one client can
// have every address; "unknown" for the zero Addr.
func IPKey(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.Is4():
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}
