package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

var callbackParams = limits{
	"code": 4096, "state": 128, "iss": 1000, "error": 200, "error_description": 2000, "user": 4096,
}

// formCallback takes an answer that comes as a form from the provider's site (OAuth 2.0 Form Post Response Mode). It
// arrives without our cookies, so it is no request of anybody: it only becomes a GET, to which the browser adds them. What
// it tells of the person is sealed on the way, since addresses are written down in many places.
func (s *Service) formCallback(w http.ResponseWriter, r *http.Request, p *provider) error {
	if !p.FormPost {
		return core.ErrNotFound
	}
	var in struct {
		Code        string `json:"code"`
		State       string `json:"state"`
		Issuer      string `json:"iss"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
		User        string `json:"user"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return s.edge.Fail(w, r, s.note(r.Context(), p, err))
	}
	q := url.Values{}
	for name, value := range map[string]string{
		"code": in.Code, "state": in.State, "iss": in.Issuer, "error": in.Error, "error_description": in.Description,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if in.User != "" && len(in.User) <= callbackParams["user"]/2 {
		sealed, err := s.auth.Config().Secrets.Seal([]byte(in.User), userKind, in.State)
		if err != nil {
			return core.E(core.CodeInternal, "").Wrap(err)
		}
		q.Set("user", b64.EncodeToString(sealed))
	}
	return redirect(w, s.callbackURL(r.Context(), p)+"?"+q.Encode())
}

const userKind = "oauth_user" // what the form's user parameter is sealed for

// callback is where the provider sends the browser back to (RFC 6749 section 4.1.2).
func (s *Service) callback(w http.ResponseWriter, r *http.Request, p *provider) error {
	ctx := r.Context()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	q, err := callbackParams.read(r.URL.RawQuery)
	if err != nil {
		return s.edge.Fail(w, r, s.note(ctx, p, err))
	}
	f, err := s.resume(w, r, p, q.Get("state"))
	if err != nil {
		return s.edge.Fail(w, r, s.note(ctx, p, err))
	}
	as, err := s.answered(ctx, p, f, q)
	if err != nil {
		err = s.note(ctx, p, err)
	}
	switch {
	case f.Mode == apiMode:
		return s.finishApp(w, r, p, f, as, err)
	case err != nil:
		return s.edge.Fail(w, r, err)
	case f.Mode == linkMode:
		if _, err := s.auth.LinkExternal(ctx, f.Linker.UserID, f.Linker.SessionID, *as); err != nil {
			return s.edge.Fail(w, r, s.note(ctx, p, err))
		}
		return redirect(w, f.ReturnTo)
	}
	l, err := s.auth.ResolveExternal(ctx, *as, p.Rules)
	if err != nil {
		return s.edge.Fail(w, r, err)
	}
	in, err := s.auth.AdmitLinked(ctx, l, core.Wish{Kind: core.BrowserSession}, nil)
	return s.edge.Arrive(w, r, in, f.ReturnTo, err)
}

// answered exchanges the code that a provider sent and returns who the person is.
func (s *Service) answered(ctx context.Context, p *provider, f *flow, q url.Values) (*core.Assertion, error) {
	if err := p.checkIssuer(ctx, q.Get("iss")); err != nil {
		return nil, err
	}
	switch code := q.Get("error"); {
	case code == "access_denied", code == "user_cancelled_login", code == "user_cancelled_authorize", code == "user_cancelled_authorize_url":
		return nil, core.E(core.CodeProviderRefused, "")
	case code != "":
		return nil, core.E(core.CodeProviderFailed, "").Wrap(fmt.Errorf("oauth: %s answers %q: %q", p.Name, code, q.Get("error_description")))
	case q.Get("code") == "":
		return nil, core.FieldE(core.CodeInvalidRequest, "code", "It is missing.")
	}
	a, token, err := p.exchange(ctx, s.callbackURL(ctx, p), q.Get("code"), f)
	if err != nil {
		return nil, core.E(core.CodeProviderFailed, "").Wrap(err)
	}
	if sealed, err := b64.DecodeString(q.Get("user")); err == nil && len(sealed) > 0 {
		if a.User, err = s.auth.Config().Secrets.Open(sealed, userKind, q.Get("state")); err != nil {
			return nil, core.FieldE(core.CodeInvalidRequest, "user", "It is not what the provider sent.").Wrap(err)
		}
	}
	return p.assertion(ctx, a, token)
}

// finishApp sends a program's browser back to it, with a code or an error.
func (s *Service) finishApp(w http.ResponseWriter, r *http.Request, p *provider, f *flow, as *core.Assertion, err error) error {
	if err != nil {
		return s.backToApp(w, r, f.App, err)
	}
	l, err := s.auth.ResolveExternal(r.Context(), *as, p.Rules)
	if err != nil {
		return s.backToApp(w, r, f.App, err)
	}
	code, err := s.newCode(r.Context(), f.App, l)
	if err != nil {
		return s.backToApp(w, r, f.App, err)
	}
	return redirect(w, s.appURL(r.Context(), f.App, url.Values{"code": {code}}))
}

// backToApp tells a program what went wrong (RFC 6749 section 4.1.2.1).
func (s *Service) backToApp(w http.ResponseWriter, r *http.Request, a app, err error) error {
	e := core.AsError(err)
	if e.Code.Class() == core.Internal {
		s.auth.Env().Log.ErrorContext(r.Context(), "sign-in through a provider failed", "error", err)
	}
	q := url.Values{"error": {appError(e)}, "error_description": {e.Public()}}
	if e.Field != "" {
		q.Set("error_description", e.Field+": "+e.Public())
	}
	return redirect(w, s.appURL(r.Context(), a, q))
}

// appError is the code of RFC 6749 section 4.1.2.1 for an error.
func appError(e *core.Error) string {
	switch e.Code {
	case core.CodeUnauthorizedClient, core.CodeInvalidScope, core.CodeInvalidRequest:
		return string(e.Code)
	}
	switch e.Code.Class() {
	case core.Internal:
		return "server_error"
	case core.Unavailable:
		return "temporarily_unavailable"
	}
	return "access_denied"
}

// appURL is the program's redirect URI with the answer, which says whose it is (RFC 9207).
func (s *Service) appURL(ctx context.Context, a app, q url.Values) string {
	if a.State != "" {
		q.Set("state", a.State)
	}
	q.Set("iss", s.auth.Config().BaseURL)
	u, err := url.Parse(a.RedirectURI)
	if err != nil { // a registered URI has been parsed before
		return s.auth.Config().BaseURLFor(tenantOf(ctx))
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += q.Encode()
	return u.String()
}

// checkIssuer refuses an answer that says it is another provider's (RFC 9207 section 2.4), or does not say whose it is
// though the provider's answers do.
func (p *provider) checkIssuer(ctx context.Context, iss string) error {
	if p.Issuer == "" || p.ValidIssuer != nil { // the ID token tells which of the issuers it is
		return nil
	}
	d, err := p.discover(ctx)
	switch {
	case err != nil:
		return core.E(core.CodeProviderFailed, "").Wrap(err)
	case iss == "" && d.issOK, iss != "" && iss != d.issuer:
		return core.FieldE(core.CodeInvalidRequest, "iss", "The answer is not this provider's.").
			Wrap(errors.New("oauth: iss is " + iss))
	}
	return nil
}
