package apiauth

import (
	"context"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// wishParams say which session somebody wants who signs in or up.
type wishParams struct {
	clientParams
	Scope      string `json:"scope"`
	DeviceName string `json:"device_name"`
}

// wish authenticates the client, which must be the application's own, and says what session is asked for.
func (s *Service) wish(ctx context.Context, r *http.Request, in wishParams) (core.Wish, error) {
	client, err := s.client(ctx, r, in.clientParams)
	if err != nil {
		return core.Wish{}, err
	}
	if client.ID != core.FirstParty || !client.MayUse(core.GrantPassword) {
		return core.Wish{}, core.E(core.CodeUnauthorizedClient, "")
	}
	scopes, err := askedScopes(in.Scope)
	return core.Wish{Kind: core.APISession, ClientID: client.ID, Scopes: scopes, DeviceName: in.DeviceName}, err
}

// handleLogin signs somebody in with a password.
func (s *Service) handleLogin(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		wishParams
		Identifier string `json:"identifier"`
		Password   string `json:"password"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	wish, err := s.wish(ctx, r, in.wishParams)
	if err != nil {
		return err
	}
	for _, p := range []struct{ name, value string }{{"identifier", in.Identifier}, {"password", in.Password}} {
		if p.value == "" {
			return core.FieldE(core.CodeInvalidRequest, p.name, "The "+p.name+" is missing.")
		}
	}
	signedIn, err := s.auth.SignIn(ctx, core.PasswordSignIn{Identifier: in.Identifier, Password: in.Password, Wish: wish})
	if err != nil {
		return err
	}
	answer, err := s.answer(ctx, signedIn)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// signUpAnswer is a token answer with the new user.
type signUpAnswer struct {
	*TokenAnswer
	User wire.User `json:"user"`
}

// handleSignUp makes an account and signs it in. Where addresses are verified first, it only says that a mail is on its
// way, in the same bytes whether the address was free or taken.
func (s *Service) handleSignUp(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		wishParams
		Email    string         `json:"email"`
		Username string         `json:"username"`
		Phone    string         `json:"phone"`
		Password string         `json:"password"`
		Name     string         `json:"name"`
		Data     map[string]any `json:"data"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	wish, err := s.wish(ctx, r, in.wishParams)
	if err != nil {
		return err
	}
	signedIn, err := s.auth.SignUp(ctx, core.SignUp{
		Email: in.Email, Username: in.Username, Phone: in.Phone, Password: in.Password, Name: in.Name, Data: in.Data, Wish: wish,
	})
	if err != nil {
		return err
	}
	if signedIn == nil {
		wire.WriteJSON(w, http.StatusAccepted, map[string]string{"status": "pending"})
		return nil
	}
	answer, err := s.answer(ctx, signedIn)
	if err != nil {
		return err
	}
	identities, err := s.auth.IdentitiesOf(ctx, signedIn.User.ID)
	if err != nil {
		return err
	}
	tenant, err := s.tenant(ctx)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusCreated, signUpAnswer{answer, wire.ViewUser(tenant, signedIn.User, identities)})
	return nil
}

// Begin answers with the first tokens of a session that another room's way in has given, in the form of the token
// endpoint.
func (s *Service) Begin(w http.ResponseWriter, r *http.Request, in *core.SignedIn) error {
	answer, err := s.answer(r.Context(), in)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// answer issues the first tokens of a session. A session whose tokens cannot be issued is ended: nobody could use it.
func (s *Service) answer(ctx context.Context, in *core.SignedIn) (*TokenAnswer, error) {
	answer, err := s.Issue(ctx, in)
	if err != nil {
		failed := s.auth.EndSession(context.WithoutCancel(ctx), in.Session.UserID, in.Session.ID, "token_not_issued")
		if failed != nil {
			s.auth.Env().Log.WarnContext(ctx, "session without tokens not ended", "session", in.Session.ID, "error", failed)
		}
	}
	return answer, err
}
