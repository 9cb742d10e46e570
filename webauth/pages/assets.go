package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/oneauth-go/oneauth/internal/wire"
)

const maxLogo = 256 << 10 // bytes

func (l Logo) check() error {
	if l.URL != "" && len(l.Data) > 0 {
		return errors.New("pages: Logo has both URL and Data")
	}
	if _, safe := wire.SafePath(l.URL); l.URL != "" && !safe {
		return fmt.Errorf("pages: Logo.URL %q is not a path on this origin", l.URL)
	}
	if len(l.Data) > maxLogo {
		return fmt.Errorf("pages: Logo.Data has %d bytes, at most %d", len(l.Data), maxLogo)
	}
	if _, ext := l.kind(); len(l.Data) > 0 && ext == "" {
		return errors.New("pages: Logo.Data is not SVG, PNG, JPEG, GIF or WebP")
	}
	return nil
}

// kind tells media type and file name extension from the bytes.
func (l Logo) kind() (media, ext string) {
	media = http.DetectContentType(l.Data)
	switch media {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return media, media[len("image/"):]
	}
	start := bytes.TrimSpace(l.Data[:min(len(l.Data), 1024)])
	if bytes.HasPrefix(start, []byte("<svg")) || bytes.HasPrefix(start, []byte("<?xml")) && bytes.Contains(start, []byte("<svg")) {
		return "image/svg+xml", "svg"
	}
	return "", ""
}

// Stylesheet returns the path of the stylesheet, which changes with its content, and what to serve there.
func (s *Set) Stylesheet() (path string, h http.Handler) {
	return s.stylePath, asset("text/css; charset=utf-8", []byte(s.style))
}

// Logo returns the path of the embedded logo and what to serve there; "" and nil if there is none.
func (s *Set) Logo() (path string, h http.Handler) {
	if len(s.o.Logo.Data) == 0 {
		return "", nil
	}
	media, _ := s.o.Logo.kind()
	return s.logoPath, asset(media, s.o.Logo.Data)
}

// assetPath names a file after its content, so that it can be cached for ever.
func (s *Set) assetPath(name, ext string, content []byte) string {
	sum := sha256.Sum256(content)
	return s.o.Prefix + "/assets/" + name + "-" + hex.EncodeToString(sum[:8]) + "." + ext
}

// asset serves bytes that never change. The policy keeps an SVG that is opened by itself from doing anything.
func asset(media string, content []byte) http.Handler {
	length := strconv.Itoa(len(content))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", media)
		h.Set("Content-Length", length)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.Method == http.MethodGet {
			_, _ = w.Write(content) // a client that has gone cannot be told
		}
	})
}
