package wire

import (
	"net/url"
	"strings"
)

const maxPath = 2048

// SafePath says whether returnTo may be redirected to after a form: a path on this origin, with an optional query and
// fragment. It returns returnTo and true, or "" and false.
//
// It must begin with one slash and be printable ASCII, percent-encoded as a browser sends it. A backslash, an empty or
// dot segment, and all of these in percent-encoding, once or repeatedly, are refused: browsers, proxies and routers
// disagree over them, and one that cleans the path could make another host of it.
func SafePath(returnTo string) (string, bool) {
	if len(returnTo) > maxPath || !strings.HasPrefix(returnTo, "/") || strings.ContainsFunc(returnTo, unsafeRune) {
		return "", false
	}
	u, err := url.Parse(returnTo)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.User != nil || u.Host != "" {
		return "", false
	}
	path, _, _ := strings.Cut(returnTo, "#")
	path, _, _ = strings.Cut(path, "?")
	for {
		if !plainPath(path) {
			return "", false
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			return returnTo, true
		}
		path = decoded
	}
}

func unsafeRune(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }

// plainPath reports whether a path, at some stage of decoding, has no segment that anything could resolve.
func plainPath(path string) bool {
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || slashLike(r) }) {
		return false
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments[1:] {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-2 {
			return false
		}
	}
	return segments[0] == ""
}

// slashLike reports characters that a lax decoder or normaliser could turn into a slash, a backslash or a dot.
func slashLike(r rune) bool {
	return strings.ContainsRune("／＼∕⁄⧸⧹﹨．․。｡\u2215\ufffd", r)
}
