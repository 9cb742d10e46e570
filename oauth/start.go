package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

var startParams = limits{
	"mode": 16, "return_to": 2048, "client_id": 100, "redirect_uri": 1000, "response_type": 16, "code_challenge": 128,
	"code_challenge_method": 16, "state": 512, "scope": 500, "device_name": 200,
}

// start sends a browser to the provider.
func (s *Service) start(w http.ResponseWriter, r *http.Request, p *provider) error {
	f, err := s.asked(r)
	var next string
	if err == nil {
		next, err = s.begin(w, r, p, f)
	}
	if err == nil {
		return redirect(w, next)
	}
	err = s.note(r.Context(), p, err)
	if f.Mode == apiMode {
		return s.backToApp(w, r, f.App, err)
	}
	return s.edge.Fail(w, r, err)
}

// asked reads the flow that a browser begins. With an error its mode says who is to hear of it: in API mode the program,
// which is known then.
func (s *Service) asked(r *http.Request) (*flow, error) {
	f := &flow{Mode: browserMode}
	q, err := startParams.read(r.URL.RawQuery)
	if err != nil {
		return f, err
	}
	switch q.Get("mode") {
	case "":
		f.ReturnTo, _ = wire.SafePath(q.Get("return_to"))
		return f, nil
	case string(apiMode):
		if f.App, err = s.app(r.Context(), q); err != nil {
			return f, err
		}
		f.Mode = apiMode
		return f, f.App.fault(q)
	}
	return f, core.FieldE(core.CodeInvalidRequest, "mode", `It is "api" or absent.`)
}

// app reads who asks, and where the answer goes. Before both are known to belong together nobody is sent anywhere.
func (s *Service) app(ctx context.Context, q url.Values) (app, error) {
	a := app{
		ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), Challenge: q.Get("code_challenge"),
		State: q.Get("state"), Scope: q.Get("scope"), DeviceName: q.Get("device_name"),
	}
	if a.ClientID == "" {
		return a, core.FieldE(core.CodeInvalidRequest, "client_id", "It is missing.")
	}
	client, err := s.auth.Clients().Get(ctx, a.ClientID)
	switch {
	case err != nil && core.AsError(err).Code == core.CodeInvalidClient:
		return a, core.FieldE(core.CodeInvalidRequest, "client_id", "There is no such client.")
	case err != nil:
		return a, err
	case !client.MayUse(core.GrantCode):
		return a, core.E(core.CodeUnauthorizedClient, "")
	case !client.MayRedirect(a.RedirectURI):
		return a, core.FieldE(core.CodeInvalidRequest, "redirect_uri", "It is not registered for the client.")
	}
	return a, nil
}

// fault says what is wrong with a program's request, after RFC 6749 section 4.1.1 and RFC 7636 section 4.3.
func (a app) fault(q url.Values) error {
	switch {
	case q.Has("response_type") && q.Get("response_type") != "code":
		return core.FieldE(core.CodeInvalidRequest, "response_type", `It must be "code".`)
	case a.State == "":
		return core.FieldE(core.CodeInvalidRequest, "state", "It is missing.")
	case q.Has("code_challenge_method") && q.Get("code_challenge_method") != "S256":
		return core.FieldE(core.CodeInvalidRequest, "code_challenge_method", "It must be S256.")
	case len(a.Challenge) != 43 || !unreserved(a.Challenge):
		return core.FieldE(core.CodeInvalidRequest, "code_challenge", "It must be 43 characters of base64url: the SHA-256 of the verifier.")
	case a.Scope != "" && len(core.ParseScope(a.Scope)) == 0:
		return core.ErrInvalidScope
	}
	return nil
}

// unreserved reports whether s has only the characters of a code verifier (RFC 7636 section 4.1).
func unreserved(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~", c)
	})
}

// link begins to connect an account at the provider with the one of who is signed in. A form is sent to the provider, a
// program is told the address. With an id_token it is done at once.
func (s *Service) link(w http.ResponseWriter, r *http.Request, p *provider) error {
	who, err := s.edge.Principal(r)
	if err != nil {
		return s.edge.Fail(w, r, err)
	}
	var in struct {
		ReturnTo string `json:"return_to"`
		IDToken  string `json:"id_token"`
		Nonce    string `json:"nonce"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return s.edge.Fail(w, r, err)
	}
	if in.IDToken != "" {
		return s.linkNative(w, r, p, who, in.IDToken, in.Nonce)
	}
	if err := s.recent(who); err != nil {
		return s.edge.Fail(w, r, err)
	}
	f := &flow{Mode: linkMode, Linker: linker{UserID: who.Subject, SessionID: who.SessionID}}
	f.ReturnTo, _ = wire.SafePath(in.ReturnTo)
	if f.ReturnTo == "" {
		f.ReturnTo = s.auth.Config().Prefix + "/account"
	}
	next, err := s.begin(w, r, p, f)
	if err != nil {
		return s.edge.Fail(w, r, s.note(r.Context(), p, err))
	}
	return s.edge.SendOn(w, r, p.Title, next)
}

// recent asks for a fresh sign-in before a person is sent away; core judges it again when they are back.
func (s *Service) recent(who *core.Principal) error {
	if s.now().Sub(who.AuthTime) > s.auth.Config().RecentSignIn {
		return core.ErrReauthRequired
	}
	return nil
}

// redirect answers 303: whatever the request was, the next one is a GET.
func redirect(w http.ResponseWriter, to string) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
