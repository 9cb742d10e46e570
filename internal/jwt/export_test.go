package jwt

import "encoding/base64"

// SignRaw signs any header and payload, as only tests may.
func SignRaw(k *Key, header, payload []byte) (string, error) {
	enc := base64.RawURLEncoding
	token := enc.AppendEncode(nil, header)
	token = enc.AppendEncode(append(token, '.'), payload)
	signature, err := k.sign(token)
	return string(enc.AppendEncode(append(token, '.'), signature)), err
}

// SignText signs a signing input as it is, whatever its segments look like.
func SignText(k *Key, input string) (string, error) {
	signature, err := k.sign([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// CachedHeaders returns how many headers v remembers.
func (v *Verifier) CachedHeaders() int {
	if known := v.headers.known.Load(); known != nil {
		return len(*known)
	}
	return 0
}
