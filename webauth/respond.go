package webauth

import (
	"cmp"
	"mime"
	"net/http"
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

// missing blames the inputs that a request lacks, without which it means nothing.
func missing(fields ...string) error {
	const required = "This is required."
	e := core.FieldE(core.CodeInvalidRequest, fields[0], required)
	for _, field := range fields {
		if len(fields) > 1 {
			e.Fields = append(e.Fields, core.FieldError{Field: field, Code: e.Code, Detail: required})
		}
	}
	return e
}
