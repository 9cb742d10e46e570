package webauth

import (
	"errors"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// fromPage reports whether a request is a form that a page has sent.
func fromPage(r *http.Request) bool {
	return r.Method == http.MethodPost && isForm(r) && wire.WantsHTML(r)
}

// formErrors lets a handler's error come back to the page whose form it was: next to the field at fault, with nothing
// lost that was typed but passwords. Programs get the error as it is.
func (s *Service) formErrors(path string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err == nil || !fromPage(r) {
			return err
		}
		e, status := s.errors.Classify(w, r, err)
		if s.pages == nil {
			w.Header().Set("Cache-Control", "no-store")
			s.own.Failed(w, r, status, e)
			return nil
		}
		return s.pages.Render(w, r, status, s.failedPage(r, path, e))
	}
}

// ErrorPage answers a person's request, one that is no form, with the page that shows err. It reports whether it has:
// where there are no pages it does nothing.
func (s *Service) ErrorPage(w http.ResponseWriter, r *http.Request, err error) bool {
	if s.pages == nil {
		return false
	}
	e, status := s.errors.Classify(w, r, err)
	return s.pages.Render(w, r, status, problemPage(pages.Form{Token: s.FormToken(r)}, e)) == nil
}

// sections says to which part of the account page the form of an endpoint belongs.
var sections = map[string]pages.Section{
	"/account": pages.Profile, "/identities": pages.Identities, "/identities/primary": pages.Identities,
	"/identities/remove": pages.Identities, "/password/change": pages.Password, "/sessions/{id}/end": pages.Devices,
	"/linked/{id}/unlink": pages.Connected, "/sessions/end-others": pages.Devices, "/keys": pages.Keys, "/keys/{id}/revoke": pages.Keys,
}

// failedPage is the page that shows an error of an endpoint's form.
func (s *Service) failedPage(r *http.Request, path string, e *core.Error) pages.Page {
	f := s.typedForm(r, e)
	if section, ok := sections[path]; ok {
		return s.failedAccount(r, section, f, e)
	}
	if !answerable(e) {
		return problemPage(f, e)
	}
	switch path {
	case "/login":
		return pages.Login{Form: f}
	case "/signup":
		return pages.SignUp{Form: f, Invite: formValue(r, "invite")}
	case "/password/forgot":
		return pages.Forgot{Form: f}
	case "/password/reset":
		if e.Field == "token" {
			return pages.Reset{Form: pages.Form{Token: f.Token, ReturnTo: f.ReturnTo}}
		}
		return pages.Reset{Form: f, LinkToken: formValue(r, "token")}
	case "/verify", "/verify/request":
		return pages.Verify{Form: pages.Form{Token: f.Token, ReturnTo: f.ReturnTo}}
	}
	return problemPage(f, e)
}

// answerable reports whether a person can mend an error in the form that caused it.
func answerable(e *core.Error) bool {
	switch e.Code.Class() {
	case core.Unprocessable, core.Conflict:
		return true
	case core.Invalid:
		return e.Field != ""
	}
	return e.Code == core.CodeProviderRefused || e.Code == core.CodeProviderFailed || e.Code == core.CodeInvalidCredentials || e.Code == core.CodeInvalidScope ||
		e.Code == core.CodeSignUpRefused && (e.Field == "email" || e.Field == "invite")
}

// refused reports whether an error is a rule that forbids what was asked for some input: shown where it was asked for, it
// says what to do instead.
func refused(e *core.Error) bool {
	return e.Field != "" && (e.Code == core.CodeForbidden || e.Code == core.CodeVerificationRequired)
}

func problemPage(f pages.Form, e *core.Error) pages.Page {
	f.Errors = nil
	return pages.Error{Form: f, Code: e.Code, Detail: e.Detail, RetryAfter: e.RetryAfter}
}

// failedAccount shows the account page again. Who is not signed in any more, or not recently enough, gets the login page
// first.
func (s *Service) failedAccount(r *http.Request, section pages.Section, f pages.Form, e *core.Error) pages.Page {
	login := pages.Login{Form: pages.Form{Token: f.Token, ReturnTo: s.prefix + "/account", Notice: "sign_in_first"}}
	p, err := s.Authenticate(r.Context(), r)
	switch {
	case errors.Is(err, core.ErrUnauthenticated):
		return login
	case err != nil || !answerable(e) && !refused(e) && e.Code != core.CodeReauthRequired && e.Code != core.CodeNotFound:
		return problemPage(f, e)
	}
	view, err := s.accountView(r, p)
	if err != nil {
		return problemPage(f, core.AsError(err))
	}
	if e.Code == core.CodeReauthRequired {
		login.Reauth = primaryOf(view.Identities)
		return login
	}
	f.ReturnTo = ""
	view.Form, view.Failed = f, section
	return view
}

func primaryOf(all []pages.Identity) string {
	for _, i := range all {
		if i.Primary {
			return i.Value
		}
	}
	return ""
}

// typedForm is the form as it was sent, with what is wrong with it.
func (s *Service) typedForm(r *http.Request, e *core.Error) pages.Form {
	f := pages.Form{Token: s.FormToken(r), ReturnTo: formValue(r, "return_to"), Values: map[string]string{}, Errors: e.Fields}
	if len(f.Errors) == 0 {
		f.Errors = []core.FieldError{{Field: e.Field, Code: e.Code, Detail: e.Detail}}
	}
	names := []string{"email", "username", "phone", "name", "identifier", "remember", "expires_in"}
	for name := range s.fields {
		names = append(names, "data."+name)
	}
	for _, scope := range s.auth.Config().Scopes {
		names = append(names, "scope."+scope)
	}
	for _, name := range names {
		if v := formValue(r, name); v != "" {
			f.Values[name] = v
		}
	}
	return f
}

// formValue returns one parameter of a form that was decoded before, or "".
func formValue(r *http.Request, name string) string {
	v, err := wire.FormValue(r, name)
	if err != nil {
		return ""
	}
	return v
}

// nextPage is the page that follows a form that did what it asked for, or nil where the form says itself where to go on.
func (s *Service) nextPage(r *http.Request, status int) pages.Page {
	f := pages.Form{Token: s.FormToken(r), ReturnTo: formValue(r, "return_to")}
	switch r.URL.Path {
	case "/signup":
		if status == http.StatusAccepted {
			return pages.Pending{Form: f, Address: formValue(r, "email")}
		}
	case "/password/forgot":
		return pages.ForgotSent{Form: f, Identifier: formValue(r, "identifier")}
	case "/password/reset":
		f.Notice = "password_reset"
		return pages.Login{Form: f}
	case "/verify":
		_, err := s.Authenticate(r.Context(), r)
		return pages.Verified{Form: f, SignedIn: err == nil}
	case "/verify/request":
		if f.ReturnTo == "" {
			f.Notice = "verify_sent"
			return pages.Login{Form: f}
		}
	case "/logout":
		if f.ReturnTo == "" {
			return pages.SignedOut{Form: f}
		}
	}
	return nil
}
