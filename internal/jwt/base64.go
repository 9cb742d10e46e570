package jwt

// notBase64 marks bytes outside the alphabet; it is larger than any 24-bit group, so that one comparison finds it.
const notBase64 = 1 << 31

// decodeTable maps a byte to its six bits (RFC 4648 section 5) or to notBase64.
var decodeTable = func() (t [256]uint32) {
	for i := range t {
		t[i] = notBase64
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range alphabet {
		t[alphabet[i]] = uint32(i)
	}
	return t
}()

// decodedLen returns how many bytes n characters of unpadded base64 stand for.
func decodedLen(n int) int { return n/4*3 + n%4*3/4 }

// decodeBase64 appends the bytes that s stands for to dst. Only the one canonical form of a value is accepted: base64url
// without padding, unused bits zero, nothing skipped (RFC 7515 section 2).
func decodeBase64(dst []byte, s string) (_ []byte, ok bool) {
	t := &decodeTable
	for ; len(s) >= 4; s = s[4:] {
		v := t[s[0]]<<18 | t[s[1]]<<12 | t[s[2]]<<6 | t[s[3]]
		if (t[s[0]]|t[s[1]]|t[s[2]]|t[s[3]])&notBase64 != 0 {
			return dst, false
		}
		dst = append(dst, byte(v>>16), byte(v>>8), byte(v))
	}
	switch len(s) {
	case 1:
		return dst, false
	case 2:
		a, b := t[s[0]], t[s[1]]
		if (a|b)&notBase64 != 0 || b&0xf != 0 {
			return dst, false
		}
		dst = append(dst, byte(a<<2|b>>4))
	case 3:
		a, b, c := t[s[0]], t[s[1]], t[s[2]]
		if (a|b|c)&notBase64 != 0 || c&0x3 != 0 {
			return dst, false
		}
		dst = append(dst, byte(a<<2|b>>4), byte(b<<4|c>>2))
	}
	return dst, true
}
