package webauth

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

//go:embed link.html
var linkHTML string

var linkTemplate = template.Must(template.New("link").Parse(linkHTML))

// linkView is what the page behind a mailed link shows. Without a token it says that the link is dead.
type linkView struct {
	Title, App  string
	Action      string // where the form is posted
	Token       string
	FormToken   string
	Button      string
	AskPassword bool
}

// linkCSP allows a form that is posted here, and nothing else.
const linkCSP = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *Service) verifyPage(w http.ResponseWriter, r *http.Request) error {
	return s.linkPage(w, r, core.PurposeVerify, linkView{
		Title: "Confirm your address", Button: "Confirm", Action: s.prefix + "/verify",
	})
}

func (s *Service) resetPage(w http.ResponseWriter, r *http.Request) error {
	return s.linkPage(w, r, core.PurposeReset, linkView{
		Title: "Choose a new password", Button: "Set password", Action: s.prefix + "/password/reset", AskPassword: true,
	})
}

// linkPage shows the page that a mailed link opens, with a form that uses the link up. Opening it uses up nothing, since
// mail scanners do so before the person does. A program is told whether the link is good.
func (s *Service) linkPage(w http.ResponseWriter, r *http.Request, purpose core.Purpose, v linkView) error {
	token := ""
	if given := r.URL.Query()["token"]; len(given) == 1 {
		token = given[0]
	}
	expires, err := s.auth.LinkLives(r.Context(), token, purpose)
	if err != nil && !errors.Is(err, core.ErrInvalidToken) {
		return err
	}
	good := err == nil
	if !wire.WantsHTML(r) {
		wire.WriteJSON(w, http.StatusOK, struct {
			Valid     bool      `json:"valid"`
			ExpiresAt time.Time `json:"expires_at,omitzero"`
		}{good, expires})
		return nil
	}
	if own := s.own.linkPage(purpose); own != "" && s.pages == nil {
		toOwn(w, r, own, "token")
		return nil
	}
	if s.pages != nil {
		return s.linkOf(w, r, purpose, token, good)
	}
	status := http.StatusOK
	v.App = s.auth.Config().AppName
	if good {
		v.Token, v.FormToken = token, s.FormToken(r)
	} else {
		v.Title, status = "This link does not work any more", http.StatusBadRequest
	}
	return writePage(w, status, v)
}

// linkOf is linkPage with the pages for people.
func (s *Service) linkOf(w http.ResponseWriter, r *http.Request, purpose core.Purpose, token string, good bool) error {
	f, status := s.form(r), http.StatusOK
	if !good {
		token, status = "", http.StatusBadRequest
	}
	if purpose == core.PurposeReset {
		return s.pages.Render(w, r, status, pages.Reset{Form: f, LinkToken: token})
	}
	p := pages.Verify{Form: f, LinkToken: token}
	if good {
		var err error
		if p.Address, err = s.auth.LinkAddress(r.Context(), token, purpose); err != nil {
			return err
		}
	}
	return s.pages.Render(w, r, status, p)
}

// writePage answers with the page of a link. The token is in the page's address, so no other site is told that.
func writePage(w http.ResponseWriter, status int, v linkView) error {
	var page bytes.Buffer
	if err := linkTemplate.Execute(&page, v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", linkCSP)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a client that has gone cannot be told
	return nil
}
