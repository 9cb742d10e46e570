package webauth

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// scopeList is a list of scopes, written as an array or, like the scope parameter of RFC 6749 section 3.3, with spaces
// between them.
type scopeList []string

// UnmarshalJSON reads either form.
func (l *scopeList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		return l.UnmarshalText([]byte(text))
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*l = list
	return nil
}

// UnmarshalText reads scopes with spaces between them.
func (l *scopeList) UnmarshalText(text []byte) error {
	*l = strings.Fields(string(text))
	return nil
}

// distinct returns the scopes without repetitions.
func (l scopeList) distinct() []string {
	var out []string
	for _, scope := range l {
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// apiKey is how a key appears; Key is there only in the answer that makes it.
type apiKey struct {
	ID        string    `json:"id"`
	Key       string    `json:"key,omitempty"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func viewKey(k *core.APIKey, text string) apiKey {
	return apiKey{
		ID: k.ID, Key: text, Name: k.Name, Scopes: append([]string{}, k.Scopes...), CreatedAt: k.CreatedAt,
		ExpiresAt: k.Expires,
	}
}

const (
	maxKeyScopes = 100
	maxKeyLife   = 100 * 365 * 24 * 60 * 60 // seconds
)

// createKey makes an API key of the caller. A caller with an access token can give it no scope that the token lacks:
// else a token that was narrowed could widen itself.
func (s *Service) createKey(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Name      string    `json:"name"`
		Scopes    scopeList `json:"scopes"`
		ExpiresIn *int64    `json:"expires_in"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	if isForm(r) {
		in.Scopes = append(in.Scopes, tickedScopes(r, c)...)
	}
	asked := core.NewKey{Name: in.Name, Scopes: in.Scopes.distinct(), SessionID: c.SessionID}
	if len(asked.Scopes) > maxKeyScopes {
		return core.FieldE(core.CodeInvalidField, "scopes", "At most 100 scopes.")
	}
	if in.ExpiresIn != nil {
		if *in.ExpiresIn < 1 || *in.ExpiresIn > maxKeyLife {
			return core.FieldE(core.CodeInvalidField, "expires_in", "Seconds from now, at least 1 and at most 100 years.")
		}
		asked.Expires = time.Duration(*in.ExpiresIn) * time.Second
	}
	if c.Via == core.ViaJWT {
		for _, scope := range asked.Scopes {
			if !c.HasScope(scope) {
				return &core.Error{Code: core.CodeInsufficientScope, Field: "scopes", Scope: strings.Join(asked.Scopes, " ")}
			}
		}
	}
	k, text, err := s.auth.CreateKey(r.Context(), c.Subject, asked)
	if err != nil {
		return err
	}
	if s.pages != nil && fromPage(r) {
		return s.showNewKey(w, r, c, text)
	}
	wire.WriteJSON(w, http.StatusCreated, viewKey(k, text))
	return nil
}

// tickedScopes are the scopes that were ticked in the form of the account page.
func tickedScopes(r *http.Request, c caller) []string {
	var ticked []string
	for _, scope := range c.Scopes {
		if formValue(r, "scope."+scope) != "" {
			ticked = append(ticked, scope)
		}
	}
	return ticked
}

// showNewKey shows a key this once, on the account page: a redirect would lose it.
func (s *Service) showNewKey(w http.ResponseWriter, r *http.Request, c caller, text string) error {
	view, err := s.accountView(r, c.Principal)
	if err != nil {
		return err
	}
	view.Form = pages.Form{Token: s.FormToken(r), Notice: "key_created"}
	view.NewKey = text
	return s.pages.Render(w, r, http.StatusOK, view)
}

// listKeys shows the newest key first.
func (s *Service) listKeys(w http.ResponseWriter, r *http.Request, c caller) error {
	all, err := s.auth.ListKeys(r.Context(), c.Subject)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y *core.APIKey) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	out := struct {
		Keys []apiKey `json:"keys"`
	}{[]apiKey{}}
	for _, k := range all {
		out.Keys = append(out.Keys, viewKey(k, ""))
	}
	wire.WriteJSON(w, http.StatusOK, out)
	return nil
}

func (s *Service) revokeKey(w http.ResponseWriter, r *http.Request, c caller) error {
	id := r.PathValue("id")
	if err := s.auth.RevokeKey(r.Context(), c.Subject, id); err != nil {
		return err
	}
	return s.done(w, r, http.StatusNoContent, nil)
}
