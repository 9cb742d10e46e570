package webauth

import (
	"cmp"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// done answers a request that did what it asked for: a form of a page is sent on to its return_to, a program gets body
// as JSON, or 204 when there is none.
func (s *Service) done(w http.ResponseWriter, r *http.Request, status int, body any) error {
	if fromPage(r) {
		if s.pages != nil {
			if next := s.nextPage(r, status); next != nil {
				return s.pages.Render(w, r, http.StatusOK, next)
			}
		}
		returnTo, err := wire.FormValue(r, "return_to")
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", s.landing(returnTo))
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if body == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	wire.WriteJSON(w, status, body)
	return nil
}

// landing is where a person goes on to: returnTo where that is a path of this origin that can be opened, else the start
// page.
func (s *Service) landing(returnTo string) string {
	path, safe := wire.SafePath(returnTo)
	file, _, _ := strings.Cut(path, "#")
	file, _, _ = strings.Cut(file, "?")
	if endpoint, below := strings.CutPrefix(file, s.prefix); !safe || below && s.formOnly[endpoint] {
		return s.home()
	}
	return path
}

// home is the path of the application's start page.
func (s *Service) home() string {
	if s.pages != nil {
		return s.pages.Home()
	}
	return cmp.Or(s.own.Home, "/")
}

func isForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// wantsHTML reports whether Accept names text/html (RFC 9110 section 12.5.1) and does not refuse it. Wildcards do not
// name it.
func wantsHTML(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for media := range strings.SplitSeq(line, ",") {
			name, params, err := mime.ParseMediaType(media)
			if err != nil || name != "text/html" {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); err != nil || q > 0 {
				return true
			}
		}
	}
	return false
}

// missing blames an input that a request lacks, without which it means nothing.
func missing(field string) error {
	return core.FieldE(core.CodeInvalidRequest, field, "This is required.")
}
